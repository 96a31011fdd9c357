"""A receipt printer without metal: it feeds rows, runs out of paper, opens its cover and tells its state like a real one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from devices.drivers.receipts.escpos import Command, Do
from devices.drivers.receipts.typesetter import Typesetter

NAMES = {65: b"1.05 ESC/POS", 66: b"SIMULATED", 67: b"PAPER-80"}  # what GS I 65, 66 and 67 get
ALWAYS = 0x12  # the two bits that are set in every DLE EOT answer


TYPE = (Do.TEXT, Do.STYLE, Do.SYMBOL, Do.RESET, Do.FEED)


@dataclass
class Paper:
    """What has come out since the last cut: rows of packed dots (black is 1) and the bytes that made them."""

    rows: list[bytes] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    across: int = 0

    def image(self) -> Image.Image:
        wide = max((len(row) for row in self.rows), default=1)
        packed = b"".join(bytes(byte ^ 0xFF for byte in row.ljust(wide, b"\0")) for row in self.rows)
        return Image.frombytes("1", (wide * 8, max(1, len(self.rows))), packed or b"\xff")


@dataclass
class Printer:
    """Commands in, papers and answers out; `cut(paper, torn)` gets each paper that leaves the printer.

    `slow_s` is how long the head takes for one command; the caller does the waiting."""

    cut: Callable[[Paper, bool], None]
    answer: Callable[[bytes], None]
    paper_out: bool = False
    near_end: bool = False
    cover_open: bool = False
    garbled: bool = False
    silent: bool = False
    slow_s: float = 0.0
    rows_left: int | None = None
    jammed: bool = False  # the knife
    moody: bool = False  # calls itself offline whatever it does, as a Star TSP650II
    across: int = 576
    type: Typesetter = field(default_factory=Typesetter)
    _queue: deque[Command] = field(default_factory=deque)
    _paper: Paper = field(default_factory=Paper)
    _row: int = 0

    def __post_init__(self) -> None:
        self.type.across = self.across

    @property
    def offline(self) -> bool:
        return self.paper_out or self.cover_open or self.jammed

    @property
    def busy(self) -> bool:
        return bool(self._queue) and not self.offline

    def take(self, command: Command) -> None:
        """Real-time commands act now, the others when their turn comes."""
        if command.do is Do.STATUS:
            self._say(self._status(command.n))
        elif command.do is Do.RECOVER:
            self._recover()
        else:
            self._queue.append(command)

    def step(self) -> None:
        """Carries out the next command, as far as the paper goes."""
        command = self._queue[0]
        if command.do is Do.RASTER and not self._feed(command):
            return
        self._queue.popleft()
        self._row = 0
        if command.do is Do.NAMED:
            self._tell_name(command.n)
            return
        self._paper.raw += command.raw
        if command.do in TYPE:
            self._paper.rows += self._typed(command)
        elif command.do is Do.CUT:
            self._leave(torn=False)
        elif command.do is Do.ASKED_IN_ORDER:
            self._say((0x0C if self.paper_out else 0) | (0x03 if self.near_end else 0))

    def _typed(self, command: Command) -> list[bytes]:
        """The rows that a command of the printer's own type makes, if any."""
        match command.do:
            case Do.TEXT:
                return self.type.text(command.raw)
            case Do.STYLE:
                self.type.switch(command.raw)
            case Do.SYMBOL:
                return self.type.symbol(command.raw)
            case Do.RESET:
                self.type.reset()
            case Do.FEED if command.raw[:1] == b"\n":
                return self.type.feed()
            case Do.FEED:
                return [b""] * (command.n * (self.type.style.leading if command.raw[1:2] == b"d" else 1))
        return []

    def heal(self) -> None:
        """Paper in, cover shut, all faults gone; what was buffered goes on printing."""
        self.paper_out = self.near_end = self.cover_open = self.garbled = self.silent = self.jammed = self.moody = False
        self.slow_s, self.rows_left = 0.0, None

    def lose_power(self) -> None:
        """The buffer is forgotten; a half-printed paper stays half-printed."""
        self._recover()

    def _feed(self, command: Command) -> bool:
        """Rows onto the paper until it ends; False when it ended before the picture did."""
        todo = self.type.picture(command.rows, command.across)[self._row :]
        if self.rows_left is not None:
            todo = todo[: self.rows_left]
            self.rows_left -= len(todo)
            self.paper_out = self.rows_left <= 0
        self._paper.rows += todo
        self._row += len(todo)
        return self._row == len(command.rows)

    def _recover(self) -> None:
        self._queue.clear()
        self._row = 0
        self.type.reset()
        if self._paper.rows:
            self._leave(torn=True)
        self._paper = Paper()

    def _leave(self, torn: bool) -> None:
        paper, self._paper = self._paper, Paper()
        if paper.rows:
            self.cut(paper, torn)

    def _status(self, n: int) -> int:
        """The byte a DLE EOT n gets: 1 printer, 2 why offline, 3 error, 4 paper."""
        return ALWAYS | {
            1: 0x08 if self.offline or self.moody else 0,
            2: (0x04 if self.cover_open else 0) | (0x20 if self.paper_out else 0) | (0x40 if self.jammed else 0),
            3: 0x08 if self.jammed else 0,
            4: (0x60 if self.paper_out else 0) | (0x0C if self.near_end or self.paper_out else 0),
        }.get(n, 0)

    def _tell_name(self, n: int) -> None:
        if not self.silent and n in NAMES:
            self.answer(b"\xff" if self.garbled else b"_" + NAMES[n] + b"\0")

    def _say(self, byte: int) -> None:
        if not self.silent:
            self.answer(b"\xff" if self.garbled else bytes([byte]))
