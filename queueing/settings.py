"""What a city may choose: each setting of a hall by name, with what is usual and what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from queueing.db import Db
from queueing.errors import BadInput

T = TypeVar("T", int, bool, str)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value every hall has. A room declares its own beside the rule that reads it and lists them in its SETTINGS;
    the manager's page shows all of them. `unit` is a word of the catalogue: minutes, people, days, …"""

    name: str
    usual: T
    low: int = 0
    high: int = 0
    unit: str = ""
    allowed: tuple[str, ...] = ()

    def of(self, chosen: Mapping[str, Any]) -> T:
        """The value of a hall that chose these."""
        value: T = chosen.get(self.name, self.usual)
        return value

    def checked(self, value: Any) -> T:
        """The value, if this setting may have it; else BadInput."""
        if isinstance(self.usual, bool):
            if not isinstance(value, bool):
                raise BadInput(field=self.name, message="one of true, false")
        elif isinstance(self.usual, int):
            if not isinstance(value, int) or not self.low <= value <= self.high:
                raise BadInput(field=self.name, message=f"{self.low} to {self.high}")
        elif value not in self.allowed:
            raise BadInput(field=self.name, message=f"one of {', '.join(self.allowed)}")
        checked: T = value
        return checked


# Order: who is called when several kinds of people wait.
INTERLEAVE = Setting("interleave", 0, 0, 50, "people")  # one booked, then at most this many others; 0: by the one key alone
EARLY = Setting("booked_early_min", 30, 0, 240, "minutes")  # a booking is checked in from so long before its time
LATE = Setting("booked_late_min", 15, 0, 240, "minutes")  # and counts until so long after it
SHORT_EVERY = Setting("short_every", 1, 1, 20, "people")  # after one of the short line at least this many others

# Limits: by person, known by the hash of an ID number.
PERSON_DAY = Setting("person_day_limit", 0, 0, 50, "tickets")  # numbers a person may take in a day; 0: no limit
STRIKES = Setting("strikes", 0, 0, 50, "tickets")  # numbers taken and not used until a pause; 0: never
STRIKE_DAYS = Setting("strike_days", 30, 1, 365, "days")  # counted over so many days
STRIKE_CANCELLED = Setting("strike_cancelled", True)  # giving a number back counts too
BAN_HOURS = Setting("ban_hours", 24, 1, 24 * 365, "hours")  # how long nobody of that hash takes a number
PERSON_DAYS = Setting("person_days", 180, 1, 3650, "days")  # then the hash and the four digits are forgotten

# Held: three kinds, each with its own clock in minutes (0: none) and its own way back into line. `window` is the front of the
# window that held it.
BACK = ("window", "front", "keep", "back")
WITH_PAPERS = Setting("hold_with_papers", 60, 0, 600, "minutes")
WITH_PAPERS_BACK = Setting("hold_with_papers_back", "window", allowed=BACK)
WITHOUT_PAPERS = Setting("hold_without_papers", 240, 0, 600, "minutes")
WITHOUT_PAPERS_BACK = Setting("hold_without_papers_back", "front", allowed=BACK)
AWAITED = Setting("hold_waiting", 120, 0, 600, "minutes")
AWAITED_BACK = Setting("hold_waiting_back", "window", allowed=BACK)

# Balance: when a change of the floor is proposed (queueing/balance.py), and the rules of the tide (hall-rules B9).
GAIN = Setting("balance_gain", 5, 1, 120, "minutes")  # of the P90 that a change must save to be proposed
ROUNDS = Setting("balance_rounds", 3, 1, 20, "rounds")  # in a row before it appears or goes; a round is half a minute
MIN_OPEN = Setting("balance_min_open", 30, 5, 240, "minutes")  # what was changed stays so for at least so long
REVERTS = Setting("balance_reverts", False)  # take a change back by itself when its load is gone
TIDE_QUEUE = Setting("tide_queue", 10, 0, 200, "people")  # waiting for each open window; 0: this rule is off
TIDE_PEOPLE = Setting("tide_people", 5, 0, 200, "people")  # waiting longer than tide_minutes; 0: this rule is off
TIDE_MINUTES = Setting("tide_minutes", 30, 1, 240, "minutes")
TIDE_ACTS = Setting("tide_acts", False)  # the rule opens the window itself instead of proposing it
REST = Setting("balance_rest", 15, 0, 120, "minutes")  # who has just left a window has a break of at least so long

ORDER = (INTERLEAVE, SHORT_EVERY, EARLY, LATE)
LIMITS = (PERSON_DAY, STRIKES, STRIKE_DAYS, STRIKE_CANCELLED, BAN_HOURS, PERSON_DAYS)
HOLDS = (WITH_PAPERS, WITH_PAPERS_BACK, WITHOUT_PAPERS, WITHOUT_PAPERS_BACK, AWAITED, AWAITED_BACK)
BALANCE = (GAIN, ROUNDS, MIN_OPEN, REVERTS, REST, TIDE_QUEUE, TIDE_PEOPLE, TIDE_MINUTES, TIDE_ACTS)
SETTINGS: tuple[Setting[int] | Setting[bool] | Setting[str], ...] = (*ORDER, *LIMITS, *HOLDS, *BALANCE)

CHOSEN = "SELECT name, value FROM settings WHERE hall = $1"
CHOOSE = """
INSERT INTO settings (hall, name, value) VALUES ($1, $2, $3) ON CONFLICT (hall, name) DO UPDATE SET value = excluded.value
"""
USUAL = "DELETE FROM settings WHERE hall = $1 AND name = $2"


async def chosen(db: Db, hall: int) -> dict[str, Any]:
    """What a hall set otherwise than usual."""
    return {row["name"]: row["value"] for row in await db.fetch(CHOSEN, hall)}


async def choose(db: Db, hall: int, setting: Setting[T], value: object) -> None:
    """Set one value; what is usual needs no row. BadInput outside what is allowed."""
    value = setting.checked(value)
    if value == setting.usual:
        await db.execute(USUAL, hall, setting.name)
    else:
        await db.execute(CHOOSE, hall, setting.name, value)
