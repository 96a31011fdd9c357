"""Simulated network cables between a box and the hall: real bytes through, late or not at all on demand.

A TOML file has a table `[network]` with `control`, and `[[cable]]`s with `name`, `listen` (HOST:PORT, where the box dials)
and `to` (HOST:PORT, where it wants to get). A fault is a line on the control port, `NAME FAULT [ARGUMENT]`, answered by
`ok` or `error …`; faults: slow SECONDS (each way), cut (everything breaks off, nobody gets through), ok (all healed), status.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

import structlog

log = structlog.get_logger()

CHUNK = 65536


class Cable:
    """One cable. What is on its way when it is slowed comes as late as it was sent."""

    def __init__(self, name: str, listen: str, to: str) -> None:
        self.name, self.listen, self.to = name, listen, to
        self.slow_s = 0.0
        self.is_cut = False
        self._through: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def lay(self) -> None:
        host, _, port = self.listen.rpartition(":")
        self._server = await asyncio.start_server(self._carry, host, int(port))
        self.listen = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    def obey(self, fault: str, argument: str | None) -> str:
        """Sets or heals a fault; the answer of the control line. ValueError for an argument that is no number."""
        match fault:
            case "slow":
                self.slow_s = max(0.0, float(argument or 6))
            case "cut":
                self.is_cut = True
                for writer in self._through:
                    writer.transport.abort()
            case "ok":
                self.slow_s, self.is_cut = 0.0, False
            case "status":
                return f"ok {json.dumps({'slow_s': self.slow_s, 'cut': self.is_cut})}"
            case _:
                return f"error unknown fault {fault}"
        return "ok"

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        host, _, port = self.to.rpartition(":")
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError as error:
            log.info("nobody at the other end", cable=self.name, error=str(error))
            writer.transport.abort()
            return
        self._through |= {writer, back}
        try:
            await asyncio.gather(self._one_way(reader, back), self._one_way(there, writer))
        except asyncio.CancelledError:
            log.debug("cable let go", cable=self.name)  # the program ends: nobody waits for this task, so nobody is to be told
        finally:
            self._through -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _one_way(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Bytes in the order they came, each `slow_s` after it came."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.create_task(self._deliver(under_way, sink))
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while data := await source.read(CHUNK):
                under_way.put_nowait((loop.time() + self.slow_s, data))
        under_way.put_nowait((loop.time() + self.slow_s, b""))
        await delivering

    async def _deliver(self, under_way: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    sink.transport.abort()
                    return
                sink.write(data)
                await sink.drain()


async def run(settings: Mapping[str, Any], stop: asyncio.Event) -> None:
    """Lays all cables of `settings` (the TOML's tables) until `stop`."""
    cables = {entry["name"]: Cable(entry["name"], entry["listen"], entry["to"]) for entry in settings.get("cable", ())}
    for cable in cables.values():
        await cable.lay()
    host, _, port = str(settings["network"]["control"]).rpartition(":")

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write((_obey(cables, line.decode(errors="replace").split()) + "\n").encode())
            await writer.drain()
        writer.close()

    control = await asyncio.start_server(hear, host, int(port))
    told = control.sockets[0].getsockname()[:2]
    log.info("cables ready", control=f"{told[0]}:{told[1]}", **{cable.name: cable.listen for cable in cables.values()})
    await stop.wait()


def _obey(cables: Mapping[str, Cable], words: list[str]) -> str:
    if len(words) < 2 or words[0] not in cables:
        return f"error say NAME FAULT; cables: {' '.join(cables)}"
    try:
        return cables[words[0]].obey(words[1], words[2] if len(words) > 2 else None)
    except ValueError as error:
        return f"error {error}"
