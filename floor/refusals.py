"""What the floor itself may refuse, beside the refusals of the queue."""

from queueing.errors import Refused


class NotSignedIn(Refused):
    """Sign in first."""

    code = "not_signed_in"


class NotAllowed(Refused):
    """This act is not yours to do."""

    code = "not_allowed"


class NotOwnPage(NotAllowed):
    """The page is from before the last sign-in: load it again."""

    def __init__(self) -> None:
        super().__init__(page="stale")


class StaleDoorCode(Refused):
    """This code is too old: scan the one at the door again."""

    code = "not_allowed"


class TooFast(Refused):
    """Too many requests: try again in {seconds} s."""

    code = "too_fast"

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds=seconds)


class BadPassword(Refused):
    """The name or the password is not right."""

    code = "not_signed_in"


class UserExists(Refused):
    """Somebody already signs in as {username}."""


class LinkUsed(Refused):
    """This link has been used or is too old."""

    code = "not_found"


class PrinterNotReady(Refused):
    """The printer of this dispenser is out of paper or open."""

    code = "printer_not_ready"


class NobodySeated(Refused):
    """Nobody sits at window {window}: sign in and open it first."""

    code = "window_not_open"


class PressTooOld(Refused):
    """This key was pressed too long ago: press it again."""

    code = "expired"


class CannotTest(Refused):
    """A device of this kind has nothing to test."""


class CannotSpeak(Refused):
    """The voice does not answer: try again."""

    code = "unavailable"


class Revoked(Refused):
    """This device has been revoked: it does nothing any more."""


class NotFinished(Refused):
    """Only a finished visit can be rated."""

    code = "not_finished"


class AlreadyRated(Refused):
    """This visit has been rated."""

    code = "already_rated"


class TooLate(Refused):
    """A visit can be rated for {days} days."""

    code = "too_late"


class NothingToRate(Refused):
    """There is no finished visit at window {window} that still waits for its rating."""


class NobodyFree(Refused):
    """Nobody is free for this service, or no window stands empty for it."""


class CallbackIs(Refused):
    """The call-back is {state}: this can't be done with it now."""


class AnswerMissing(Refused):
    """Say what was done about it."""

    code = "bad_input"


class SheetDiffers(Refused):
    """Other figures of {day} came before as version {version}."""

    code = "sheet_differs"
