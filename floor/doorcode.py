"""The code that hangs at the door: it changes by the clock, so that whoever takes a number by phone has stood before it."""

import base64
import hashlib
import hmac
import secrets
import time

from floor.refusals import StaleDoorCode
from queueing.halls import Hall
from queueing.settings import Setting

# Who takes a number by phone: nobody, whoever scanned the code on site, or anybody who knows the address.
PHONE_TICKETS = Setting("phone_tickets", "on_site", allowed=("off", "on_site", "anywhere"))
DOOR_CODE_S = Setting("door_code_s", 60, 15, 900, "seconds")  # a code is shown so long, and good as long again
SETTINGS = (PHONE_TICKETS, DOOR_CODE_S)

PASS_S = 600  # from the scan to the choice; a pass takes one number


def code(secret: bytes, hall: Hall, now: float | None = None) -> str:
    """What the door shows now: 16 letters and digits of the hall and the step of time."""
    return _code(secret, hall, int((time.time() if now is None else now) // hall.value(DOOR_CODE_S)))


def _code(secret: bytes, hall: Hall, step: int) -> str:
    return base64.b32encode(_digest(secret, f"door:{hall.id}:{step}")[:10]).decode()


def _digest(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()


def new_pass(secret: bytes, hall: Hall, now: float | None = None) -> str:
    """What a phone holds after the scan, while its owner chooses: `pass.<until>.<random>.<seal>`."""
    until = int((time.time() if now is None else now) + PASS_S)
    text = f"pass.{until}.{secrets.token_hex(8)}"
    return f"{text}.{_seal(secret, hall, text)}"


def _seal(secret: bytes, hall: Hall, text: str) -> str:
    return _digest(secret, f"{hall.id}:{text}").hex()[:32]


def admit(secret: bytes, hall: Hall, given: str, now: float | None = None) -> None:
    """Let in whoever holds this code or the one before it, or a pass that is not over. StaleDoorCode."""
    at = time.time() if now is None else now
    step = int(at // hall.value(DOOR_CODE_S))
    shown = [_code(secret, hall, step), _code(secret, hall, step - 1)]
    if any(hmac.compare_digest(given.strip().upper().encode(), one.encode()) for one in shown):
        return
    text, _, seal = given.rpartition(".")
    parts = text.split(".")
    sealed = hmac.compare_digest(seal.encode(), _seal(secret, hall, text).encode())
    if not sealed or len(parts) != 3 or parts[0] != "pass" or int(parts[1]) < at:
        raise StaleDoorCode()
