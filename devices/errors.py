"""Every reason for which a machine is told no, each with the word that outsiders may rely on."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class Refused(Exception):
    """The device cannot do that now."""

    code = "not_in_that_state"

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__((type(self).__doc__ or "").format_map(_Blank(details)))


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


class NotFound(Refused):
    """There is no such {what}."""

    code = "not_found"


class BadInput(Refused):
    """The value of {field} is not usable: {message}"""

    code = "bad_input"


class BadCode(Refused):
    """This pairing code is wrong, used or too old."""

    code = "bad_code"


class TooManyTries(Refused):
    """Too many wrong codes from here: wait {seconds} s."""

    code = "too_fast"


class PressRefused(Exception):
    """What somebody did at a machine is not possible. `code` goes to the device, `retry` says whether later may work."""

    def __init__(self, code: str, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.code, self.retry = code, retry


class NotReadYet(Exception):
    """A board's view is younger than what was read of the hall; it is there when the board greets again."""


class NotYours(Refused):
    """This job is another device's."""

    code = "not_allowed"


class AlreadyEnded(Refused):
    """Job {job} has ended as {state}."""


class UnknownKind(BadInput):
    """There is no such kind of device."""


class UnknownZone(BadInput):
    """This hall has no such zone."""


class UnknownWindow(BadInput):
    """This hall has no such window."""


class TwoPlaces(BadInput):
    """A device stands at a window or in a zone, not both."""


class BadName(BadInput):
    """A device's name has 1 to 80 characters."""


class BadRange(BadInput):
    """Offline numbers begin at 1001, 2001, 3001 and so on."""


class RangeTaken(BadInput):
    """Another dispenser has these offline numbers."""


class OnlyDispensersLend(BadInput):
    """Only a dispenser gives out numbers."""


BROKEN: dict[str, tuple[type[BadInput], str]] = {
    "device_kind_known": (UnknownKind, "kind"),
    "device_zone_exists": (UnknownZone, "zone"),
    "device_window_exists": (UnknownWindow, "window"),
    "device_has_one_place": (TwoPlaces, "window"),
    "device_has_a_name": (BadName, "name"),
    "offline_range_is_a_thousand": (BadRange, "first_offline"),
    "dispenser_has_its_own_range": (RangeTaken, "first_offline"),
    "only_dispensers_lend": (OnlyDispensersLend, "first_offline"),
}


@contextmanager
def named() -> Iterator[None]:
    """Turn a broken constraint into the error that names it; what is not in BROKEN stays what it was."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as broken:
        if broken.constraint_name not in BROKEN:
            raise
        error, field = BROKEN[broken.constraint_name]
        raise error(field=field) from broken
