"""What a printer says of itself: DLE EOT 1 to 4 for its state, GS r for the end of a paper, GS I for its name.

The bytes are read by hand: python-escpos 3.1 calls an unreadable answer "no paper" and no answer "plenty", and an alarm
must mean something. Printers differ in how far they can be believed, so an installer says it (`Trust`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from devices.drivers.printing.lines import Line

CLEAR_BUFFER = b"\x10\x05\x02"  # DLE ENQ 2: forget what is half printed, so that it doesn't come out later unmarked
FORGET_LINE = b"\x1b@"  # ESC @: a printer that doesn't know GS I takes its last byte for a letter to print
MODEL, FIRMWARE = 67, 65  # of GS I
NAMED_S = 1.0  # one that knows GS I answers at once
DONE_YET = b"\x1dr\x01"  # GS r 1: answered in its turn, after the cut before it

# full: all four answers are true. paper: only the paper's (a Star TSP650II calls itself offline all day).
# none: it never answers, so whether it has paper is nobody's knowledge.
Trust = Literal["full", "paper", "none"]


class State(StrEnum):
    """What a printer can be, as the hall words it."""

    OK = "ok"
    PAPER_LOW = "paper_low"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


CAN_PRINT = frozenset({State.OK, State.PAPER_LOW, State.UNKNOWN})
ERRORS = ((0x08, "cutter_jammed"), (0x20, "broken"), (0x40, "head_too_hot"))  # DLE EOT 3


@dataclass(frozen=True)
class Seen:
    """A printer's state at a glance; `detail` is one word more where there is one."""

    state: State
    detail: str | None = None


class Silent(Exception):
    """The printer said nothing, or something no printer says."""


class Talk:
    """One connection's questions and answers. The two kinds of answer differ in their fixed bits: a DLE EOT answer is
    0xx1xx10, a GS r answer 0xx0xxxx; so one that comes while the other is awaited isn't mistaken for it."""

    def __init__(self, line: Line, trust: Trust, near_end_sensor: bool) -> None:
        self.line, self.trust, self.near_end_sensor = line, trust, near_end_sensor
        self._in_order: int | None = None

    def state(self) -> Seen:
        """How the printer is; UNKNOWN for an answer no printer gives, or none. Gone."""
        if self.trust == "none":
            return Seen(State.OK, "paper_not_watched")
        try:
            return self._paper() if self.trust == "paper" else self._all()
        except Silent:
            return Seen(State.UNKNOWN)

    def printed(self) -> bool:
        """Whether the answer to GS r has come, waiting for it once. Gone."""
        if self._in_order is None:
            with suppress(TimeoutError, Silent):  # no answer yet, or noise: the caller asks for the state next
                self._sort(self.line.receive())
        return self._in_order is not None

    def name(self) -> str | None:
        """Model and firmware as GS I gives them; None where it gives none. Only for a printer that is ready: it answers in its
        turn. Gone."""
        self.line.wait_at_most(NAMED_S)
        told = [word for n in (MODEL, FIRMWARE) if (word := self._word(n))]
        return " ".join(told)[:64] or None

    def _word(self, n: int) -> str | None:
        """A text between `_` and NUL."""
        self.line.send(bytes((0x1D, 0x49, n)))
        said = b""
        try:
            while b"\0" not in said and len(said) < 200:
                said += self.line.receive()
        except TimeoutError:
            self.line.send(FORGET_LINE)
            return None
        word = said.partition(b"_")[2].partition(b"\0")[0]
        return word.decode("ascii").strip() if word.isascii() and word.decode("ascii").isprintable() else None

    @property
    def roll_low(self) -> bool:
        return bool(self._in_order and self._in_order & 0x03 and self.near_end_sensor)

    def _all(self) -> Seen:
        online, why, paper = not self._ask(1) & 0x08, self._ask(2), self._ask(4)
        if why & 0x04:
            return Seen(State.COVER_OPEN)
        if paper & 0x60 or why & 0x20:
            return Seen(State.PAPER_OUT)
        if why & 0x40:
            error = self._ask(3)
            return Seen(State.OFFLINE, next((word for bit, word in ERRORS if error & bit), None))
        return Seen(State.OFFLINE) if not online else self._roll(paper)

    def _paper(self) -> Seen:
        paper = self._ask(4)
        return Seen(State.PAPER_OUT) if paper & 0x60 else self._roll(paper)

    def _roll(self, paper: int) -> Seen:
        """Where there is no near-end sensor its bits mean nothing, and some such models leave them set."""
        return Seen(State.PAPER_LOW if paper & 0x0C and self.near_end_sensor else State.OK)

    def _ask(self, n: int) -> int:
        """The byte that answers DLE EOT `n`. Silent when none or an impossible one came, Gone."""
        self.line.send(bytes((0x10, 0x04, n)))
        try:
            said = self._sort(self.line.receive())
            while said is None:
                said = self._sort(self.line.receive())
        except TimeoutError as error:
            raise Silent from error
        return said

    def _sort(self, said: bytes) -> int | None:
        """Puts each byte where it belongs; the last DLE EOT answer is returned. Silent."""
        found = None
        for byte in said:
            if byte & 0x93 == 0x12:
                found = byte
            elif not byte & 0x90:
                self._in_order = byte
            else:
                raise Silent
        return found
