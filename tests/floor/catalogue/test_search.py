"""What people type finds what they mean: characters, pinyin, initials, mixtures, English, and a slip of the finger."""

from importlib.resources import files

import pytest
from pypinyin import Style, pinyin

from floor.catalogue import sheets
from floor.catalogue.reading import read_all
from floor.catalogue.search import Index, distance, spoken
from queueing.matters import Catalogue, Event, Matter


@pytest.fixture(scope="module")
def demo() -> Catalogue:
    rows, _ = sheets.rows((files("floor.boot") / "demo_matters.csv").read_bytes())
    reader = read_all(rows, set("ABCDEFGH"), Catalogue(0, {}, {}))
    assert reader.faults == []
    found = [entry for _, entry in reader.entries]
    return Catalogue(1, {e.code: e for e in found if isinstance(e, Matter)}, {e.code: e for e in found if isinstance(e, Event)})


@pytest.fixture(scope="module")
def index(demo: Catalogue) -> Index:
    return Index(demo)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("护照", "普通护照"), ("huzhao", "普通护照"), ("bdcdy", "不动产抵押权"), ("budongchandiya", "不动产抵押权"),
        ("不动c", "不动产"), ("shenfenz", "居民身份证"), ("SFZ", "居民身份证"), ("hunyin", "婚姻登记"), ("passport", "普通护照"),
        ("driving lic", "驾驶证"), ("開飯店", "餐饮"), ("开饭店", "餐饮"), ("a0101", "城乡居民养老保险"), ("二手房", "二手房"),
        ("shengfenzheng", "居民身份证"), ("budnogchan", "不动产"), ("身分证", "居民身份证"), ("pasport", "普通护照"),
    ],
)  # fmt: skip
def test_the_first_answer_is_what_was_meant(index: Index, typed: str, meant: str) -> None:
    found = index.find(typed)
    assert found and (meant in found[0].name or meant in "".join(found[0].aliases)), found[:3]


@pytest.mark.parametrize("typed", ["", "   ", "qqqqqq", "!!!", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"])
def test_what_means_nothing_finds_nothing(index: Index, typed: str) -> None:
    assert index.find(typed) == []


def test_every_demo_matter_is_found_first_by_its_own_name(demo: Catalogue, index: Index) -> None:
    lost = [each.name for each in demo.offered if each.name not in [found.name for found in index.find(each.name)]]
    assert lost == []


def test_the_demo_offers_a_few_hundred_matters_in_every_queue_with_all_three_languages(demo: Catalogue) -> None:
    offered = demo.offered
    assert 200 <= len(offered) <= 500
    assert {each.service for each in offered} == set("ABCDEFGH")
    spoken = [(each.name_en, each.name_hant, each.materials_en, each.materials_hant, each.guide_en) for each in offered]
    assert [texts for texts in spoken if not all(texts)] == []


def test_what_is_retired_is_not_found(demo: Catalogue) -> None:
    gone = {code: Matter(code=code, name=each.name, service=each.service, retired=True) for code, each in demo.matters.items()}
    assert Index(Catalogue(2, gone, {})).find("护照") == []


@pytest.mark.parametrize(
    ("asked", "heard", "off"), [("abc", "xxabcxx", 0), ("abc", "xxacxx", 1), ("abcd", "xabxcdx", 1), ("ab", "", 2)]
)
def test_distance_counts_letters_added_dropped_or_changed(asked: str, heard: str, off: int) -> None:
    assert distance(asked, heard) == off


def test_a_slip_in_any_reading_of_a_character_is_forgiven() -> None:
    bank = Matter(code="B1", name="银行开户", service="A")
    index = Index(Catalogue(1, {"B1": bank}, {}))
    assert [index.find(typed) for typed in ("yinhangkauhu", "yinxingkauhu", "yinhengkauhu")] == [[bank], [bank], [bank]]
    assert index.find("yinlukauhu") == []


def test_every_character_is_read_as_its_library_reads_it() -> None:
    characters = [chr(code) for code in range(0x4E00, 0xA000)]
    told = [pinyin(each, style=Style.NORMAL, heteronym=True, errors="default")[0] for each in characters]
    off = {
        each: known
        for each, known in zip(characters, told, strict=True)
        if (known[0], set(known)) != (spoken(each)[0], set(spoken(each)))
    }
    assert off == {}
