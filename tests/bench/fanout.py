"""P4: one frame to many boards, the product's fan-out beside a bare loop; what an idle line weighs; one that never reads."""

import itertools
import json
import socket
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.bench.figures import Figure, Pair, absolute, quantile
from tests.bench.ground import memory_kib
from tests.bench.listeners import connect
from tests.bench.pipes import Pipe, piped
from tests.ports import free_port

MARKS = itertools.count(1)
WHY = "the product's loop also looks at each line's state and write buffer, which is what protects the others from a slow reader"


class Side:
    """A server, everybody connected to it, and what a line of it weighs."""

    def __init__(self, server: Pipe, listeners: Pipe, port: int, kib_a_line: float):
        self.server, self.listeners, self.port, self.kib_a_line = server, listeners, port, kib_a_line

    def publish(self) -> float:
        """Milliseconds from the moment before the frame is made to the last board that has it."""
        mark = f"m{next(MARKS)}"
        self.server.say(mark)
        sent = self.server.hear_of(mark)["sent"]
        return 1000 * float(self.listeners.hear_of(mark)["last"] - sent)


@contextmanager
def side(kind: str, boards: int) -> Iterator[Side]:
    with piped("tests.bench.fanserver", kind, str(port := free_port())) as server:
        server.hear()
        before = memory_kib([server.process.pid])
        with piped("tests.bench.listeners") as listeners:
            listeners.say(json.dumps({"port": port, "lines": [{"path": "/", "headers": {}}] * boards}))
            assert listeners.hear(120)["ready"] == boards
            yield Side(server, listeners, port, (memory_kib([server.process.pid]) - before) / boards)


def measure(sizes: Sequence[int], *, runs: int, frames: int) -> list[Figure]:
    """P4 for each number of boards; memory and the slow reader at the largest that is asked for up to 1,000."""
    figures: list[Figure] = []
    for boards in sizes:
        with ExitStack() as stack:
            bare, product = (stack.enter_context(side(kind, boards)) for kind in ("bare", "product"))
            figures.append(compare(bare, product, boards, runs, frames))
            if boards == max(size for size in sizes if size <= 1000):
                figures.append(absolute("P4", f"memory of an idle line, {boards} lines", [product.kib_a_line], 20, "KiB"))
                figures.append(beside_a_slow_reader(product, boards, runs, frames))
    return figures


def compare(bare: Side, product: Side, boards: int, runs: int, frames: int) -> Figure:
    medians: tuple[list[float], list[float]] = ([], [])
    for run in range(runs + 1):
        for one, found in zip((bare, product), medians, strict=True):
            middle = statistics.median(one.publish() for _ in range(frames))
            if run:  # the first round warms both up
                found.append(middle)
    return Pair(*medians).at_most("P4", f"last of {boards:,} boards", 1.3, "ms", WHY)


def beside_a_slow_reader(product: Side, boards: int, runs: int, frames: int) -> Figure:
    """p99 of the others without and with a client that never reads, in turns."""
    alone, beside = [], []
    for _ in range(runs):
        alone.append(quantile([product.publish() for _ in range(frames * 2)], 0.99))
        with never_reads(product.port):
            beside.append(quantile([product.publish() for _ in range(frames * 2)], 0.99))
    return Pair(alone, beside).at_most("P4", f"p99 of {boards:,} beside one that never reads", 1.1, "ms", "noise of the machine")


@contextmanager
def never_reads(port: int) -> Iterator[socket.socket]:
    line = connect(port, "/", {})
    try:
        yield line
    finally:
        line.close()
