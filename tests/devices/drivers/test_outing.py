"""The paper of a home visit says the number to quote, in every language, on wide and narrow paper."""

from typing import Any

import pytest

from devices.drivers.printing.stream import Style, stream

OUTING: dict[str, Any] = {
    "template": "visit", "hall": "云上市政务服务中心", "number": "12-047", "at": "2026-09-27T15:20:00+08:00",
    "url": "http://hall.example/demo/doorstep/find",
}  # fmt: skip


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
@pytest.mark.parametrize("across", [576, 384])
@pytest.mark.parametrize("mode", ["image", "text"])
def test_it_prints_in_every_language_and_on_every_paper(lang: str, across: int, mode: Any) -> None:
    assert sum(map(len, stream("print", OUTING | {"lang": lang}, Style(across, mode)))) > 200


def test_the_bytes_of_the_text_read_as_the_paper() -> None:
    printed = b"".join(stream("print", OUTING, Style(576, "text"))).decode("gb18030", "ignore")
    for words in ("云上市政务服务中心", "上门服务申请", "12-047", "打电话问清", "2026-09-27 15:20"):
        assert words in printed
