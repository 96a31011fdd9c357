"""A really started hall for the browser: the supervisor with all its processes, on ports and a data directory of its own."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from floor.boot.tests import browser as browser_here

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "whole-hall"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_S = 90


def with_room(tries: int = 50) -> int:
    """A port with the ones a demo hall wants near it free as well: the link, the printers, the button boxes, the simulated
    machines. Two workers that look at the same time look at different ones."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2
    for _ in range(tries):
        port = random.randrange(12000, 30000, 1200) + 600 * worker
        if all(
            is_free(port + n)
            for n in (0, 1, *range(100, 103), 151, 152, *range(201, 225), *range(300, 306), *range(400, 406), 500, 501, 551)
        ):
            return port
    raise AssertionError("no free stretch of ports on this machine")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class House:
    """The hall that runs: how to ask it, where its machines keep what they made, and how to hurt it."""

    def __init__(self, home: Path, port: int):
        self.home, self.port, self.url = home, port, f"http://127.0.0.1:{port}"
        self.log = home / "run.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}

    def start(self) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HALL_")} | {
            "HALL_DATA_DIR": str(self.home), "HALL_HOST": "127.0.0.1", "HALL_PORT": str(self.port),
            "HALL_LINK_PORT": str(self.port + 1), "HALL_DEMO_PASSWORD": PASSWORD, "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        with self.log.open("ab") as log:
            argv = [sys.executable, "-P", "-m", "floor.boot", "run"]
            self.process = subprocess.Popen(argv, env=env, cwd=ROOT, stdout=log, stderr=log)
        self.until(self.ready, START_S, "the hall to open")
        self.until(self.paired, START_S, "the demo's machines to join")

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.tail()
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx2.TransportError:
            return False

    def paired(self) -> bool:
        return all(device["paired_at"] and device["last_seen"] for device in self.devices())

    def devices(self) -> list[dict[str, Any]]:
        answer = self.get("/api/v1/halls/demo/devices?limit=500", who="engineer")
        found: list[dict[str, Any]] = answer["items"]
        return [device for device in found if not device.get("revoked_at")]

    def token(self, who: str) -> str:
        if who not in self._tokens:
            answer = httpx2.post(f"{self.url}/api/v1/sessions", json={"username": who, "password": PASSWORD}, timeout=10)
            assert answer.status_code == 201, answer.text
            self._tokens[who] = answer.json()["token"]
        return self._tokens[who]

    def get(self, path: str, who: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        answer = httpx2.get(f"{self.url}{path}", headers=headers, timeout=10)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: dict[str, Any], who: str | None = None, timeout: float = 10) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        return httpx2.post(f"{self.url}{path}", json=body, headers=headers, timeout=timeout)

    def at(self, window: int, act: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        return self.post(f"/api/v1/halls/demo/windows/{window}/{act}", body or {}, who=f"clerk{window:02d}")

    def take(self, service: str = "A", **more: Any) -> dict[str, Any]:
        answer = self.post("/api/v1/halls/demo/tickets", {"services": [service], **more}, who="desk01")
        assert answer.status_code == 201, answer.text
        ticket: dict[str, Any] = answer.json()
        return ticket

    def clear(self) -> None:
        """Nobody waits or is served any more: what one test left is no surprise to the next."""
        listed = self.get("/api/v1/halls/demo/tickets?limit=500", who="manager")["items"]
        for ticket in listed:
            if ticket["state"] in ("called", "serving"):
                self.post(f"/api/v1/halls/demo/windows/{ticket['window']}/finish", {}, who="manager")
            elif ticket["state"] in ("waiting", "held", "missed"):
                self.post(f"/api/v1/tickets/{ticket['key']}/cancel", {}, who="manager")

    def until(self, true: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait for something to be so; what it gave, or a failure that says what never came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = true()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"waited {seconds} s in vain for {what}\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    @property
    def made(self) -> Path:
        """What the demo's machines made: strips, papers, sentences."""
        return self.home / "demo"

    def printer(self, fault: str, name: str = "dispenser-1") -> None:
        """A fault on a simulated printer's control port; "ok" heals."""
        self.machine("paper", name, fault)

    def machine(self, peer: str, name: str, act: str) -> None:
        """A fault on, or a hand at, one of the demo's simulated machines: `peer` is paper, cards, network or hands."""
        control = tomllib.loads((self.home / "agents" / "peers.toml").read_text())[peer]["control"]
        host, _, port = control.rpartition(":")
        with socket.create_connection((host, int(port)), 5) as line:
            line.sendall(f"{name} {act}\n".encode())
            assert line.makefile().readline().startswith("ok")

    def child(self, needle: str) -> int:
        """The pid of the hall's process whose command line has this in it."""
        assert self.process is not None
        for pid in below(self.process.pid):
            try:
                if needle in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode():
                    return pid
            except OSError:
                continue
        raise AssertionError(f"no process of the hall has {needle!r} in its command line")

    def papers(self) -> list[dict[str, Any]]:
        """Every paper of every printer, oldest first, with the folder it lies in."""
        found = []
        for record in (self.made / "paper").glob("*/paper.jsonl"):
            found += [{**json.loads(line), "folder": record.parent} for line in record.read_text("utf-8").splitlines()]
        return sorted(found, key=lambda paper: str(paper["at"]))

    def said(self) -> list[dict[str, Any]]:
        """Every sentence of every speaker, with the folder its sound lies in."""
        found = []
        for record in (self.made / "voice").glob("*/said.jsonl"):
            found += [{**json.loads(line), "folder": record.parent} for line in record.read_text("utf-8").splitlines()]
        return sorted(found, key=lambda said: str(said["at"]))


def below(pid: int) -> list[int]:
    """All processes started by this one, directly or not."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
        except OSError:
            continue
    found, todo = [], [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


@pytest.fixture(scope="session")
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """One hall for all tests of this folder; its directory is kept when one of them fails."""
    home = Path(tempfile.mkdtemp(prefix="hall-house-"))
    opened = House(home, with_room())
    try:
        opened.start()
        yield opened
    finally:
        if opened.process is not None and opened.process.poll() is None:
            opened.stop()
        if request.session.testsfailed:
            print(f"the hall's files and log are in {home}")
        else:
            shutil.rmtree(home)


@pytest.fixture(autouse=True)
def cleared(house: House) -> None:
    """Every test begins with empty queues."""
    house.clear()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = browser_here()
    assert path, "Chromium is not installed"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitors:
    """Browsers in the hall, one context each, as one person is one browser."""

    def __init__(self, chromium: Browser, house: House):
        self.chromium, self.house = chromium, house
        self.contexts: list[BrowserContext] = []
        self.pages: dict[str, Page] = {}
        self.complaints: list[str] = []

    def at(self, path: str, who: str = "", *, size: tuple[int, int] = (1366, 768), name: str = "") -> Page:
        """A page of the hall, signed in at the demo's front door as `who` ("kiosk" is the kiosk, "" nobody)."""
        context = self.chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{path}: {error}"))
        page.on("console", lambda said: self.complaints.append(f"{path}: {said.text}") if said.type == "error" else None)
        if who:
            page.goto(self.house.url)
            csrf = page.locator("input[name=csrf]").first.input_value()
            entered = context.request.post(
                f"{self.house.url}/signin/demo", form={"csrf": csrf, "who": who, "next": path}, max_redirects=0,
                headers={"Origin": self.house.url},
            )  # fmt: skip
            assert entered.status == 303, f"{entered.status} {entered.text()[:500]}"
        page.goto(f"{self.house.url}{path}")
        self.pages[name or path] = page
        return page


@pytest.fixture
def visitors(chromium: Browser, house: House, request: pytest.FixtureRequest) -> Iterator[Visitors]:
    """Browsers for one test; when it fails, a picture of each page is kept in HALL_SCREENSHOTS or the data directory."""
    here = Visitors(chromium, house)
    failed_before = request.session.testsfailed
    yield here
    if request.session.testsfailed > failed_before:
        folder = Path(os.environ.get("HALL_SCREENSHOTS") or house.home / "screenshots")
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in here.pages.items():
            page.screenshot(path=folder / f"{request.node.name}-{name.strip('/').replace('/', '_') or 'home'}.png")
        print(f"pictures of the failure are in {folder}")
    for context in here.contexts:
        context.close()
