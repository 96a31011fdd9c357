"""Simulated keypads and card readers, and the hands at them: a key pressed, a made-up identity card laid down and lifted.

A TOML file has a table `[hands]` with `control`, and `[[keypad]]`s and `[[reader]]`s with `name` and `listen` (HOST:PORT, where
the box at the window or the kiosk dials, as to a serial server). An act is a line on the control port, `NAME ACT`, answered
by `ok` or `error …`: a key of the numeric keypad by what it means (next, recall, arrive, finish, …); for a reader lay or lift;
for both unplug and ok.
"""

from __future__ import annotations

import asyncio
import random
import tomllib
from collections.abc import Mapping
from functools import reduce
from operator import xor
from typing import Any

import structlog

from devices.drivers.buttons.frames import read_bytes
from devices.drivers.identity.frames import CHECK, FIND, FOUND, GOOD, PREAMBLE, READ, SELECT, WEIGHTS
from devices.drivers.keypad import OURS

log = structlog.get_logger()

NOTHING, GONE, BAD = b"\0\0\x80", b"\0\0\x81", b"\0\0\x41"
FIELDS = (30, 2, 4, 16, 70, 36, 30, 16, 16, 36)  # name, sex, nation, birth, address, number, issuer, from, until, spare
REPORT = 8  # bytes of a keypad's report


class Machine:
    """One machine behind a TCP place; `hear` answers what it is asked, `do` is what a person does with it."""

    def __init__(self, name: str, listen: str) -> None:
        self.name, self.listen = name, listen
        self._server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()

    def hear(self, heard: bytearray) -> bytes:
        heard.clear()
        return b""

    def do(self, act: str) -> None:
        """ValueError for what nobody can do with it."""
        raise NotImplementedError

    async def plug(self) -> None:
        if self._server is None:
            host, _, port = self.listen.rpartition(":")
            self._server = await asyncio.start_server(self._serve, host, int(port))
            self.listen = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    def unplug(self) -> None:
        if self._server:
            self._server.close()
        self._server = None
        for writer in self.writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        heard = bytearray()
        try:
            while data := await reader.read(1024):
                heard += data
                writer.write(self.hear(heard))
        except ConnectionError:
            log.info("cable broke off", machine=self.name)
        finally:
            self.writers.discard(writer)
            writer.close()


class Keypad(Machine):
    """The numeric keypad: a report when a key goes down, an empty one when it comes up."""

    def do(self, act: str) -> None:
        keys = {meant: read_bytes(written) for written, meant in tomllib.loads(OURS.read_text("utf-8"))["keys"].items()}
        if act not in keys:
            raise ValueError(f"keys: {' '.join(keys)}")
        for writer in self.writers:
            writer.write(keys[act].ljust(REPORT, b"\0") + bytes(REPORT))


class Reader(Machine):
    """A card reader, and the card on it if there is one."""

    card: bytes | None = None

    def hear(self, heard: bytearray) -> bytes:
        said = b""
        while (at := heard.find(PREAMBLE)) >= 0 and len(heard) >= at + 10:
            said += self._answer(bytes(heard[at + 7 : at + 9]))
            del heard[: at + 10]
        return said

    def do(self, act: str) -> None:
        if act not in ("lay", "lift"):
            raise ValueError("say lay or lift")
        self.card = made_up_card(random.Random()) if act == "lay" else None

    def _answer(self, command: bytes) -> bytes:
        if command == FIND:
            return answer(FOUND, bytes(4)) if self.card else answer(NOTHING)
        if command == SELECT:
            return answer(GOOD, bytes(8)) if self.card else answer(GONE)
        if command == READ and self.card:
            return answer(GOOD, len(self.card).to_bytes(2, "big") + b"\x04\0" + self.card + bytes(1024))
        return answer(BAD)


def answer(status: bytes, data: bytes = b"") -> bytes:
    """A reader's frame."""
    told = (len(status + data) + 1).to_bytes(2, "big") + status + data
    return PREAMBLE + told + bytes([reduce(xor, told)])


def made_up_card(dice: random.Random) -> bytes:
    """The text of a card of nobody: a district that is none, somebody born between 1940 and 2005."""
    born = f"{dice.randint(1940, 2005)}{dice.randint(1, 12):02}{dice.randint(1, 28):02}"
    digits = f"999999{born}{dice.randint(1, 999):03}"
    number = digits + CHECK[sum(int(digit) * weight for digit, weight in zip(digits, WEIGHTS, strict=True)) % 11]
    words = ("演示", "1", "01", born, "演示地址", number, "演示机关", "20200101", "20400101", "")
    return b"".join(word.encode("utf-16-le").ljust(size, b"\0") for word, size in zip(words, FIELDS, strict=True))


async def run(settings: Mapping[str, Any], stop: asyncio.Event) -> None:
    """Runs all machines of `settings` (the TOML's tables) until `stop`."""
    kinds: dict[str, type[Machine]] = {"keypad": Keypad, "reader": Reader}
    machines = {
        entry["name"]: kind(entry["name"], entry["listen"]) for name, kind in kinds.items() for entry in settings.get(name, ())
    }
    for machine in machines.values():
        await machine.plug()
    host, _, port = str(settings["hands"]["control"]).rpartition(":")

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write((await _obey(machines, line.decode(errors="replace").split()) + "\n").encode())
            await writer.drain()
        writer.close()

    control = await asyncio.start_server(hear, host, int(port))
    told = control.sockets[0].getsockname()[:2]
    log.info("hands ready", control=f"{told[0]}:{told[1]}", **{name: machine.listen for name, machine in machines.items()})
    await stop.wait()


async def _obey(machines: Mapping[str, Machine], words: list[str]) -> str:
    if len(words) != 2 or words[0] not in machines:
        return f"error say NAME ACT; machines: {' '.join(machines)}"
    machine, act = machines[words[0]], words[1]
    try:
        if act == "unplug":
            machine.unplug()
        elif act == "ok":
            await machine.plug()
        else:
            machine.do(act)
    except (OSError, ValueError) as error:
        return f"error {error}"
    return "ok"
