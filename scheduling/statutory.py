"""The yearly notice of public holidays: read from a file, taken from data known at release, or provisional until it is out."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version

from queueing.db import Db
from scheduling.days import Statutory
from scheduling.errors import BadNotice

KINDS = {
    "holiday": "holiday",
    "放假": "holiday",
    "休": "holiday",
    "make_up": "make_up",
    "上班": "make_up",
    "补班": "make_up",
    "班": "make_up",
}
COLUMNS = ("day", "kind", "name")
REACH = timedelta(10)  # a notice may name days of the neighbour years: 2022-12-31 was of 2023's
NAMES = {
    "New Year's Day": "元旦", "Spring Festival": "春节", "Tomb-sweeping Day": "清明节", "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节", "National Day": "国庆节", "Mid-autumn Festival": "中秋节",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """The days one year's notice names. `published` is false for what the law alone says: make-up days are missing then."""

    year: int
    published: bool
    source: str
    days: tuple[Statutory, ...]


def known(year: int) -> Notice:
    """What this release knows of a year: the published notice, else the statutory days alone."""
    import chinese_calendar  # 1 MB, and `holidays` 9: who only takes a notice in, or writes one down, pays for neither

    named = {day: name for day, name in chinese_calendar.constants.holidays.items() if day.year == year}
    if not named:
        days = tuple(Statutory(day, "holiday", name) for day, name in sorted(law(year).items()))
        return Notice(year, False, f"holidays {version('holidays')}", days)
    worked = {day: name for day, name in chinese_calendar.constants.workdays.items() if day.year == year}
    days = (
        *(Statutory(day, "holiday", NAMES.get(name, name)) for day, name in named.items()),
        *(Statutory(day, "make_up", NAMES.get(name, name)) for day, name in worked.items()),
    )
    return Notice(year, True, f"chinesecalendar {version('chinesecalendar')}", tuple(sorted(days, key=lambda it: it.day)))


def is_out(year: int) -> bool:
    """Whether this release knows the published notice of a year; asked daily of a year that is provisional."""
    import chinese_calendar

    return any(day.year == year for day in chinese_calendar.constants.holidays)


def law(year: int) -> Mapping[date, str]:
    """The days off that stand in the law, whatever the notice makes of the days around them."""
    import holidays

    return dict(holidays.country_holidays("CN", years=year, language="zh_CN"))


def read_notice(content: bytes, *, source: str) -> Notice:
    """A notice from a CSV file of `day,kind,name` (kind: holiday/放假 or make_up/上班), in UTF-8 or GB18030.

    Raises BadNotice with every row that can't be right; nothing is taken from a file with one.
    """
    days, faults = [], []
    for line, row in rows_of(content):
        try:
            days.append(statutory_of(row))
        except ValueError as reason:
            faults.append((line, str(reason)))
    if faults or not days:
        raise BadNotice(rows=tuple(faults or [(1, "empty")]))
    year = sorted(it.day.year for it in days)[len(days) // 2]
    faults = [(0, f"{fault}") for fault in lacks(year, days)]
    if faults:
        raise BadNotice(rows=tuple(faults))
    return Notice(year, True, source, tuple(sorted(days, key=lambda it: it.day)))


def rows_of(content: bytes) -> Iterable[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers; the first names the columns."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", "replace")
    reader = csv.DictReader(io.StringIO(text))
    if [name.strip().lower() for name in reader.fieldnames or ()] != list(COLUMNS):
        raise BadNotice(rows=((1, "columns"),))
    reader.fieldnames = list(COLUMNS)
    for row in reader:
        yield reader.line_num, row


def statutory_of(row: dict[str, str]) -> Statutory:
    """One row; ValueError names what is wrong with it: day, kind, name or weekday."""
    try:
        day = date.fromisoformat((row["day"] or "").strip().replace("/", "-"))
    except ValueError:
        raise ValueError("day") from None
    kind = KINDS.get((row["kind"] or "").strip().lower())
    if kind is None:
        raise ValueError("kind")
    if kind == "make_up" and day.weekday() < 5:
        raise ValueError("weekday")
    name = (row["name"] or "").strip()
    if not 1 <= len(name) <= 20:
        raise ValueError("name")
    return Statutory(day, kind, name)


def lacks(year: int, days: list[Statutory]) -> list[str]:
    """What shows that a notice is not whole: a day named twice or out of reach, a statutory holiday left out."""
    first, last = date(year, 1, 1) - REACH, date(year, 12, 31) + REACH
    named = [it.day for it in days]
    twice = sorted({day for day in named if named.count(day) > 1})
    away = sorted(day for day in named if not first <= day <= last)
    off = {it.day for it in days if it.kind == "holiday"}
    missing = sorted(day for day, name in law(year).items() if "补假" not in name and day not in off)
    return [
        *(f"twice {day}" for day in twice), *(f"year {day}" for day in away), *(f"missing {day}" for day in missing),
    ]  # fmt: skip


YEAR = """
INSERT INTO statutory_years AS y (year, published, source, imported_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (year) DO UPDATE SET published = excluded.published, source = excluded.source, imported_by = excluded.imported_by,
    imported_at = hall_now() WHERE $5 OR NOT y.published AND excluded.published
RETURNING year
"""
FORGET = "DELETE FROM statutory_days WHERE year = $1"
DAY = """
INSERT INTO statutory_days (day, year, kind, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (day) DO UPDATE SET year = excluded.year, kind = excluded.kind, name = excluded.name
"""


async def take_in(db: Db, notice: Notice, *, actor: str, replace: bool = True) -> bool:
    """Make a notice the calendar of its year. Without `replace` a published year stays as it is; whether it was taken."""
    async with db.transaction():
        taken = await db.fetchval(YEAR, notice.year, notice.published, notice.source, actor, replace)
        if taken is not None:
            await db.execute(FORGET, notice.year)
            await db.executemany(DAY, [(it.day, notice.year, it.kind, it.name) for it in notice.days])
        return taken is not None


FIRST_YEARS = 2  # so many years back are kept for the deadlines and figures that reach there


async def keep_known(db: Db, today: date) -> int:
    """Have every year from two back to the next; how many were added, or published since. Running it again adds nothing."""
    years = range(today.year - FIRST_YEARS, today.year + 2)
    have = {row["year"]: row["published"] for row in await db.fetch("SELECT year, published FROM statutory_years")}
    wanted = [known(year) for year in years if year not in have or (not have[year] and is_out(year))]
    return sum([await take_in(db, it, actor="clock", replace=False) for it in wanted])
