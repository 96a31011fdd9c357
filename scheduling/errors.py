"""Why the schedule says no."""

from queueing.errors import Refused


class BadNotice(Refused):
    """The file is not a whole notice of one year's holidays."""

    code = "bad_input"


class NoSuchDayType(Refused):
    """The hall has no kind of day called {code}."""

    code = "not_found"


class DayTypeInUse(Refused):
    """The kind of day {code} is one the calendar needs, or days are of it."""


class BadSession(Refused):
    """A session opens, gives its last ticket and closes, in this order, and sessions of a day don't overlap."""

    code = "bad_input"
