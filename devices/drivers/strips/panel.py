"""A simulated strip: it takes what the frames say and draws its dots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import structlog

from devices.drivers.drawing.dots import CELL
from devices.drivers.drawing.dots import width as dots_of
from devices.drivers.strips import bx, frame_a
from devices.drivers.strips.picture import Row, frames, keep

log = structlog.get_logger()

NO_SUCH_COMMAND, BAD_PLACE = 0x02, 0x12


class Panel:
    """The dots, and what they show; `count` grows with every text it took."""

    def __init__(self, name: str, out: Path, across: int, down: int) -> None:
        self.name, self.folder, self.across, self.down = name, out, across, down
        self.count = 0
        self.rows: dict[int, Row] = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.draw()

    def draw(self) -> None:
        rows = [row for _, row in sorted(self.rows.items())]
        state = {
            "device": self.name,
            "text": "\n".join(row.text.strip() for row in rows),
            "width": self.across,
            "height": self.down,
            "flash": False,
            "scrolls": any(row.runs for row in rows),
            "count": self.count,
        }
        keep(self.folder, self.name, frames(rows, self.across, self.down), state)


class Card(Protocol):
    """The electronics behind a panel: bytes in, bytes out."""

    name: str
    panel: Panel
    faults: set[str]

    def take(self, data: bytes) -> Iterator[bytes]:
        """What it answers to these bytes."""


class BxCard:
    """An Onbon card with one address. Faults: silent, nak, garble (answers with a wrong check sum), deaf (a dead board)."""

    def __init__(self, name: str, panel: Panel, addresses: list[int], colour: bx.Colour) -> None:
        self.name, self.panel, self.address, self.colour = name, panel, addresses[0], colour
        self.faults: set[str] = set()
        self._frames = bx.Frames()

    def take(self, data: bytes) -> Iterator[bytes]:
        for frame in self._frames.feed(data):
            if isinstance(frame, bx.BadFrame):
                log.warning("bad frame", card=self.name, error=str(frame))
            elif frame.to == self.address and not self.faults & {"silent", "deaf"}:
                yield self._answer(frame)

    def _answer(self, frame: bx.Frame) -> bytes:
        try:
            data = bx.NAK + bytes((NO_SUCH_COMMAND, 0, 0)) if "nak" in self.faults else self._obey(frame.data)
        except bx.BadFrame as error:
            log.warning("bad data", card=self.name, error=str(error))
            data = bx.NAK + bytes((NO_SUCH_COMMAND, 0, 0))
        answer = bx.frame(frame.sender, data, sender=self.address)
        return answer[:-2] + bytes((answer[-2] ^ 0x01, answer[-1])) if "garble" in self.faults else answer

    def _obey(self, data: bytes) -> bytes:
        """BadFrame for what a card doesn't know."""
        if data == bx.CLEAR:
            self.panel.rows.clear()
        elif data[:2] == bx.SHOW:
            alone, areas = bx.read_areas(data)
            if alone:
                self.panel.rows.clear()
            for area in areas:
                if area.x or area.x + area.width > self.panel.across or area.y + area.height > self.panel.down:
                    return bx.NAK + bytes((BAD_PLACE, 0, 0))
                colour = area.colour or self.colour
                self.panel.rows[area.id] = Row(area.text, area.y, area.height, colour, runs=area.way == bx.RUN)
        elif data != bx.PING:
            raise bx.BadFrame(f"command {data[:2].hex(' ')}")
        if data != bx.PING:
            self.panel.count += 1
            self.panel.draw()
        return bx.ACK + bytes(3)


class PlainStrips:
    """Strips of frame A, stacked: a row for each address. They never answer. Fault: deaf."""

    def __init__(self, name: str, panel: Panel, addresses: list[int], colour: bx.Colour) -> None:
        self.name, self.panel, self.addresses, self.colour = name, panel, addresses, colour
        self.faults: set[str] = set()
        self._frames = frame_a.Frames()

    def take(self, data: bytes) -> Iterator[bytes]:
        for frame in self._frames.feed(data):
            if frame is None:
                log.warning("bad frame", card=self.name)
            elif frame.address in self.addresses and "deaf" not in self.faults:
                at = self.addresses.index(frame.address)
                runs = dots_of(frame.text) > self.panel.across
                self.panel.rows[at] = Row(frame.text, at * CELL, CELL, self.colour, runs=runs)
                self.panel.count += 1
                self.panel.draw()
        return iter(())


KINDS: dict[str, type[BxCard] | type[PlainStrips]] = {"onbon_bx": BxCard, "led_serial": PlainStrips}
