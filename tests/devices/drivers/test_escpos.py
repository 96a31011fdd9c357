"""A printer reads the same commands however the bytes arrive."""

import random

from escpos.printer import Dummy
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.drawing.ticket import draw_ticket
from devices.drivers.receipts.escpos import Decoder, Do
from devices.drivers.receipts.printer import Paper, Printer


def printed(data: bytes) -> list[Paper]:
    """The papers that a stream of bytes makes."""
    papers: list[Paper] = []
    printer = Printer(cut=lambda paper, torn: papers.append(paper), answer=lambda data: None)
    for command in Decoder().feed(data):
        printer.take(command)
    while printer.busy:
        printer.step()
    return papers


def test_a_ticket_comes_out_dot_for_dot() -> None:
    image = draw_ticket({"ticket": "A039", "url": "http://hall/t/x"})
    printer = Dummy()
    printer.image(image)
    printer.cut(feed=False)
    (paper,) = printed(printer.output)
    assert paper.image().tobytes() == image.tobytes()
    assert bytes(paper.raw) == printer.output


def test_bytes_may_arrive_in_any_pieces() -> None:
    printer = Dummy()
    printer.image(draw_ticket({"ticket": "A039"}))
    printer.text("A039\n")
    printer.cut()
    whole, dice, at = printer.output, random.Random(7), 0
    decoder, commands = Decoder(), []
    while at < len(whole):
        step = dice.randint(1, 900)
        commands += decoder.feed(whole[at : at + step])
        at += step
    assert b"".join(command.raw for command in commands) == whole
    assert [command.do for command in commands if command.do in (Do.RASTER, Do.CUT)] == [Do.RASTER, Do.CUT]


def test_a_status_question_inside_a_picture_is_a_picture() -> None:
    dots = b"\x10\x04\x01" * 24
    (command,) = Decoder().feed(b"\x1dv0\x00" + bytes([72, 0, 1, 0]) + dots)
    assert (command.do, command.rows) == (Do.RASTER, (dots,))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_are_read_without_harm_and_none_is_lost(pieces: list[bytes]) -> None:
    decoder = Decoder()
    read = b"".join(command.raw for piece in pieces for command in decoder.feed(piece))
    assert len(read) + decoder.waiting == sum(len(piece) for piece in pieces)
