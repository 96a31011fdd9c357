"""The paper for what was only taken in says its number and its days, in every language, on wide and narrow paper."""

from typing import Any

import pytest

from devices.drivers.drawing.receipt import lay_out_receipt
from devices.drivers.drawing.sheet import Sheet
from devices.drivers.printing.stream import Style, stream

RECEIPT: dict[str, Any] = {
    "template": "receipt", "hall": "云上市政务服务中心", "receipt": "20260927-A001", "what": ["社保登记"],
    "pass_on": "9月28日 周一", "due": "10月10日 周六", "at": "2026-09-27T15:20:00+08:00",
    "url": "http://hall.example/t/abc",
}  # fmt: skip


def drawn(more: dict[str, Any]) -> bytes:
    sheet = Sheet(576)
    lay_out_receipt(sheet, RECEIPT | more)
    return sheet.cut().tobytes()


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
@pytest.mark.parametrize("across", [576, 384])
@pytest.mark.parametrize("mode", ["image", "text"])
def test_it_prints_in_every_language_and_on_every_paper(lang: str, across: int, mode: Any) -> None:
    pieces = stream("print", RECEIPT | {"lang": lang}, Style(across, mode))
    assert sum(map(len, pieces)) > 200


def test_everything_that_is_told_is_on_the_paper() -> None:
    whole = drawn({})
    for name in ("hall", "receipt", "what", "pass_on", "due", "at", "url"):
        assert drawn({name: "B" if name == "receipt" else [] if name == "what" else ""}) != whole, name


def test_the_bytes_of_the_text_read_as_the_receipt() -> None:
    printed = b"".join(stream("print", RECEIPT, Style(576, "text"))).decode("gb18030", "ignore")
    for words in ("收件回执", "20260927-A001", "社保登记", "9", "月", "28", "日", "转交审批", "前办结"):
        assert words in printed
