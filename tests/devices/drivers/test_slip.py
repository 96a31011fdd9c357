"""The ticket in the printer's own type: what its bytes say, and what a printer makes of them."""

from collections.abc import Mapping
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from devices.drivers.drawing.words import words
from devices.drivers.printing.slip import Slip, encode
from devices.drivers.printing.stream import CUTS, Style, stream
from devices.drivers.receipts.escpos import Decoder, Do
from devices.drivers.receipts.printer import Paper, Printer
from tests.devices.drivers.test_ticket import TICKET

LONG = "黔西南布依族苗族自治州兴义市人民政府政务服务中心（义龙新区分中心）"


def printed(data: Mapping[str, Any], style: Style, kind: str = "print") -> list[Paper]:
    papers: list[Paper] = []
    printer = Printer(cut=lambda paper, torn: papers.append(paper), answer=lambda data: None, across=style.width)
    for command in Decoder().feed(b"".join(stream(kind, data, style))):
        printer.take(command)
    while printer.busy:
        printer.step()
    return papers


def said(data: Mapping[str, Any], style: Style) -> str:
    """The letters a printer is told to set, line by line, Chinese read in Chinese mode and only there."""
    lines, chinese = "", False
    for command in Decoder().feed(b"".join(stream("print", data, style))):
        if command.raw in (b"\x1c&", b"\x1c."):
            chinese = command.raw == b"\x1c&"
        elif command.do is Do.TEXT:
            lines += command.raw.decode("gb18030" if chinese else "ascii")
        elif command.do is Do.FEED:
            lines += "\n"
    return lines


@pytest.mark.parametrize("width", [576, 384])
@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_everything_of_the_ticket_is_said_in_type(width: int, lang: str) -> None:
    text = said({**TICKET, "lang": lang}, Style(width, "text"))
    word = words(lang)
    whole = text.replace("\n", "").replace(" ", "")
    for part in (TICKET["hall"], TICKET["ticket"], TICKET["service_name"], word["ahead"], word["scan"], "2026-11-0209:12"):
        assert part.replace(" ", "") in whole
    assert "12-18" in text


@pytest.mark.parametrize("width", [576, 384])
@pytest.mark.parametrize("ticket", ["A001", "AP001", "VIP001", "LOVE001"])
def test_no_line_is_wider_than_the_paper(width: int, ticket: str) -> None:
    data = {**TICKET, "ticket": ticket, "hall": LONG, "copy": 2}
    (paper,) = printed(data, Style(width, "text"))
    assert paper.image().width == width
    lines = [line for line in said(data, Style(width, "text")).split("\n") if ticket in line]
    assert lines == [ticket]  # never broken


@pytest.mark.parametrize("width", [576, 384])
@pytest.mark.parametrize("qr", ["image", "native"])
@pytest.mark.parametrize("mode", ["image", "text"])
def test_the_code_leads_to_the_phone_page_whoever_draws_it(width: int, qr: Any, mode: Any) -> None:
    (paper,) = printed(TICKET, Style(width, mode, qr))
    read = zxingcpp.read_barcodes(paper.image().convert("L"))
    assert [code.text for code in read] == [TICKET["url"]]


def test_the_number_is_set_as_large_as_the_paper_allows() -> None:
    def extra(ticket: str, width: int) -> int:
        data = {**TICKET, "hall": "云上市政务服务中心"}
        with_number, without = (printed({**data, "ticket": t}, Style(width, "text"))[0].image() for t in (ticket, " "))
        return with_number.height - without.height

    assert [extra(ticket, 576) for ticket in ("A039", "LOVE001")] == [8 * 24 + 6, 6 * 24 + 6]
    assert [extra(ticket, 384) for ticket in ("A039", "LOVE001")] == [7 * 24 + 6, 4 * 24 + 6]


def test_a_copy_says_so_at_both_ends_white_on_black() -> None:
    data = {**TICKET, "template": "reprint", "copy": 2}
    assert said(data, Style(576, "text")).count("REPRINT") == 2
    (paper,) = printed(data, Style(576, "text"))
    image = paper.image().convert("L")
    top, bottom = (image.crop((0, y, 576, y + 20)).histogram()[0] for y in (10, image.height - 50))
    assert top > 5000 and bottom > 5000  # dots of ink, of 11520


def test_chinese_stands_between_its_switches_and_latin_outside() -> None:
    assert encode("A区1") == b"A\x1c&\xc7\xf8\x1c.1"
    assert encode("䶮㐂") == b"\x1c&\xfe\x9f\x81\x39\xef\x31\x1c."  # what GB2312 has no place for, GB18030 has in two or four


def test_a_control_character_in_a_name_is_never_a_command() -> None:
    text = b"".join(piece for piece in slip_of("大厅\x1bp\x00\x10\x05\x02\n\x1d") if isinstance(piece, bytes))
    commands = Decoder().feed(text)
    assert [c.raw for c in commands if c.do in (Do.RECOVER, Do.OTHER)] == []


def slip_of(line: str) -> list[bytes | Image.Image]:
    slip = Slip(576)
    slip.line(line, 26)
    return slip.pieces()


def test_the_paper_is_cut_as_the_printer_can() -> None:
    assert [stream("print", TICKET, Style(576, "text", "image", cut))[-1] for cut in ("partial", "full", "none")] == [
        CUTS["partial"], CUTS["full"], CUTS["none"],
    ]  # fmt: skip
    assert len(printed(TICKET, Style(576, cut="none"))) == 0
    assert len(printed(TICKET, Style(576, cut="full"))) == 1


def test_text_is_a_tenth_of_the_picture_and_less_with_a_native_code() -> None:
    sizes = [len(b"".join(stream("print", TICKET, Style(576, *how)))) for how in (("image",), ("text",), ("text", "native"))]
    assert sizes[1] < sizes[0] / 10 and sizes[2] < 1000


def test_a_printer_whose_chinese_mode_is_off_needs_the_switch() -> None:
    """Why FS & is sent: without it the same bytes are other letters."""
    pictures = []
    for prefix in (b"\x1c&", b""):
        printer = Printer(cut=lambda paper, torn: pictures.append(paper.image()), answer=lambda data: None)
        for command in Decoder().feed(prefix + "大厅".encode("gb18030") + b"\n\x1dVB\x00"):
            printer.take(command)
        while printer.busy:
            printer.step()
    assert pictures[0].tobytes() != pictures[1].tobytes()
