"""Sentences spoken by child processes that may hang: each has a deadline, and the next sentence always gets a live one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import structlog

log = structlog.get_logger()

CHILD = Path(__file__).with_name("child.py")  # by its file: as a module it would read the drivers' libraries first, 10 MB
VOICES = {"zh-Hans": "cmn", "zh-Hant": "cmn", "en": "en", "yue": "yue"}
CHILDREN = 2  # so that one hanging sentence does not silence the other speakers of this program


class SpeechFailed(Exception):
    """No sound was made of the sentence."""


class Speech:
    """Up to two speech processes, started when first needed and replaced when they fail; about 20 MB each."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._room = asyncio.Semaphore(CHILDREN)

    async def warm_up(self) -> None:
        """Starts a process now, so that the first sentence need not wait for it."""
        async with self._child() as child:
            await child.wait_ready()

    async def speak(self, text: str, lang: str, rate: int, file: Path, deadline_s: float) -> float:
        """Writes `text` to the WAV `file`; returns its seconds. SpeechFailed."""
        async with self._child() as child:
            try:
                async with asyncio.timeout(deadline_s):
                    await child.wait_ready()
                    return await child.speak(text, VOICES.get(lang, "cmn"), rate, file)
            except TimeoutError as error:
                log.warning("speech hangs, its process is ended", pid=child.pid, after_s=deadline_s)
                raise SpeechFailed("speech_hung") from error
            except (OSError, EOFError, ValueError) as error:
                raise SpeechFailed("speech_died") from error

    async def close(self) -> None:
        while self._idle:  # the speakers that share these processes close together: each is ended once
            await self._idle.pop().end()

    @contextlib.asynccontextmanager
    async def _child(self) -> AsyncIterator[_Child]:
        """A live process of one's own; after any failure it is ended, not put back."""
        async with self._room:
            child = self._idle.pop() if self._idle else await _Child.start()
            try:
                yield child
            except BaseException:
                await child.end()
                raise
            if child.alive:
                self._idle.append(child)


class _Child:
    """One `voice.child` process and the lines to and from it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ready = False
        self._ids = count(1)

    @classmethod
    async def start(cls) -> _Child:
        pipe = asyncio.subprocess.PIPE
        quiet = asyncio.subprocess.DEVNULL
        return cls(await asyncio.create_subprocess_exec(sys.executable, "-P", str(CHILD), stdin=pipe, stdout=pipe, stderr=quiet))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def wait_ready(self) -> None:
        if not self._ready:
            self._ready = bool((await self._answer())["ready"])

    async def speak(self, text: str, voice: str, rate: int, file: Path) -> float:
        ask = {"id": next(self._ids), "text": text, "voice": voice, "rate": rate, "file": str(file)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(ask).encode() + b"\n")
        await self._process.stdin.drain()
        answer = await self._answer()
        if answer.get("id") != ask["id"] or "error" in answer:
            raise ValueError(str(answer.get("error", "an answer to another sentence")))
        return float(str(answer["seconds"]))

    async def end(self) -> None:
        """SIGKILL: a hanging engine does not listen to anything gentler."""
        if self.alive:
            self._process.kill()
        await self._process.wait()

    async def _answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise EOFError("the speech process ended")
        answer: dict[str, object] = json.loads(line)
        return answer
