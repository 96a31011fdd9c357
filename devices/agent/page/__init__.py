"""The page a kiosk's browser opens on its own computer: the hall's kiosk while the hall answers, else its own take page.

It listens on this computer only. Another site's script that reaches it by a name of its own (DNS rebinding) is refused by
`Host`, one that posts across sites by `Origin`, and no act is done without the token of a page that we drew.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

import structlog

from devices.agent.config import AgentConfig, DeviceConfig
from devices.agent.dispenser import AWAY, Dispenser
from devices.agent.numbers import Held
from devices.agent.page.http import Answer, Request, in_json, serve

log = structlog.get_logger()

HERE = Path(__file__).parent
LANGS = ("zh-Hans", "zh-Hant", "en")
WORDS: dict[str, dict[str, str]] = json.loads((HERE / "words.json").read_text("utf-8"))
FILES = {"/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8"}
PROBE_S, PROBE_WAIT_S = 2.0, 2.0
PROBES = 2  # unanswered in a row, and the hall's own page gives no numbers
TOKENS = 32  # pages drawn lately; a kiosk has one
READY = ("ok", "paper_low", "unknown")


class Box(Protocol):
    """The device behind the page."""

    config: DeviceConfig
    agent: AgentConfig
    dispenser: Dispenser | None

    def printer_state(self) -> str: ...


class Page:
    """One dispenser's page at `place`, HOST:PORT."""

    def __init__(self, box: Box, place: str) -> None:
        self.box, self.place = box, place
        self.answers = False  # the hall's web, when it was asked last
        self._missed = 0
        self._tokens: OrderedDict[str, float] = OrderedDict()

    @property
    def origin(self) -> str:
        return f"http://{self.place}"

    # ---- the hall's own page

    def kiosk(self) -> str | None:
        """Where the hall's kiosk page is; None until the hall has said so."""
        if self.box.config.kiosk:
            return self.box.config.kiosk
        known = self.box.dispenser.numbers.known().get("kiosk") if self.box.dispenser else None
        return urljoin(f"{self.box.agent.server}/", str(known)) if known else None

    def way(self) -> str | None:
        """The hall's kiosk page with the way back to us."""
        kiosk = self.kiosk()
        return f"{kiosk}{'&' if '?' in kiosk else '?'}{urlencode({'agent': self.origin})}" if kiosk else None

    async def probe(self) -> None:
        """Ask the hall's web again and again whether it lives; two silences mean that it gives no numbers."""
        while True:
            self.answers = await asyncio.to_thread(_alive, f"{self.box.agent.server}/healthz")
            self._missed = 0 if self.answers else self._missed + 1
            if self.box.dispenser is not None and (self.answers or self._missed >= PROBES):
                self.box.dispenser.page_failed(not self.answers)
            await asyncio.sleep(PROBE_S)

    # ---- requests

    async def act(self, request: Request) -> Answer:
        refused = self._refused(request)
        if refused is not None:
            return refused
        match request.method, request.path:
            case "GET", "/":
                return self._draw()
            case "GET", "/page.css" | "/page.js":
                return Answer(200, (HERE / request.path[1:]).read_bytes(), FILES[request.path])
            case "GET", "/state":
                return in_json(self.state())
            case "POST", "/take":
                return self._take(_fields(request))
            case "POST", "/failed":
                return self._note_failure()
        return Answer(404, b"There is nothing here.\n")

    def _refused(self, request: Request) -> Answer | None:
        if request.headers.get("host") != self.place:
            return Answer(403, b"Another name than this computer's own.\n")
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and request.path != "/":
            return Answer(403, b"Only for our own page.\n")
        if request.method == "GET":
            return None
        if request.method != "POST" or request.headers.get("origin") != self.origin:
            return Answer(403, b"Only for our own page.\n")
        if request.headers.get("content-type") != "application/json":
            return Answer(415, b"JSON only.\n")
        if request.headers.get("x-page-token", "") not in self._tokens:
            return Answer(403, b"Open the page anew.\n")
        return None

    def _draw(self) -> Answer:
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic()
        while len(self._tokens) > TOKENS:
            self._tokens.popitem(last=False)
        kiosk = self.kiosk()
        hall = " " + "://".join(urlsplit(kiosk)[:2]) if kiosk else ""
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; "
            f"connect-src 'self'{hall}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        text = (HERE / "page.html").read_text("utf-8").replace("{token}", token)
        text = text.replace("{words}", json.dumps(WORDS, ensure_ascii=False).replace("<", "\\u003c"))
        return Answer(200, text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy})

    def state(self) -> dict[str, Any]:
        """What the page is to show."""
        dispenser = self.box.dispenser
        if dispenser is None:
            return {"show": "unpaired", "hall": ""}
        dispenser.look()
        known = dispenser.numbers.known()
        hall = {"hall": str(known.get("hall", ""))}
        if dispenser.mode not in AWAY:
            way = self.way() if self.answers else None
            return {"show": "hall", "go": way, **hall}
        if self.box.printer_state() not in READY:
            return {"show": "paper", **hall}
        services = [_card(held) for held in dispenser.services()]
        return {"show": "take" if services else "desk", "services": services, **hall}

    def _take(self, asked: Mapping[str, Any]) -> Answer:
        service, lang, press = (str(asked.get(name, "")) for name in ("service", "lang", "press"))
        dispenser = self.box.dispenser
        if dispenser is None or lang not in LANGS or not 8 <= len(press) <= 64:
            return Answer(400, b"Not like this.\n")
        if self.box.printer_state() not in READY:
            return in_json({"refused": "paper"}, 409)
        given = dispenser.take(service, lang, press)
        if given is None:
            return in_json({"refused": "desk"}, 409)
        return in_json({"ticket": given.printed, "service": given.data.get("service_name"), "where": given.data.get("where")})

    def _note_failure(self) -> Answer:
        if self.box.dispenser is not None:
            self.answers = False
            self.box.dispenser.page_failed(True)
        return in_json({})


def _card(held: Held) -> dict[str, Any]:
    return {"service": held.service, "prefix": held.data.get("prefix", held.service), "names": held.data.get("names", {})}


def _fields(request: Request) -> Mapping[str, Any]:
    try:
        asked = json.loads(request.body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _alive(url: str) -> bool:
    """Whether the hall's web answers, whatever it says below 500."""
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(url, timeout=PROBE_WAIT_S) as answer:
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


@asynccontextmanager
async def serve_page(box: Box, place: str) -> AsyncIterator[Page]:
    """The page for as long as the device lives. OSError when the port is taken."""
    page = Page(box, place)
    host, _, port = place.rpartition(":")
    server = await serve(host, int(port), page.act)
    probing = asyncio.create_task(page.probe())
    log.debug("page open", place=place)
    try:
        yield page
    finally:
        probing.cancel()
        server.close()
