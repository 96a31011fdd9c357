"""The simulated LED cards as the tests see them: a process of their own, its control port, its pictures."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Panels:
    """Cards by name: where each is, and what it shows."""

    out: Path
    control: str
    places: Mapping[str, str]

    def said(self, name: str) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.out / f"{name}.json").read_text())
        return state

    def text(self, name: str) -> str:
        return str(self.said(name)["text"])

    def lit(self, name: str) -> bytes:
        """Every dot, 255 where it is lit."""
        return Image.open(self.out / f"{name}.png").convert("L").point([0] + [255] * 255).tobytes()

    async def fault(self, name: str, what: str) -> str:
        host, port = self.control.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{name} {what}\n".encode())
        answer = (await reader.readline()).decode().strip()
        writer.close()
        return answer


def card(name: str, at: str = "tcp://127.0.0.1:0", **more: object) -> dict[str, object]:
    return {"name": name, "at": at, **more}


@contextmanager
def panels_running(folder: Path, cards: Sequence[Mapping[str, object]]) -> Iterator[Panels]:
    """Cards in a process of their own; ended with SIGTERM, which it obeys."""
    file = folder / "cards.toml"
    tables = ["[cards]", f"out = {json.dumps(str(folder))}", 'control = "127.0.0.1:0"']
    for entry in cards:
        tables += ["[[card]]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
    file.write_text("\n".join(tables))
    process = subprocess.Popen(
        [sys.executable, "-m", "devices.drivers.cards", "--config", str(file)],
        stdout=subprocess.PIPE,
        env={**os.environ, "HALL_LOG": "json"},
        text=True,
    )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        yield Panels(folder, ready["control"], {str(entry["name"]): ready[str(entry["name"])] for entry in cards})
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()
