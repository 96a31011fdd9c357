"""The simulated receipt printers as the tests see them: a process of their own, its control port, its papers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image


@dataclass(frozen=True)
class Papers:
    """One printer and what came out of it."""

    name: str
    address: str
    control: str
    folder: Path

    @property
    def record(self) -> list[dict[str, Any]]:
        file = self.folder / "paper.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def image(self, n: int) -> Image.Image:
        return Image.open(self.folder / f"{n}.png")

    def codes(self) -> list[str]:
        """The QR codes of all whole papers, in order."""
        whole = [line["n"] for line in self.record if not line["torn"]]
        return [code.text for n in whole for code in zxingcpp.read_barcodes(self.image(n).convert("L"))]

    async def fault(self, what: str) -> str:
        host, port = self.control.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{self.name} {what}\n".encode())
        answer = (await reader.readline()).decode().strip()
        writer.close()
        return answer


@contextmanager
def printer_running(out: Path, name: str = "d1", listen: str = "127.0.0.1:0") -> Iterator[Papers]:
    """A printer on a free port or a serial line, in a process of its own; ended with SIGTERM, which it obeys."""
    command = [sys.executable, "-m", "devices.drivers.paper", "--out", str(out), "--control", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--printer", f"{name}={listen}"],
        stdout=subprocess.PIPE,
        env={**os.environ, "HALL_LOG": "json"},
        text=True,
    )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        yield Papers(name, ready[name], ready["control"], out / name)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()
