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
        took = [received(hall, papers, printer["id"]) for _ in range(tickets)]
    why = "commit to cut; the first paper of the day is among them"
    return [absolute("P10", "number taken to last byte at the printer", took, 150, "ms", why)]


def received(hall: httpx2.Client, papers: Path, printer: str) -> float:
    """Milliseconds from the commit of the take to the arrival of the cut, by the one clock of this machine."""
    time.sleep(APART_S)
    before = out(papers)
    taken = ask(hall, "/halls/demo/tickets", {"services": ["A"], "print_at": printer})
    wait_until(lambda: len(out(papers)) > len(before), PATIENCE_S, lambda: f"{taken['number']} was not printed")
    (line,) = out(papers) - before
    began, ended = (datetime.fromisoformat(at) for at in (taken["issued_at"], json.loads(line)["received"]))
    return 1000 * (ended - began).total_seconds()


def out(papers: Path) -> set[str]:
    """The records of all papers that are out, whichever printer they came from."""
    return {line for record in papers.glob("*/paper.jsonl") for line in record.read_text("utf-8").splitlines()}
