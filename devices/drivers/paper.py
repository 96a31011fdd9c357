"""Simulated receipt printers: real ESC/POS over TCP or a serial line in, pictures of the paper out, faults on demand.

`python -m devices.drivers.paper --config paper.toml`, or `--out DIR --printer NAME=HOST:PORT … --control HOST:PORT`.
A printer that listens on `pty` hangs on a serial line, whose name it tells when it is ready.
Below `out`, each printer keeps `<n>.png` (the paper), `<n>.bin` (its bytes), `newest.json` and one line for each paper
in `paper.jsonl`: {"n", "at", "received", "width", "height", "bytes", "torn"}; `at` is when the paper was out, `received`
when the last of its bytes had come, null for a torn one. A fault is a line on the control port,
`NAME FAULT [ARGUMENT]`, answered by `ok` or `error …`; faults: paper-out, paper-out-after ROWS, near-end, cover-open,
jam (the knife), moody (calls itself offline and prints), unplug, slow SECONDS, garble, silent, ok (all healed), status
(answers `ok` and the state).
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from devices.agent.logs import set_up_logs
from devices.drivers import told_to_stop
from devices.drivers.receipts.escpos import Decoder, Do
from devices.drivers.receipts.printer import Paper, Printer

log = structlog.get_logger()


class Box:
    """One printer on its port; like most of its kind it serves one connection at a time, the next waits."""

    def __init__(self, name: str, listen: str, out: Path, keep: int, across: int = 576) -> None:
        self.name, self.listen, self.keep = name, listen, keep
        self.folder = out / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.record = self.folder / "paper.jsonl"
        self.count = _last(self.record)
        self.received: str | None = None  # when the cut that ends the paper came; printers are sent one paper at a time
        self.printer = Printer(cut=self._keep, answer=self._answer, across=across)
        self.plugged = True
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._cable: tuple[int, int] | None = None  # the two ends of a serial line
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def plug(self) -> None:
        self.plugged = True
        if self.listen == "pty" or self.listen.startswith("/dev/"):
            return self._plug_cable()
        host, _, port = self.listen.rpartition(":")
        self._server = await asyncio.start_server(self._serve, host, int(port))
        self.listen = f"{host}:{self.port}"
        return None

    def _plug_cable(self) -> None:
        """Our own hand on the far end keeps the line there between two talks."""
        here, there = self._cable = self._cable or os.openpty()
        tty.setraw(there)
        os.set_blocking(here, False)
        self.listen = os.ttyname(there)
        decoder = Decoder()

        def read() -> None:
            data = os.read(here, 65536)
            if self.plugged:  # out of the socket the printer hears nothing, and the line stays as it is
                self._hear(decoder, data)

        asyncio.get_running_loop().add_reader(here, read)

    def _hear(self, decoder: Decoder, data: bytes) -> None:
        for command in decoder.feed(data):
            self.received = _now() if command.do is Do.CUT else self.received
            self.printer.take(command)
        self._wake.set()

    async def unplug(self) -> None:
        """Power gone: the connection breaks off and the buffer is empty."""
        self.plugged = False
        if self._server:
            self._server.close()
        if self._writer:
            self._writer.transport.abort()
        self.printer.lose_power()

    async def run(self) -> None:
        """The print head: works off what has been received."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self.printer.busy:
                if self.printer.slow_s:
                    await asyncio.sleep(self.printer.slow_s)
                if self.printer.busy:  # a fault may have come while the head was slow
                    self.printer.step()

    async def fault(self, what: str, argument: str | None) -> str:
        """Sets or heals a fault; answers the control line."""
        printer = self.printer
        if what == "ok":
            printer.heal()
            if not self.plugged:
                await self.plug()
        elif what == "unplug":
            await self.unplug()
        elif what == "paper-out-after":
            printer.rows_left = int(argument or 0)
        elif what == "slow":
            printer.slow_s = float(argument or 1)
        elif what in FLAGS:
            setattr(printer, FLAGS[what], True)
        elif what != "status":
            return f"error unknown fault {what}"
        self._wake.set()
        return "ok" if what != "status" else f"ok {json.dumps(self._state())}"

    def _state(self) -> dict[str, Any]:
        faults = [what for what, flag in FLAGS.items() if getattr(self.printer, flag)]
        return {"plugged": self.plugged, "faults": faults, "papers": self.count}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._turn:
            self._writer = writer
            decoder = Decoder()
            try:
                while data := await reader.read(65536):
                    self._hear(decoder, data)
            except ConnectionError:
                log.info("printer connection broke off", printer=self.name)
            finally:
                self._writer = None
                writer.close()

    def _answer(self, data: bytes) -> None:
        if self._cable and self.plugged:
            os.write(self._cable[0], data)
        if self._writer and not self._writer.is_closing():
            self._writer.write(data)

    def _keep(self, paper: Paper, torn: bool) -> None:
        self.count += 1
        n = self.count
        image = paper.image()
        image.save(self.folder / f"{n}.png")
        (self.folder / f"{n}.bin").write_bytes(paper.raw)
        line = {
            "n": n,
            "at": _now(),
            "received": None if torn else self.received,
            "width": image.width,
            "height": image.height,
            "bytes": len(paper.raw),
            "torn": torn,
        }
        with self.record.open("a") as record:
            record.write(json.dumps(line) + "\n")
        _replace(self.folder / "newest.json", line)
        for old in (".png", ".bin"):
            (self.folder / f"{n - self.keep}{old}").unlink(missing_ok=True)
        log.info("paper out", printer=self.name, n=n, height=image.height, torn=torn)


FLAGS = {
    "paper-out": "paper_out",
    "near-end": "near_end",
    "cover-open": "cover_open",
    "garble": "garbled",
    "silent": "silent",
    "jam": "jammed",
    "moody": "moody",
}


async def serve(settings: Mapping[str, Any]) -> None:
    """Until SIGTERM or SIGINT."""
    await run(settings, told_to_stop())


async def run(settings: Mapping[str, Any], stop: asyncio.Event) -> None:
    """Runs all printers of `settings` (the TOML's tables) until `stop`."""
    paper = settings["paper"]
    boxes = {
        entry["name"]: Box(
            entry["name"], entry["listen"], Path(paper["out"]), int(paper.get("keep", 500)), int(entry.get("width", 576))
        )
        for entry in settings["printer"]
    }
    for box in boxes.values():
        await box.plug()
    control = await _open_control(boxes, paper.get("control"))
    heads = [asyncio.create_task(box.run()) for box in boxes.values()]
    places = {box.name: box.listen for box in boxes.values()}
    log.info("printers ready", control=control and _place(control), **places)
    await stop.wait()
    for head in heads:
        head.cancel()


async def _open_control(boxes: Mapping[str, Box], listen: str | None) -> asyncio.Server | None:
    if not listen:
        return None
    host, _, port = listen.rpartition(":")

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write((await _obey(boxes, line.decode(errors="replace").split()) + "\n").encode())
            await writer.drain()
        writer.close()

    return await asyncio.start_server(obey, host, int(port))


async def _obey(boxes: Mapping[str, Box], words: list[str]) -> str:
    if len(words) < 2 or words[0] not in boxes:
        return f"error say NAME FAULT; printers: {' '.join(boxes)}"
    try:
        return await boxes[words[0]].fault(words[1], words[2] if len(words) > 2 else None)
    except ValueError as error:
        return f"error {error}"


def _place(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"{host}:{port}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _last(record: Path) -> int:
    """The number of the last paper of an earlier run."""
    if not record.exists():
        return 0
    return max((int(json.loads(line)["n"]) for line in record.read_text().splitlines() if line), default=0)


def _replace(file: Path, data: Mapping[str, Any]) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(data))
    part.replace(file)


def _settings(arguments: list[str]) -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(prog="devices.drivers.paper", description=__doc__)
    parser.add_argument("--config", type=Path, help="a TOML file with [paper] and [[printer]]")
    parser.add_argument("--out", type=Path, default=Path("paper"))
    parser.add_argument("--printer", action="append", default=[], metavar="NAME=HOST:PORT")
    parser.add_argument("--control", metavar="HOST:PORT")
    given = parser.parse_args(arguments)
    if given.config:
        return tomllib.loads(given.config.read_text())
    printers = [dict(zip(("name", "listen"), entry.split("=", 1), strict=True)) for entry in given.printer]
    return {"paper": {"out": str(given.out), "control": given.control}, "printer": printers}


if __name__ == "__main__":
    set_up_logs()
    asyncio.run(serve(_settings(sys.argv[1:])))
