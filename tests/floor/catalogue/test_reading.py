"""A catalogue file is read row by row: what can be used is kept, what can't is refused with its row, column and reason."""

from collections.abc import Sequence

import pytest

from floor.catalogue import sheets
from floor.catalogue.reading import Fault, Reader, read_all, table
from floor.catalogue.sheets import Unreadable
from floor.words import LANGUAGES, words
from queueing.matters import Catalogue, Entry, Event, Matter
from tests.floor.catalogues import CARD, EVENT, HOUSE, PACKAGE, RENT

NOTHING = Catalogue(0, {}, {})
HEAD = ["kind", "code", "name", "service", "minutes", "quick", "materials", "materials_en", "parts"]


def read(*rows: Sequence[str], head: Sequence[str] = HEAD, known: Catalogue = NOTHING) -> Reader:
    return read_all(sheets.rows(sheets.to_csv([head, *rows]))[0], {"A", "B"}, known)


def entries(reader: Reader) -> list[Entry]:
    return [entry for _, entry in reader.entries]


def test_a_row_becomes_a_matter_with_its_lists() -> None:
    reader = read(["", "a01", "社保卡", "a", "5", "是", "身份证；照片\n申请表", "", ""])
    assert entries(reader) == [
        Matter(code="A01", name="社保卡", service="A", minutes=5, quick=True, materials=("身份证", "照片", "申请表"))
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["", "A 1", "名", "A", "", "", "", "", ""], Fault(2, "code", "code", "A 1")),
        (["", "A1", "", "A", "", "", "", "", ""], Fault(2, "name", "empty")),
        (["", "A1", "名" * 81, "A", "", "", "", "", ""], Fault(2, "name", "too_long", "名" * 40)),
        (["", "A1", "名", "", "", "", "", "", ""], Fault(2, "service", "empty")),
        (["", "A1", "名", "Z", "", "", "", "", ""], Fault(2, "service", "service", "Z")),
        (["", "A1", "名", "A", "long", "", "", "", ""], Fault(2, "minutes", "number", "long")),
        (["", "A1", "名", "A", "nan", "", "", "", ""], Fault(2, "minutes", "between", "nan")),
        (["", "A1", "名", "A", "481", "", "", "", ""], Fault(2, "minutes", "between", "481")),
        (["", "A1", "名", "A", "", "maybe", "", "", ""], Fault(2, "quick", "yes_no", "maybe")),
        (["", "A1", "名", "A", "", "", "一;二", "one", ""], Fault(2, "materials_en", "unlike", "1")),
        (["thing", "A1", "名", "A", "", "", "", "", ""], Fault(2, "kind", "one_of", "thing")),
        (["", "A1", "名", "A", "", "", "", "", "A2"], Fault(2, "parts", "no_parts")),
        (["package", "A1", "名", "A", "", "", "", "", "A2"], Fault(2, "parts", "parts", "1")),
        (["package", "A1", "名", "A", "", "", "", "", "A2;A3"], Fault(2, "parts", "unknown_part", "A2 A3")),
        (["event", "V1", "名", "", "", "", "", "", ""], Fault(2, "parts", "event_parts", "0")),
    ],
)
def test_a_row_that_can_not_be_used_says_where_and_why(row: list[str], fault: Fault) -> None:
    reader = read(row)
    assert (entries(reader), reader.faults) == ([], [fault])
    for lang in LANGUAGES:
        said = words(lang)(f"matters.fault_{fault.reason}", value=fault.value)
        assert fault.value[:20] in said or fault.reason in ("empty", "no_parts")


def test_a_code_counts_once_and_the_rest_of_the_file_stays_good() -> None:
    reader = read(["", "A1", "一", "A", "", "", "", "", ""], [""] * 9, ["", "a1", "二", "A", "", "", "", "", ""])
    assert [entry.name for entry in entries(reader)] == ["一"]
    assert reader.faults == [Fault(4, "code", "twice", "A1")]


def test_a_package_may_be_made_of_the_halls_own_matters_but_not_of_packages() -> None:
    known = Catalogue(1, {"B01": HOUSE, "A02": RENT, "P01": PACKAGE}, {})
    reader = read(
        ["package", "P02", "好", "A", "", "", "", "", "B01;A02"], ["package", "P03", "坏", "A", "", "", "", "", "P01;A02"],
        ["event", "V01", "事", "", "", "", "", "", "P01;P02"], known=known,
    )  # fmt: skip
    assert [entry.code for entry in entries(reader)] == ["P02", "V01"]
    assert reader.faults == [Fault(3, "parts", "unknown_part", "P01")]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_taken_out_can_be_put_in_again(lang: str, kind: str) -> None:
    odd = Matter(code="X1", name="=1+1", service="A", fee="-5", guide="一行\n又一行", minutes=2.5, fenced=True)
    whole = Catalogue(3, {each.code: each for each in (CARD, HOUSE, RENT, PACKAGE, odd)}, {"V01": EVENT})
    rows = list(table(whole, words(lang)))
    file = sheets.to_csv(rows) if kind == "csv" else sheets.to_xlsx(rows, "目录")
    reader = read_all(sheets.rows(file)[0], {"A", "B"}, NOTHING)
    assert reader.faults == []
    assert {entry.code: entry for entry in entries(reader)} == {**whole.matters, **whole.events}


def test_the_list_that_chinese_spreadsheets_save_is_read_too() -> None:
    file = "编码,名称,队列\nA1,居民身份证,A\n".encode("gb18030")
    assert entries(read_all(sheets.rows(file)[0], {"A"}, NOTHING)) == [Matter(code="A1", name="居民身份证", service="A")]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "no_headings"), (b"\x00\x01\x02", "no_table"), (b"PK\x03\x04 broken", "no_table"), (b"a,b\n1,2\n", "no_headings"),
        (b"\xd0\xcf\x11\xe0old", "old_excel"), (b"code,name,code\n", "twice"), (b"x" * (8 * 1024 * 1024 + 1), "too_large"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_catalogue_is_told_apart(file: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_all(sheets.rows(file)[0], {"A"}, NOTHING)
    assert raised.value.reason == reason


def test_an_event_and_a_matter_are_not_mistaken_for_each_other() -> None:
    reader = read(["人生事件", "V01", "买房", "", "", "", "", "", "A1"], ["事项", "A1", "过户", "A", "", "", "", "", ""])
    assert entries(reader) == [
        Event(code="V01", name="买房", matters=("A1",)),
        Matter(code="A1", name="过户", service="A"),
    ]
