"""Who lives behind a door, at rest: one encrypted envelope a visit, opened by few and never quietly."""

import hashlib
import hmac
import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12  # bytes


class Unreadable(Exception):
    """What was sealed with a secret that this hall no longer has, or for another visit."""


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What only those who go there may read: WGS 84 degrees, what the visitor said in their own words."""

    name: str
    phone: str
    address: str
    lat: float | None = None
    lon: float | None = None
    materials: tuple[str, ...] = ()
    evidence: str | None = None
    note: str | None = None
    asker: str | None = None  # who asked for them, and what they are to them
    relation: str | None = None


class Sealed(msgspec.Struct, frozen=True):
    """An envelope as it is kept, and the name of the key that opens it."""

    key_id: str
    sealed: bytes


class Envelopes:
    """The keys made of the hall's secret and of those it had before: the first seals, each opens what it has sealed."""

    def __init__(self, secret: bytes, *former: bytes) -> None:
        self._boxes: dict[str, AESGCM] = {}
        for each in (secret, *former):
            key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hall doorstep envelopes").derive(each)
            self._boxes.setdefault(hmac.new(key, b"name of this key", hashlib.sha256).hexdigest()[:8], AESGCM(key))
        self.key_id = next(iter(self._boxes))

    def close(self, details: Details, visit: str) -> Sealed:
        """Sealed for this visit alone: moved to another row it can't be opened."""
        return self.wrap(msgspec.json.encode(details), visit)

    def open(self, envelope: Sealed, visit: str) -> Details:
        """Unreadable."""
        return msgspec.json.decode(self.unwrap(envelope, visit), type=Details)

    def wrap(self, content: bytes, place: str) -> Sealed:
        """Anything else of a visit, such as a photo, sealed for its place alone."""
        nonce = os.urandom(NONCE)
        return Sealed(self.key_id, nonce + self._boxes[self.key_id].encrypt(nonce, content, _place(place)))

    def unwrap(self, envelope: Sealed, place: str) -> bytes:
        """Unreadable."""
        box = self._boxes.get(envelope.key_id)
        if box is None:
            raise Unreadable()
        try:
            return box.decrypt(envelope.sealed[:NONCE], envelope.sealed[NONCE:], _place(place))
        except InvalidTag as error:
            raise Unreadable() from error


def _place(visit: str) -> bytes:
    return f"doorstep:{visit}".encode()


def name_mask(name: str) -> str:
    """As much of a name as a list may show: its first sign."""
    return f"{name.strip()[:1]}**"


def phone_mask(number: str) -> str:
    """The last four digits."""
    return f"****{number[-4:]}" if len(number) >= 8 else f"****{number[-2:]}"
