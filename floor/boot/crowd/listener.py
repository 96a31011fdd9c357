"""Who listens: reads back, ticket by ticket, whether the sentences of its calls sounded or came too late."""

import time
from collections import deque
from urllib.parse import quote

from floor.boot.crowd.front import Front

SETTLED_S = 45.0  # a sentence is said within 20 s of its call or never; then the speaker's report is in
TOLD = ("done", "expired", "failed", "uncertain", "refused")


class Listener:
    """At twenty times real time speakers can't keep up, and calls older than 20 s are not said any more. That is
    counted here and is no error."""

    def __init__(self, front: Front):
        self.front, self.clock = front, front.clock
        self._due: deque[tuple[float, str]] = deque()
        self._read = set[str]()

    def expect(self, number: str) -> None:
        """A ticket of the crowd was called; ask later how that sounded."""
        key = self.front.keys.get(number)
        if key is not None and key not in self._read:
            self._read.add(key)
            self._due.append((time.monotonic() + SETTLED_S, key))

    async def listen(self) -> None:
        while not self.clock.over.is_set():
            await self.clock.sleep_real(1)
            while self._due and self._due[0][0] <= time.monotonic() and not self.clock.over.is_set():
                await self.hear(self._due.popleft()[1])

    async def hear(self, key: str) -> None:
        """Count what became of this ticket's sentences so far."""
        answer = await self.front.read(f"/api/v1/tickets/{quote(key)}/story")
        for deed in answer.body.get("items", []) if answer.ok else ():
            for confirmed in deed["confirmed"]:
                if confirmed["kind"] == "say" and confirmed["state"] in TOLD:
                    self.front.tally.sentences[confirmed["state"]] += 1
