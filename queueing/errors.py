"""Every reason a hall has for saying no, each with the word that outsiders may rely on."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class Refused(Exception):
    """The hall cannot do that now."""

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


class UnknownService(Refused):
    """This hall has no service {service}."""

    code = "unknown_service"


class Closed(Refused):
    """The service {service} is closed now."""

    code = "closed"


class OtherMatters(Closed):
    """{service} does only some matters today, and what is asked for is not one of them."""


class PastLastTicket(Refused):
    """The last ticket of today for {service} has been given out: book another time, or ask for a visit at home."""

    code = "past_last_ticket"


class BookingOnly(Refused):
    """{service} is open for booked visitors only."""

    code = "booking_only"


class QuotaFull(Refused):
    """All tickets of today for this service are taken."""

    code = "quota_full"


class OneLiveTicket(Refused):
    """This person already holds a ticket for this service."""

    code = "one_live_ticket"


class RealNameNeeded(Refused):
    """The service {service} is given by real name: show the ID card."""

    code = "real_name_needed"


class TooManyToday(Refused):
    """This person has taken as many numbers today as one may."""

    code = "too_many"


class TooManyOfService(Refused):
    """This person has taken as many numbers for this service today as one may."""

    code = "too_many"


class Banned(Refused):
    """This person took or booked and did not come; the pause lasts until {until}. The desk hears an appeal."""

    code = "banned"


class ChangedMeanwhile(Refused):
    """Somebody else has changed {field} in the meantime: look again."""

    code = "changed_meanwhile"


class WindowBusy(Refused):
    """The window still has ticket {ticket}: finish, hold or transfer it first."""

    code = "window_busy"


class WindowNotOpen(Refused):
    """Window {window} is not open."""

    code = "window_not_open"


class WindowTaken(Refused):
    """Window {window} is taken by {clerk}."""

    code = "window_taken"


class AlreadySeated(Refused):
    """The clerk already sits at window {window}."""


class NotSkilled(Refused):
    """The clerk is not skilled in {service}."""

    code = "not_skilled"


class NotServedHere(Refused):
    """Window {window} may not serve {service}: it belongs to other windows."""

    code = "not_served_here"


class NotInThatState(Refused):
    """The ticket is {state}: this cannot be done with it now."""


class ProposalGone(Refused):
    """This proposal is {state}: it cannot be decided any more."""


class NothingAtWindow(Refused):
    """The window has no ticket for this: it is {state}."""


class TooEarly(Refused):
    """Give the citizen time to come: {seconds} s more."""

    code = "too_early"


class StillWaiting(Refused):
    """{count} people whom this window can serve are still waiting."""

    code = "still_waiting"


class NotYourWindow(Refused):
    """Somebody else sits at window {window}."""

    code = "not_allowed"


class CatalogueMoved(Refused):
    """The catalogue has changed since it was looked at."""


class ForeignTaken(Refused):
    """The system {system} may tell its queues already."""


class SlipUsed(Refused):
    """The slip has been used or is too old."""


class PartsAreMatters(Refused):
    """A package is made of matters of this hall."""

    code = "bad_input"


class EventsNameMatters(Refused):
    """A life event names matters of this hall."""

    code = "bad_input"


class KeyReused(Refused):
    """This idempotency key was used for a different request."""

    code = "key_reused"


class PressRepeated(Exception):
    """The press has acted already; its answer is kept. Never leaves this room."""


class NumberInUse(Refused):
    """Another ticket of that day has this number: give its holder a new one at the desk."""


class NumberTaken(Exception):
    """A ticket of that day has this number, or this key. Never leaves this room."""


class OfflineKnown(Exception):
    """The dispenser has brought this sequence number before. Never leaves this room."""


BROKEN: dict[str, type[Exception]] = {
    "press_acts_once": PressRepeated,
    "number_once_a_day": NumberTaken,
    "ticket_key_once": NumberTaken,
    "offline_ticket_once": OfflineKnown,
    "offline_seq_once": OfflineKnown,
    "one_ticket_at_a_window": WindowBusy,
    "one_live_ticket": OneLiveTicket,
    "banned": Banned,
    "too_many_today": TooManyToday,
    "too_many_of_service": TooManyOfService,
    "door_has_places": QuotaFull,
    "clerk_has_one_seat": AlreadySeated,
    "parts_are_matters": PartsAreMatters,
    "events_name_matters": EventsNameMatters,
}


@contextmanager
def named() -> Iterator[None]:
    """Turn a broken constraint into the one error that names it; what is not in BROKEN stays what it was."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as broken:
        error = BROKEN.get(broken.constraint_name or "")
        if error is None:
            raise
        raise error() from broken
