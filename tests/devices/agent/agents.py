"""The agent as the tests run it: the real program, in a process of its own, killed when a test wants a power cut."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_config(file: Path, server: str, devices: Sequence[Mapping[str, Any]]) -> None:
    lines = ["[agent]", f"server = {json.dumps(server)}", f"state = {json.dumps(str(file.parent / 'state'))}"]
    for device in devices:
        lines += ["[[device]]", *(f"{key} = {json.dumps(value)}" for key, value in device.items())]
    file.write_text("\n".join(lines) + "\n")


class Agent:
    """One run after another of the program on the same ledger."""

    def __init__(self, config: Path, module: str = "devices.agent") -> None:
        self.config, self.module = config, module
        self.process: asyncio.subprocess.Process | None = None
        self.log = config.parent / "agent.log"

    async def start(self, **environment: str) -> None:
        command = [sys.executable, "-m", self.module, "--config", str(self.config)]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, env={**os.environ, **environment}
            )

    async def cut_power(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Asks it to stop, returns its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            return await self.process.wait()
