"""P9: from a call to the first sound of its sentence, in the demo as it runs: never said, said before, and made in advance."""

import json
import time
from datetime import datetime
from pathlib import Path

import httpx2

from tests.bench.figures import Figure, absolute
from tests.bench.ground import wait_until
from tests.bench.hall import PATIENCE_S, all_here, ask, signed_in

SENTENCE_S = 12.0  # chime and sentence twice, and a little


def measure(address: str, voices: Path, zones: int) -> list[Figure]:
    """A first sentence in each of so many zones, then in every other one the same by a recall, in the rest whoever is next.

    Zones have a speaker each. Who is next there has never been called: the speaker made the sentence while it said the first.
    """
    with signed_in(address) as hall:
        wait_until(lambda: all_here(hall), PATIENCE_S, lambda: "the speakers did not join")
        windows = [3 * zone + 1 for zone in range(zones)]
        for window in windows:
            ask(hall, f"/halls/demo/windows/{window}/open", {"clerk": f"clerk{window:02d}"})
            for _ in range(2):
                ask(hall, "/halls/demo/tickets", {"services": [chr(ord("A") + window // 3)]})
        cold = [sounded(hall, voices, window, "next") for window in windows]
        time.sleep(SENTENCE_S)
        cached = [sounded(hall, voices, window, "recall") for window in windows[::2]]
        for window in windows[1::2]:
            ask(hall, f"/halls/demo/windows/{window}/finish", {"outcome": "done"})
        prepared = [sounded(hall, voices, window, "next") for window in windows[1::2]]
        for window in windows:
            ask(hall, f"/halls/demo/windows/{window}/finish", {"outcome": "done"})
            ask(hall, f"/halls/demo/windows/{window}/close", {})
    why = "commit to sound, so the way over the link and the speaker's ledger is in it"
    return [
        absolute("P9", "call to first sound, cold", cold, 600, "ms", why),
        absolute("P9", "call to first sound, from the cache", cached, 300, "ms", why),
        absolute("P9", "call to first sound, made in advance", prepared, 300, "ms", why),
    ]


def sounded(hall: httpx2.Client, voices: Path, window: int, act: str) -> float:
    """Milliseconds from the call's commit to the begin of its sound, by the one clock of this machine."""
    call = ask(hall, f"/halls/demo/windows/{window}/{act}", {})["call"]
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for record in voices.glob("*/said.jsonl"):
            for line in record.read_text("utf-8").splitlines():
                said = json.loads(line)
                if said["call"] == call["id"]:
                    return 1000 * (datetime.fromisoformat(said["at"]) - datetime.fromisoformat(call["at"])).total_seconds()
        time.sleep(0.1)
    raise AssertionError(f"call {call['id']} did not sound within {PATIENCE_S:.0f} s")
