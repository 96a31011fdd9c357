"""The yearly notice from a file: whole, or refused with every row that can't be right."""

from datetime import date

import pytest

from floor.database import Connection
from queueing.halls import Hall
from scheduling.days import calendar
from scheduling.errors import BadNotice
from scheduling.statutory import keep_known, known, read_notice, take_in

LAW_2027 = [day for day in known(2027).days if "补假" not in day.name]


def notice(*more: str, left_out: str | None = None) -> bytes:
    """A notice for 2027 as a manager would type it, with `more` rows."""
    rows = [f"{it.day},放假,{it.name}" for it in LAW_2027 if str(it.day) != left_out]
    return "\n".join(["day,kind,name", *rows, *more]).encode()


def faults(content: bytes) -> tuple[tuple[int, str], ...]:
    with pytest.raises(BadNotice) as refused:
        read_notice(content, source="x")
    rows: tuple[tuple[int, str], ...] = refused.value.details["rows"]  # type: ignore[assignment]
    return rows


def test_a_whole_notice_is_read_in_the_words_people_use() -> None:
    read = read_notice(notice("2027/02/20,上班,春节", "2027-02-11,放假,春节"), source="国办发明电〔2026〕7号")
    assert (read.year, read.published, len(read.days)) == (2027, True, len(LAW_2027) + 2)
    assert [day.kind for day in read.days if day.day == date(2027, 2, 20)] == ["make_up"]


def test_a_file_from_a_spreadsheet_in_chinese_encoding_is_read_too() -> None:
    text = notice("2027-02-20,补班,春节").decode()
    assert read_notice(text.encode("gb18030"), source="x") == read_notice(text.encode(), source="x")


def test_every_row_that_cannot_be_right_is_named() -> None:
    rows = len(LAW_2027) + 1
    bad = notice("2027-02-30,放假,春节", "2027-02-20,庆祝,春节", "2027-02-22,上班,春节", "2027-02-20,上班,")
    assert faults(bad) == ((rows + 1, "day"), (rows + 2, "kind"), (rows + 3, "weekday"), (rows + 4, "name"))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", (1, "columns")),
        (b"day,kind,name\n", (1, "empty")),
        (b"date,type\n2027-01-01,x\n", (1, "columns")),
        (notice(left_out="2027-10-01"), (0, "missing 2027-10-01")),
        (notice("2027-10-01,放假,国庆节"), (0, "twice 2027-10-01")),
        (notice("2029-10-01,放假,国庆节"), (0, "year 2029-10-01")),
    ],
)
def test_a_file_that_is_no_whole_notice_is_refused(content: bytes, fault: tuple[int, str]) -> None:
    assert faults(content) == (fault,)


async def test_the_imported_notice_replaces_what_was_provisional_and_stays(db: Connection, hall: Hall) -> None:
    await keep_known(db, date(2026, 11, 22))
    before = await calendar(db, hall)
    assert (before.awaited(date(2026, 11, 22)), before.kind(date(2027, 2, 20))) == (2027, "saturday")
    assert await take_in(db, read_notice(notice("2027-02-20,上班,春节"), source="国办发明电〔2026〕7号"), actor="manager:wang")
    await keep_known(db, date(2026, 11, 22))
    after = await calendar(db, hall)
    assert (after.awaited(date(2026, 11, 22)), after.kind(date(2027, 2, 20))) == (None, "make_up")


async def test_a_library_that_learns_a_year_publishes_it_but_never_overrules_the_hall(db: Connection, hall: Hall) -> None:
    await keep_known(db, date(2026, 11, 22))
    published = read_notice(notice("2027-02-20,上班,春节"), source="a newer release")
    assert await take_in(db, published, actor="clock", replace=False) is True
    assert await take_in(db, known(2027), actor="clock", replace=False) is False
    assert (await calendar(db, hall)).kind(date(2027, 2, 20)) == "make_up"
