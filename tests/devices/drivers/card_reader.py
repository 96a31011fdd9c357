"""A second-generation card reader on a serial line, in a process of its own, with made-up cards.

`python -m tests.devices.drivers.card_reader LINK`. Lines of its input: `lay NUMBER NAME ADDRESS`, `lift`, `garble` (the next
answer does not add up), `mute`, `speak`.
"""

import contextlib
import os
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path

PREAMBLE = bytes([0xAA, 0xAA, 0xAA, 0x96, 0x69])
FIELDS = (30, 2, 4, 16, 70, 36, 30, 16, 16, 36)  # name, sex, nation, birth, address, number, issuer, from, until, spare


@dataclass
class Reader:
    """The reader as a test holds it."""

    link: Path
    process: subprocess.Popen[str]

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def reader_running(link: Path) -> Iterator[Reader]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.devices.drivers.card_reader", str(link)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield Reader(link, process)
    finally:
        process.stdin.close()
        assert process.wait(10) == 0
        process.stdout.close()


def text_of(number: str, name: str, address: str) -> bytes:
    """The 256 bytes of a card's text."""
    words = (name, "1", "01", "19491001", address, number, "某某公安局", "20200101", "20400101", "")
    return b"".join(word.encode("utf-16-le").ljust(size, b"\0") for word, size in zip(words, FIELDS, strict=True))


def answer(status: bytes, data: bytes = b"") -> bytes:
    body = status + data
    told = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + told + bytes([reduce(xor, told)])


class Machine:
    """What the reader does. A card that was read is not found again until it has been lifted."""

    def __init__(self) -> None:
        self.card: bytes | None = None
        self.garbles = self.mute = False

    def ask(self, command: bytes) -> bytes:
        if command == b"\x20\x01":
            return answer(b"\0\0\x9f", bytes(4)) if self.card else answer(b"\0\0\x80")
        if command == b"\x20\x02":
            return answer(b"\0\0\x90", bytes(8)) if self.card else answer(b"\0\0\x81")
        if command == b"\x30\x01" and self.card:
            return answer(b"\0\0\x90", len(self.card).to_bytes(2, "big") + b"\x04\x00" + self.card + bytes(range(256)) * 4)
        return answer(b"\0\0\x41")

    def obey(self, line: str) -> None:
        what, *rest = line.split()
        if what == "lay":
            self.card = text_of(*rest)
        elif what == "lift":
            self.card = None
        elif what == "garble":
            self.garbles = True
        else:
            self.mute = what == "mute"


def main(link: Path) -> None:
    here, there = os.openpty()
    tty.setraw(there)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(there))
    machine = Machine()

    def serve() -> None:
        heard = b""
        while True:
            heard += os.read(here, 1024)
            while (at := heard.find(PREAMBLE)) >= 0 and len(heard) >= at + 10:
                command, heard = heard[at + 7 : at + 9], heard[at + 10 :]
                said = bytearray(machine.ask(command))
                if machine.garbles and command == b"\x30\x01":
                    said[-1] ^= 0xFF
                    machine.garbles = False
                if not machine.mute:
                    os.write(here, said)

    print("ready", flush=True)
    threading.Thread(target=serve, daemon=True).start()
    for line in sys.stdin:
        machine.obey(line)
    link.unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
