"""Phone numbers and addresses at rest: encrypted for as long as they are needed, matched by a keyed hash, shown masked."""

import hashlib
import hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12  # bytes
BETWEEN = re.compile(r"[\s\-().]+")
PHONE = re.compile(r"\+?[0-9]{6,15}")


class Unreadable(Exception):
    """What was encrypted with another secret, or for another place."""


def phone_of(written: str) -> str | None:
    """A number as it is dialled, however it was written; None for what is none. +86 is at home."""
    number = BETWEEN.sub("", written)
    if not number.isascii() or not PHONE.fullmatch(number):
        return None
    return re.sub(r"^(?:\+86|0086)(?=1[0-9]{10}$)", "", number)


def masked(address: str) -> str:
    """As much of a number or address as a screen may show: 138****8000, w***@example.cn."""
    name, at, host = address.partition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return f"{address[:3]}****{address[-4:]}" if len(address) >= 11 else f"****{address[-2:]}"


class Seal:
    """The hall's secret at work. Two uses never share a key."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._box = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hall notices at rest").derive(secret))

    def who(self, address: str) -> bytes:
        """The keyed hash by which the same number is known again."""
        return hmac.new(self._secret, f"phone:{address.upper()}".encode(), hashlib.sha256).digest()

    def close(self, text: str, place: str) -> bytes:
        """Encrypted, and good for this place alone: a row copied to another can't be read there."""
        nonce = os.urandom(NONCE)
        return nonce + self._box.encrypt(nonce, text.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Unreadable."""
        try:
            return self._box.decrypt(sealed[:NONCE], sealed[NONCE:], place.encode()).decode()
        except InvalidTag as error:
            raise Unreadable() from error
