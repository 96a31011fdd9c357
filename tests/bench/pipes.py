"""A program that is spoken to in JSON lines: the servers and listeners of the fan-out benches."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.ground import ROOT, end


class Pipe:
    """Lines to and from one process of ours; reading waits at most as long as is said."""

    def __init__(self, process: "subprocess.Popen[str]"):
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def hear(self, seconds: float = 20) -> dict[str, Any]:
        line = self._lines.get(timeout=seconds)
        assert line, f"the process ended with {self.process.wait(5)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def hear_of(self, mark: str, seconds: float = 20) -> dict[str, Any]:
        """The line about this mark; those about others before it are passed over."""
        while True:
            answer = self.hear(seconds)
            if answer.get("mark") == mark:
                return answer


@contextmanager
def piped(module: str, *arguments: str) -> Iterator[Pipe]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Pipe(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        end(process)
