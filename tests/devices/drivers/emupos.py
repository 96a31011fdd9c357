"""The receipt printer we did not write: emupos, in an environment of its own, for it needs a younger Python than the hall.

`python -m tests.devices.drivers.emupos` says where that environment is, or why there is none.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.ports import free_port

LOCK = Path(__file__).resolve().parents[3] / "requirements" / "emupos.lock"
OLDEST = (3, 13)
PATIENCE_S = 60.0


class NotHere(Exception):
    """There is no Python for it, or its libraries could not be had."""


def environment() -> Path:
    """The folder of its environment, made where it is missing: one for each lock. NotHere."""
    python = young_python()
    if python is None:
        raise NotHere(f"no Python {OLDEST[0]}.{OLDEST[1]} or newer here")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hall"
    place = cache / f"emupos-{hashlib.sha256(LOCK.read_bytes() + str(python).encode()).hexdigest()[:12]}"
    if not (place / "whole").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "emupos.lock").open("w") as door:
            lock(door.fileno())
            if not (place / "whole").exists():
                make(python, place)
    return place


def lock(file: int) -> None:
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)


def make(python: Path, place: Path) -> None:
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for command in ([str(python), "-m", "venv", "--clear", str(place)], [*pip, "--require-hashes", "--no-deps", "-r", str(LOCK)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise NotHere(f"its environment could not be made: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    (place / "whole").touch()


def young_python() -> Path | None:
    """The youngest suitable Python of this machine: by name, or one of pyenv's."""
    named = [shutil.which(f"python3.{minor}") for minor in range(19, OLDEST[1] - 1, -1)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for python in [*(Path(name) for name in named if name), *sorted(pyenv.glob("3.*/bin/python"), reverse=True)]:
        asked = [str(python), "-c", f"import sys, venv; sys.exit(sys.version_info < {OLDEST})"]
        if subprocess.run(asked, capture_output=True).returncode == 0:
            return python
    return None


@dataclass(frozen=True)
class Emulator:
    """A running one with a printer `k1` on the network and `k2` on a serial line."""

    port: int
    api: str
    serial: Path

    def ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.api}/api/v1/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
        return body

    def fault(self, name: str, on: bool, device: str = "k1") -> None:
        self.ask("PUT" if on else "DELETE", f"devices/{device}/faults/{name}")

    def heal(self) -> None:
        for name in ("paper-near-end", "paper-out", "cover-open", "offline"):
            self.fault(name, False)

    def receipts(self, device: str = "k1") -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.ask("GET", f"devices/{device}/receipts"))
        return listed

    async def newest(self, before: int, device: str = "k1") -> Image.Image:
        """The picture of the receipt after the first `before` ones."""
        until = time.monotonic() + PATIENCE_S
        while len(self.receipts(device)) <= before:
            assert time.monotonic() < until, "no receipt came out"
            await asyncio.sleep(0.05)
        return Image.open(BytesIO(self.ask("GET", f"devices/{device}/receipts/latest/image")))

    def text(self, device: str = "k1") -> str:
        return self.ask("GET", f"devices/{device}/receipts/latest/text").decode()


@contextlib.contextmanager
def emulator_running(place: Path, folder: Path) -> Iterator[Emulator]:
    """Starts it from its environment `place`, with its files in `folder`; ended by its id."""
    port, api = free_port(), free_port()
    config = folder / "emupos.yaml"
    config.write_text(
        f"schema: 1\napi: {{ host: 127.0.0.1, port: {api} }}\ndevices:\n"
        f"  - {{ id: k1, type: printer, profile: epson-tm-t20iii, connections: [ {{ tcp: {{ port: {port} }} }} ] }}\n"
        "  - { id: k2, type: printer, profile: xprinter-xp80t, connections: [ { serial: { pty: true } } ] }\n"
    )
    with (folder / "emupos.log").open("wb") as log:
        process = subprocess.Popen(
            [str(place / "bin" / "emupos"), "run", "--config", str(config)], stdout=log, stderr=log, cwd=folder,
            stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(folder)},
        )  # fmt: skip
    emulator = Emulator(port, f"http://127.0.0.1:{api}", folder / "emupos" / "k2")
    try:
        until = time.monotonic() + PATIENCE_S
        while not answers(emulator):
            assert process.poll() is None and time.monotonic() < until, (folder / "emupos.log").read_text()
            time.sleep(0.1)
        yield emulator
    finally:
        process.terminate()
        process.wait(20)


def answers(emulator: Emulator) -> bool:
    try:
        emulator.ask("GET", "health")
    except (OSError, urllib.error.URLError):
        return False
    return emulator.serial.exists()


if __name__ == "__main__":
    try:
        print(environment())
    except NotHere as why:
        print(why)
        sys.exit(1)
