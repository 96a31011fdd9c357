"""P10: from a taken number to the last byte of its paper at the printer, in the demo as it runs."""

import json
import time
from datetime import datetime
from pathlib import Path

import httpx2

from tests.bench.figures import Figure, absolute
from tests.bench.ground import wait_until
from tests.bench.hall import PATIENCE_S, all_here, ask, machines, signed_in

APART_S = 0.7  # a visitor takes the paper before the next one presses


def measure(address: str, papers: Path, tickets: int) -> list[Figure]:
    """So many numbers from the first dispenser, one after the other. The printer takes bytes as fast as the cable does."""
    with signed_in(address) as hall:
        wait_until(lambda: all_here(hall), PATIENCE_S, lambda: "the printers did not join")
        printer = next(machine for machine in machines(hall) if machine["kind"] == "dispenser")
        took = [received(hall, papers / printer["name"] / "paper.jsonl", printer["id"]) for _ in range(tickets)]
    why = "commit to cut; the first paper of the day is among them"
    return [absolute("P10", "number taken to last byte at the printer", took, 150, "ms", why)]


def received(hall: httpx2.Client, record: Path, printer: str) -> float:
    """Milliseconds from the commit of the take to the arrival of the cut, by the one clock of this machine."""
    time.sleep(APART_S)
    before = lines_of(record)
    taken = ask(hall, "/halls/demo/tickets", {"services": ["A"], "print_at": printer})
    wait_until(lambda: len(lines_of(record)) > len(before), PATIENCE_S, lambda: f"{taken['number']} was not printed")
    paper = json.loads(lines_of(record)[-1])
    assert not paper["torn"], paper
    return 1000 * (datetime.fromisoformat(paper["received"]) - datetime.fromisoformat(taken["issued_at"])).total_seconds()


def lines_of(record: Path) -> list[str]:
    return record.read_text("utf-8").splitlines() if record.exists() else []
