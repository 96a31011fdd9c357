"""Simulated LED cards: real frames over TCP or a serial line in, pictures of the strips out, faults on demand.

`python -m devices.drivers.cards --config cards.toml`; the file has a table `[cards]` with `out` and `control`, and
`[[card]]`s with `name`, `at` (tcp://HOST:PORT, or pty:///PATH, which becomes a link to a serial line), `protocol`
(onbon_bx, led_serial), `addresses`, and `width`, `height`, `colour`. Cards with the same `at` hang on one cable.
Below `out` each keeps `<name>.png` and `<name>.json`. A fault is a line on the control port, `NAME FAULT`, answered by
`ok` or `error …`; faults: silent, nak, garble, deaf, unplug (the whole cable, TCP only), ok (all healed), status.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tomllib
import tty
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from devices.agent.logs import set_up_logs
from devices.drivers import told_to_stop
from devices.drivers.strips.panel import KINDS, Card, Panel

log = structlog.get_logger()

FAULTS = {"silent", "nak", "garble", "deaf"}


class Socket:
    """One TCP place and the cards behind it."""

    def __init__(self, at: str) -> None:
        self.at, self.cards = at, list[Card]()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def plug(self) -> None:
        if self._server is None:
            host, _, port = self.at.removeprefix("tcp://").rpartition(":")
            self._server = await asyncio.start_server(self._serve, host, int(port))
            self.at = f"tcp://{host}:{self._server.sockets[0].getsockname()[1]}"

    def unplug(self) -> None:
        """Power gone: every connection breaks off, and what was shown is forgotten."""
        if self._server:
            self._server.close()
        self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for card in self.cards:
            card.panel.rows.clear()
            card.panel.draw()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(4096):
                for card in self.cards:
                    for answer in card.take(data):
                        writer.write(answer)
        except ConnectionError:
            log.info("cable broke off", at=self.at)
        except asyncio.CancelledError:
            log.debug("cable let go", at=self.at)  # the program ends: nobody waits for this task, so nobody is to be told
        finally:
            self._writers.discard(writer)
            writer.close()


class Pty:
    """One serial line, made of a pseudo terminal, and the cards on it."""

    def __init__(self, at: str) -> None:
        self.at, self.cards = at, list[Card]()
        self._ends: tuple[int, int] | None = None

    async def plug(self) -> None:
        if self._ends is not None:
            return
        ours, theirs = self._ends = os.openpty()
        tty.setraw(theirs)  # kept open here, so that the line lives on between two openings at the other end
        os.set_blocking(ours, False)
        _link(Path(self.at.removeprefix("pty://")), os.ttyname(theirs))
        asyncio.get_running_loop().add_reader(ours, self._hear, ours)

    def unplug(self) -> None:
        raise ValueError("a pty stays plugged; say deaf")

    def _hear(self, ours: int) -> None:
        data = os.read(ours, 4096)
        for card in self.cards:
            for answer in card.take(data):
                os.write(ours, answer)


async def run(settings: Mapping[str, Any], stop: asyncio.Event) -> None:
    """Runs all cards of `settings` (the TOML's tables) until `stop`."""
    places: dict[str, Socket | Pty] = {}
    cards: dict[str, tuple[Card, Socket | Pty]] = {}
    for entry in settings["card"]:
        at = str(entry["at"])
        shared = entry["name"] if at.endswith(":0") else at  # any free port is one of its own
        place = places.setdefault(shared, Pty(at) if at.startswith("pty://") else Socket(at))
        panel = Panel(entry["name"], Path(settings["cards"]["out"]), int(entry.get("width", 128)), int(entry.get("height", 16)))
        kind = KINDS[entry.get("protocol", "onbon_bx")]
        card = kind(entry["name"], panel, list(entry.get("addresses", [1])), entry.get("colour", "red"))
        place.cards.append(card)
        cards[card.name] = card, place
    for place in places.values():
        await place.plug()
    control = await _open_control(cards, settings["cards"].get("control"))
    told = {name: place.at for name, (_, place) in cards.items()}
    log.info("cards ready", control=control and _place(control), **told)
    await stop.wait()


async def _open_control(cards: Mapping[str, tuple[Card, Socket | Pty]], listen: str | None) -> asyncio.Server | None:
    if not listen:
        return None
    host, _, port = listen.rpartition(":")

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write((await _obey(cards, line.decode(errors="replace").split()) + "\n").encode())
            await writer.drain()
        writer.close()

    return await asyncio.start_server(obey, host, int(port))


async def _obey(cards: Mapping[str, tuple[Card, Socket | Pty]], words: list[str]) -> str:
    if len(words) != 2 or words[0] not in cards:
        return f"error say NAME FAULT; cards: {' '.join(cards)}"
    (card, place), fault = cards[words[0]], words[1]
    if fault == "status":
        return f"ok {json.dumps({'faults': sorted(card.faults), 'count': card.panel.count})}"
    try:
        if fault == "unplug":
            place.unplug()
        elif fault == "ok":
            card.faults.clear()
            await place.plug()
        elif fault in FAULTS:
            card.faults.add(fault)
        else:
            return f"error unknown fault {fault}"
    except (OSError, ValueError) as error:
        return f"error {error}"
    return "ok"


def _link(path: Path, device: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(device)


def _place(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"{host}:{port}"


async def serve(settings: Mapping[str, Any]) -> None:
    """Until SIGTERM or SIGINT."""
    await run(settings, told_to_stop())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="devices.drivers.cards", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a TOML file with [cards] and [[card]]")
    set_up_logs()
    asyncio.run(serve(tomllib.loads(parser.parse_args(sys.argv[1:]).config.read_text())))
