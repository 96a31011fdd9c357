"""The bytes that go to control cards, against vectors that were worked out by hand or by others."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.drawing.dots import width
from devices.drivers.onbon_bx import Settings as OnbonSettings
from devices.drivers.strips import bx, frame_a, upkeep
from devices.drivers.strips.spelling import decode, encode, spell

START = "A5" * 8
PINGED = "01 00 00 80 00 00 00 00 00 00 FE 02 05 00 A2 00 01 00 00 68 F8 5A"
CLEARED = "01 00 00 80 00 00 00 00 00 00 FE 02 05 00 A3 10 01 00 00 51 F8 5A"
CALLED = (
    "01 00 00 80 00 00 00 00 00 00 FE 02 35 00 A3 06 01 00 00 00 01 2C 00 00 00 80 00 00 80 80 10 00 00 00 00 00 00 00 00 "
    "00 01 01 01 00 04 05 11 00 00 00 C7 EB 41 30 30 31 BA C5 B5 BD 33 BA C5 B4 B0 BF DA 3B 4D 5A"
)


def area(text: str, **more: object) -> bx.Area:
    return bx.Area(**{"id": 0, "x": 0, "y": 0, "width": 128, "height": 16, "text": text, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "sent"),
    [(bx.PING, PINGED), (bx.CLEAR, CLEARED), (bx.show([area("请A001号到3号窗口")], "gb2312"), CALLED)],
)
def test_ping_clear_and_a_call_are_the_known_frames(data: bytes, sent: str) -> None:
    assert bx.frame(1, data) == bytes.fromhex(START + sent)


@pytest.mark.parametrize(("data", "check"), [(bx.PING, 0xF868), (bx.CLEAR, 0xF851)])
def test_the_check_sum_is_counted_before_the_escaping(data: bytes, check: int) -> None:
    body = bx.HEADER.pack(1, bx.US, bx.ANY_CARD, bx.VERSION, len(data)) + data
    assert bx.crc(body) == check


@pytest.mark.parametrize(
    ("word", "sent"),
    [
        ("单位", "B5 A6 02 CE BB"),
        ("登记处", "B5 C7 BC C7 B4 A6 01"),
        ("人力资源", "C8 CB C1 A6 01 D7 CA D4 B4"),
        ("Z[", "5B 02 5B 01"),
    ],
)
def test_words_of_a_hall_that_hold_a_mark_are_escaped(word: str, sent: str) -> None:
    assert bx.frame(1, bx.show([area(word)], "gb2312")).count(bytes.fromhex(sent)) == 1


def test_all_144_common_characters_with_a_mark_in_them_come_back_whole() -> None:
    common = [bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    marked = [raw.decode("gb2312") for raw in common if {0xA5, 0xA6} & set(raw) and raw not in NOT_GIVEN]
    assert (len(marked), [come_back(char) for char in marked]) == (144, marked)


NOT_GIVEN = {bytes((0xD7, cell)) for cell in range(0xFA, 0xFF)}  # five places of the common table are empty


def come_back(text: str) -> str:
    [frame] = bx.Frames().feed(bx.frame(1, bx.show([area(text)], "gb2312")))
    assert isinstance(frame, bx.Frame)
    return bx.read_areas(frame.data)[1][0].text


@given(st.binary(max_size=300), st.integers(0, 0xFFFF), st.lists(st.integers(0, 400), max_size=5))
def test_any_data_comes_back_however_the_line_cuts_it(data: bytes, to: int, cuts: list[int]) -> None:
    sent = b"\x00\xff" + bx.frame(to, data) + b"\x5a\x00"
    edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
    frames, seen = bx.Frames(), list[bx.Frame | bx.BadFrame]()
    for begin, end in pairwise(edges):
        seen += frames.feed(sent[begin:end])
    assert seen == [bx.Frame(to, bx.US, data)]


@pytest.mark.parametrize(
    ("refusal", "why"),
    [("A0 01 03 00 00", "busy"), ("A0 01 0C 00 00", "no_font"), ("A0 01 63 00 00", "error_99"), ("A0 01", "error_0")],
)
def test_a_refusal_says_why(refusal: str, why: str) -> None:
    assert bx.cause(bytes.fromhex(refusal)) == why


def test_a_card_that_died_in_silence_is_told_of_well_within_ten_seconds() -> None:
    first = upkeep.ASK_S + upkeep.STRIKES * OnbonSettings("tcp://card").timeout_s + sum(upkeep.AGAIN_S[: upkeep.STRIKES - 1])
    assert first <= 8  # the sweep and the page take a second each


@given(st.data())
def test_a_flipped_bit_is_never_taken_for_a_frame(data: st.DataObject) -> None:
    sent = bytearray(bx.frame(1, bx.show([area("请A001到3号窗口")], "gb2312")))
    bit = data.draw(st.integers(8 * 8, (len(sent) - 1) * 8 - 1))
    sent[bit // 8] ^= 1 << bit % 8
    assert not [frame for frame in bx.Frames().feed(bytes(sent)) if isinstance(frame, bx.Frame)]


def test_a_screen_of_rows_is_an_area_for_each_and_may_forget_all_others() -> None:
    areas = [area("A001", colour="amber", way=bx.RISE), area("A002", id=1, y=16, way=bx.RUN)]
    assert bx.read_areas(bx.show(areas, "gb2312", alone=True)) == (True, areas)


def test_a_backslash_cannot_begin_a_colour() -> None:
    assert come_back("\\C2绿") == "＼C2绿"


@pytest.mark.parametrize(
    ("text", "gb2312", "gbk"),
    [
        ("喆堃镕玥䶮", "哲坤熔〓〓", "喆堃镕玥〓"),
        ("歡迎", "〓迎", "歡迎"),
        ("3号·窗口—€", "3号・窗口―〓", "3号·窗口—〓"),
        ("A\n1\x00", "A1", "A1"),
    ],
)
def test_what_a_card_has_no_dots_for_is_replaced(text: str, gb2312: str, gbk: str) -> None:
    assert (spell(text, "gb2312"), spell(text, "gbk")) == (gb2312, gbk)


@given(st.text())
def test_every_spelled_text_can_be_sent_and_takes_eight_dots_a_byte(text: str) -> None:
    spelled = spell(text, "gb2312")
    raw = encode(spelled, "gb2312")
    assert (width(spelled), len(decode(raw))) == (8 * len(raw), len(spelled))


@pytest.mark.parametrize(
    ("address", "of_screen", "sent"),
    [
        (3, False, "AA 03 BB 51 54 A1 01 00 99 00 63 C7 EB 41 30 30 31 B5 BD 33 BA C5 B4 B0 BF DA FF"),
        (11, True, "AA 0B BB 51 54 AA 08 02 99 00 63 C7 EB 41 30 30 31 B5 BD 33 BA C5 B4 B0 BF DA FF"),
    ],
)
def test_a_plain_strip_gets_its_frame(address: int, of_screen: bool, sent: str) -> None:
    raw = bytes.fromhex(sent)
    assert raw[5] == sum(raw[6:]) % 256
    assert frame_a.frame(address, "请A001到3号窗口", "gbk", of_screen) == raw


@given(st.binary(max_size=40), st.integers(0, 255), st.booleans(), st.integers(0, 80))
def test_a_plain_frame_is_found_between_noise(noise: bytes, address: int, of_screen: bool, cut: int) -> None:
    noise = noise.replace(frame_a.MARKS, b"").replace(b"\xaa", b"").replace(b"\xbb", b"")
    sent = noise + frame_a.frame(address, "暂离", "gbk", of_screen) + noise
    frames = frame_a.Frames()
    seen = [*frames.feed(sent[:cut]), *frames.feed(sent[cut:])]
    assert seen == [frame_a.Frame(address, "暂离", of_screen)]


def test_a_plain_frame_with_a_wrong_sum_is_not_shown() -> None:
    sent = bytearray(frame_a.frame(3, "暂离", "gbk"))
    sent[12] ^= 0x10
    assert list(frame_a.Frames().feed(bytes(sent))) == [None]


def test_a_card_that_never_ends_its_frame_takes_no_memory() -> None:
    frames = bx.Frames()
    assert [list(frames.feed(b"\xa5" + b"\x00" * 10_000)) for _ in range(3)] == [[], [], []]
    assert struct.calcsize("B") * len(frames._held) == bx.LARGEST
