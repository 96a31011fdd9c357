"""A box of keys on a serial line, in a process of its own: told in hex what to send, it tells in hex what it got.

`python -m tests.devices.drivers.box LINK` makes a pty and LINK to it. Each line of its input is sent as bytes, `+` in it
being a pause of 50 ms; each piece it hears is a line of its output.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PAUSE_S = 0.05


@dataclass
class Box:
    """The box as a test holds it."""

    link: Path
    process: subprocess.Popen[str]
    heard: bytearray = field(default_factory=bytearray)

    def push(self, written: str) -> None:
        """Send bytes written in hex."""
        assert self.process.stdin is not None
        self.process.stdin.write(written + "\n")
        self.process.stdin.flush()

    async def hears(self, wanted: bytes, seconds: float = 10) -> None:
        """Waits until these bytes have come."""
        for _ in range(int(seconds / 0.02)):
            if wanted in self.heard:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{wanted!r} is not in {bytes(self.heard)!r}")


@contextmanager
def box_running(link: Path) -> Iterator[Box]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.devices.drivers.box", str(link)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    box, output = Box(link, process), process.stdout

    def listen() -> None:
        for line in output:
            box.heard += bytes.fromhex(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield box
    finally:
        process.stdin.close()
        assert process.wait(10) == 0
        listener.join(5)
        output.close()


def main(link: Path) -> None:
    here, there = os.openpty()
    tty.setraw(there)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(there))

    def hear() -> None:
        while True:
            print(os.read(here, 1024).hex(), flush=True)

    print("ready", flush=True)
    threading.Thread(target=hear, daemon=True).start()
    for line in sys.stdin:
        for n, piece in enumerate(line.split("+")):
            time.sleep(PAUSE_S if n else 0)
            os.write(here, bytes.fromhex(piece))
    link.unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
