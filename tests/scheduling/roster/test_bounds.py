"""A shift set by hand: all it goes beyond is said, and nothing else."""

from datetime import date, timedelta

import pytest

from scheduling.roster.bounds import Around, Beyond, beyond
from scheduling.roster.problem import Clerk, Pattern

MONDAY = date(2027, 3, 1)
NINE, FIVE = 9 * 60, 17 * 60
SHAPES = {
    "full": Pattern("full", NINE, FIVE, ((720, 780),)),
    "late": Pattern("late", 12 * 60, 20 * 60, not_before=("early",)),
    "early": Pattern("early", 7 * 60, 12 * 60),
}


def around(days: str, **more: object) -> Around:
    """A clerk of zone A who works `days` of the two weeks around: f, l and e are patterns, a dot is a day off."""
    names = {"f": "full", "l": "late", "e": "early"}
    mine = {MONDAY + timedelta(n - 7): names[it] for n, it in enumerate(days) if it in names}
    return Around(Clerk("li", ("A",), **more), mine, SHAPES, ("full", "late", "early"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "on", "pattern", "more", "found"),
    [
        (".............." , 0, "full", {}, []),
        (".......ffff...", 4, "full", {}, []),
        (".......fffff..", 5, "full", {}, [Beyond("shifts", 6, 5)]),
        (".......fffff..", 4, "late", {}, []),  # in the place of the one that stands there
        ("....fff.ff.ff.", 0, "full", {"shifts": 7}, []),
        ("...ffff.fff...", 0, "full", {}, [Beyond("stretch", 8, 6)]),
        (".......ff.ff..", 2, "full", {"stretch": 4}, [Beyond("stretch", 5, 4)]),
        (".......ff.....", 3, "full", {"hours": 20}, [Beyond("hours", 21, 20)]),
        ("......l.......", 0, "early", {}, [Beyond("rest")]),
        (".........e....", 1, "late", {}, [Beyond("rest")]),
        ("..............", 0, "late", {"patterns": ("full",)}, [Beyond("pattern")]),
        ("..............", 0, "full", {"away": {MONDAY: "doorstep"}}, [Beyond("doorstep")]),
        ("..............", 0, "full", {"away": {MONDAY: "annual"}}, []),  # the database refuses that one by itself
    ],
)  # fmt: skip
def test_what_a_shift_goes_beyond(days: str, on: int, pattern: str, more: dict[str, object], found: list[Beyond]) -> None:
    assert beyond(around(days, **more), MONDAY + timedelta(on), pattern, "A") == found


def test_a_day_a_skill_and_a_window_count_too() -> None:
    it = Around(Clerk("li", ("A",)), {}, SHAPES, ("full",), (("wang", "full"), ("zhao", "early")))
    assert beyond(it, MONDAY, "late", "B") == [Beyond("day"), Beyond("skill"), Beyond("window", who="wang")]
