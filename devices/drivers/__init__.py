"""Every machine an agent can drive: the list, and what the agent asks of each."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

USUAL = 2  # the order of a job that names none
EndState = Literal["done", "failed", "expired", "refused", "uncertain"]


@dataclass(frozen=True)
class Job:
    """An effect the hall wants once: a paper, a sentence, a question. `expires` is in the hall's time."""

    job: str
    kind: str
    key: str
    expires: datetime
    data: Mapping[str, Any]

    @property
    def order(self) -> int:
        """Whose turn comes first: 0 an emergency, 1 a notice, 2 a call and whatever names none, 3 a recall."""
        wanted = self.data.get("order")
        return wanted if isinstance(wanted, int) else USUAL


@dataclass(frozen=True)
class Ending:
    """How a job ended. `reason` is one word for what is not `done`; `detail` is small and never personal."""

    state: EndState
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The hall's answer to a press: accepted and with what, or an error code."""

    code: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        return self.code is None


class Hall(Protocol):
    """The hall as a driver sees it."""

    @property
    def state(self) -> Path:
        """The program's own folder, for what its devices share."""

    def now(self) -> datetime:
        """The hall's time, the device's own clock corrected by the last measured offset."""

    def health_changed(self) -> None:
        """Says that `parts()` would now answer otherwise."""

    async def press(self, what: str, data: Mapping[str, Any], within_s: float | None = None) -> Answer:
        """Brings a press to the hall, for as long as that takes, under one press id; `within_s`: or not at all."""


class Driver(Protocol):
    """What every machine can do."""

    @property
    def caps(self) -> frozenset[str]:
        """The kinds of job it takes; none for a screen."""

    async def open(self) -> None:
        """Starts it; a machine that is away is no error here, `parts()` says so."""

    async def close(self) -> None: ...

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        """Health by part, e.g. `{"printer": {"state": "paper_low"}}`."""

    def configure(self, data: Mapping[str, Any]) -> None:
        """Takes the hall's settings for it (volume, languages, screen text); unknown ones are left alone."""


@runtime_checkable
class Named(Protocol):
    """A machine that may say what it is; beside the driver's own version that tells an engineer what to update."""

    @property
    def fw(self) -> str | None:
        """Model and firmware in at most 64 characters; None until it has said so."""


class Worker(Driver, Protocol):
    """A machine that takes jobs."""

    async def ready(self, job: Job) -> None:
        """Returns once the job could be begun; the agent stops waiting when the job expires."""

    async def act(self, job: Job, waiting: int) -> Ending:
        """Does the job and confirms it with the hardware. `waiting` is how many more are behind it."""


class Screen(Driver, Protocol):
    """A machine that follows the feed."""

    def show(self, board: Mapping[str, Any]) -> None:
        """The whole state; never flashes."""

    def follow(self, kind: str, data: Mapping[str, Any], flash: bool) -> None:
        """One event of the feed, in order; `flash` when it is a call of this moment."""

    def stale(self, is_stale: bool) -> None:
        """The hall has been silent for too long, or is back."""


@dataclass(frozen=True)
class Make:
    """Where a driver is and which kind of device it serves."""

    kind: str
    module: str


# A machine is added by a module with `make(name, settings, hall)` and a line here. The first of a kind is its default.
DRIVERS: dict[str, Make] = {
    "escpos_printer": Make("dispenser", "devices.drivers.escpos_printer"),
    "led_strip": Make("led", "devices.drivers.led_strip"),
    "onbon_bx": Make("led", "devices.drivers.onbon_bx"),
    "led_serial": Make("led", "devices.drivers.led_serial"),
    "speaker": Make("speaker", "devices.drivers.speaker"),
    "evaluator": Make("evaluator", "devices.drivers.evaluator"),
    "keypad": Make("keypad", "devices.drivers.keypad"),
}

# The other end of the cable: programs that stand in for hardware.
PEERS: dict[str, str] = {
    "paper": "devices.drivers.paper", "cards": "devices.drivers.cards", "network": "devices.drivers.network",
    "hands": "devices.drivers.hands",
}  # fmt: skip


def told_to_stop() -> asyncio.Event:
    """Set at SIGTERM or SIGINT; for programs that stand in for hardware."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop


class BadSetting(Exception):
    """A device's settings can't be used."""


def chosen(kind: str, settings: Mapping[str, Any]) -> str | None:
    """The driver of a device by its name in the list: `driver = ...` picks another than the kind's default."""
    wanted: str | None = settings.get("driver") or next((d for d, m in DRIVERS.items() if m.kind == kind), None)
    return wanted


def make(kind: str, name: str, settings: Mapping[str, Any], hall: Hall) -> Worker | Screen:
    """Builds the driver of one device from its settings."""
    wanted = chosen(kind, settings)
    settings = {key: value for key, value in settings.items() if key != "driver"}
    if wanted not in DRIVERS or DRIVERS[wanted].kind != kind:
        raise BadSetting(f"{name}: there is no driver {wanted or ''} for a device of kind {kind}")
    try:
        built: Worker | Screen = import_module(DRIVERS[wanted].module).make(name, settings, hall)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadSetting(f"{name}: {error}") from error
    return built
