"""A message gateway as a program of its own: takes messages over HTTP, sends each id once, fails as it is told.

`python -m tests.displays.gateway FILE` prints its address, and writes a line of JSON for each message it delivers. `POST
/fault {"next": ["500", "timeout", "slow", "drop", "no"]}` says how the next requests end: 500, no answer at all, a late
answer, a delivery whose answer is lost, a 200 that says no.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

SLOW_S = 0.4


class Desk(BaseHTTPRequestHandler):
    """One request."""

    lock = threading.Lock()
    seen: ClassVar[set[str]] = set()
    faults: ClassVar[list[str]] = []
    file: ClassVar[Path]

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if self.path == "/fault":
            with self.lock:
                self.faults[:] = json.loads(raw)["next"]
            self.answer(200, "ok")
            return
        with self.lock:
            fault = self.faults.pop(0) if self.faults else ""
            self.note({"tried": self.headers["Idempotency-Key"], "fault": fault})
        match fault:
            case "500":
                self.answer(500, f"cannot send to {raw}")
            case "timeout":
                time.sleep(30)
            case "no":
                self.answer(200, '{"code": 7, "why": "no money"}')
            case _:
                self.deliver(raw, fault)

    def deliver(self, raw: str, fault: str) -> None:
        id = self.headers["Idempotency-Key"]
        with self.lock:
            fresh = id not in self.seen
            self.seen.add(id)
            if fresh:
                self.note({"id": id, "key": self.headers.get("X-Key"), "body": raw, "path": self.path})
        if fault == "slow":
            time.sleep(SLOW_S)
        if fault != "drop":  # the message went out, its answer didn't come back
            self.answer(200 if fresh else 409, '{"code": 0}')

    def note(self, line: dict[str, Any]) -> None:
        with self.file.open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        """The file says it all."""


@dataclass(frozen=True)
class Gateway:
    """The running program."""

    url: str
    file: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    @property
    def delivered(self) -> list[dict[str, Any]]:
        """The messages, as they were asked for."""
        return [json.loads(line["body"]) for line in self.lines if "body" in line]

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.delivered]

    def fail(self, *faults: str) -> None:
        body = json.dumps({"next": faults}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/fault", body), timeout=5).close()

    def setting(self, **more: Any) -> dict[str, Any]:
        return {
            "url": f"{self.url}/send", "headers": {"X-Key": "{secret}"}, "success": '"code": 0', "timeout_s": 10.0,
            "body": '{"to": "{phone}", "text": "{text}", "template": "{template}"}',
        } | more  # fmt: skip


@contextmanager
def gateway_running(file: Path) -> Iterator[Gateway]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.displays.gateway", str(file)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    try:
        yield Gateway(process.stdout.readline().strip(), file)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


if __name__ == "__main__":
    Desk.file = Path(sys.argv[1])
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
