"""Many plain websocket clients in one process, on epoll: they only read, and tell when the last of them had each frame.

`python -m tests.bench.listeners` reads one JSON line {"port", "lines": [{"path", "headers"}], "greet", "patience_s"} from
stdin and makes a connection for each line. It prints {"ready": n}, then a line per marked frame: {"mark", "last"} in
monotonic seconds. A frame is marked by `"mark"` or by the `call` of an event or job; a connection counts a mark once.
With `greet` it speaks hall.v1: it greets, beats, and reports every job as done, as a machine would: not before it has
written that into its own ledger, so that one's report never holds up what the next one hears.
"""

import json
import re
import resource
import select
import socket
import sys
import time
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Any

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MARK = re.compile(rb'"(?:mark|call)":"?([\w-]+)')
JOB = re.compile(rb'"type":"job"[^{}]*?"job":"(\w+)"')
BEAT_S = 8.0
LEDGER_S = 0.01  # from a job's arrival to the report
TAIL = 400  # bytes kept between reads: a frame may be cut in two by the end of one


def upgrade(path: str, port: int, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def masked(text: str) -> bytes:
    """A client's text frame; a mask of zeros leaves the payload as it is."""
    payload = text.encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def connect(port: int, path: str, headers: dict[str, str], patience_s: float = 20) -> socket.socket:
    """An upgraded connection. A hall that is still reading its record says 503 and is asked again; else SystemExit."""
    until = time.monotonic() + patience_s
    while True:
        line = socket.create_connection(("127.0.0.1", port), 10)
        line.sendall(upgrade(path, port, headers))
        head = b""
        while b"\r\n\r\n" not in head and (got := line.recv(4096)):
            head += got
        status = head.split(b"\r\n", 1)[0]
        if b" 101 " in status:
            line.setblocking(False)
            return line
        line.close()
        if b" 503 " not in status or time.monotonic() > until:
            raise SystemExit(f"refused: {head!r}")
        time.sleep(0.2)


class Crowd:
    """All the lines, and how often each mark has been seen."""

    def __init__(self, greet: dict[str, Any] | None):
        self.greet = greet
        self.poll = select.epoll()
        self.lines: dict[int, socket.socket] = {}
        self.ids: dict[int, int] = {}
        self.tails: dict[int, bytes] = {}
        self.seen: set[tuple[int, bytes]] = set()
        self.done: set[bytes] = set()
        self.reports: deque[tuple[float, int, bytes]] = deque()  # when due, whose, of which job
        self.counts: Counter[bytes] = Counter()
        self.next_beat = time.monotonic() + BEAT_S

    def add(self, line: socket.socket) -> None:
        fd = line.fileno()
        self.lines[fd], self.ids[fd] = line, 1
        if self.greet:
            line.sendall(masked(json.dumps({**self.greet, "at": now()})))
        self.poll.register(line, select.EPOLLIN)

    def listen(self) -> None:
        """Until every server has hung up."""
        while self.lines:
            for fd, _ in self.poll.poll(max(0.0, self.reports[0][0] - time.monotonic()) if self.reports else 1.0):
                self.read(fd)
            while self.reports and self.reports[0][0] <= time.monotonic():
                self.report(*self.reports.popleft()[1:])
            if self.greet and time.monotonic() > self.next_beat:
                self.next_beat = time.monotonic() + BEAT_S
                for fd in self.lines:
                    self.say(fd, {"type": "beat", "sent": now(), "state": "online"})

    def read(self, fd: int) -> None:
        try:
            data = self.lines[fd].recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.poll.unregister(fd)
            self.lines.pop(fd).close()
            return
        data = self.tails.get(fd, b"") + data
        self.tails[fd] = data[-TAIL:]
        for mark in set(MARK.findall(data)):
            self.mark(fd, mark)
        for job in set(JOB.findall(data)) - self.done if self.greet else ():
            self.done.add(job)
            self.reports.append((time.monotonic() + LEDGER_S, fd, job))

    def report(self, fd: int, job: bytes) -> None:
        if fd in self.lines:
            self.say(fd, {"type": "job_report", "job": job.decode(), "state": "done", "at": now()})

    def mark(self, fd: int, mark: bytes) -> None:
        if (fd, mark) in self.seen:
            return
        self.seen.add((fd, mark))
        self.counts[mark] += 1
        if self.counts[mark] == len(self.lines):
            print(json.dumps({"mark": mark.decode(), "last": time.monotonic()}), flush=True)

    def say(self, fd: int, frame: dict[str, Any]) -> None:
        self.ids[fd] += 1
        self.lines[fd].sendall(masked(json.dumps({**frame, "id": self.ids[fd]})))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    crowd = Crowd(asked.get("greet"))
    for line in asked["lines"]:
        crowd.add(connect(asked["port"], line["path"], line["headers"]))
    print(json.dumps({"ready": len(crowd.lines)}), flush=True)
    crowd.listen()


if __name__ == "__main__":
    main()
