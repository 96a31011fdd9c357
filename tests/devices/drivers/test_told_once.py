"""The paper that tells once says all of it, in every language, on wide and narrow paper, as a picture and as text."""

from typing import Any

import pytest

from devices.drivers.drawing.sheet import Sheet
from devices.drivers.drawing.told_once import lay_out_slip
from devices.drivers.printing.stream import Style, stream

SLIP: dict[str, Any] = {
    "template": "slip", "hall": "云上市政务服务中心", "matters": ["食品经营许可新办"],
    "lacking": ["健康证明", "场所平面图（盖公章）"], "mistakes": ["证件已过有效期"], "teller": "苏敏", "code": "J7E6SAPR",
    "until": "2026-12-22", "at": "2026-11-22T14:34:00+08:00",
    "url": "http://hall.example/demo/slip/J7E6SAPR", "note": "请带原件\n不收复印件",
}  # fmt: skip


def drawn(more: dict[str, Any]) -> bytes:
    sheet = Sheet(576)
    lay_out_slip(sheet, SLIP | more)
    return sheet.cut().tobytes()


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
@pytest.mark.parametrize("across", [576, 384])
@pytest.mark.parametrize("mode", ["image", "text"])
def test_it_prints_in_every_language_and_on_every_paper(lang: str, across: int, mode: Any) -> None:
    pieces = stream("print", SLIP | {"lang": lang}, Style(across, mode))
    assert sum(map(len, pieces)) > 200


def test_everything_that_is_told_is_on_the_paper() -> None:
    whole = drawn({})
    for name in ("matters", "lacking", "mistakes", "teller", "code", "until", "at", "url", "note", "hall"):
        other = {"lacking": ["别的"], "code": "00000000"}.get(name, [] if isinstance(SLIP[name], list) else "")
        assert drawn({name: other}) != whole, name


def test_as_text_the_list_reads_as_it_was_told() -> None:
    printed = b"".join(stream("print", SLIP, Style(576, "text"))).decode("gb18030", "ignore")
    for words in ("一次性告知单", "健康证明", "场所平面图", "证件已过有效期", "J7E6 SAPR", "苏敏"):
        assert words in printed
