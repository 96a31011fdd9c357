"""A member of staff at a page: what it says, and its forms pressed as a browser without scripts would."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import httpx2
from starlette.applications import Starlette

from tests.floor.conftest import PASSWORD, client_of

Client = httpx2.AsyncClient


@dataclass
class Form:
    """One form of a page: where it goes and what it holds before anybody types."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str | None]] = field(default_factory=list)


class Page(HTMLParser):
    """A page as it was answered: its forms by id (or by address), every one of them in order, and all its words."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        self.answer, self.words = answer, ""
        self.forms: dict[str, Form] = {}
        self.every: list[Form] = []
        self.by_id: dict[str, dict[str, str | None]] = {}
        self.open: Form | None = None
        self.feed(answer.text)
        self.words = re.sub(r"\s+", " ", self.words)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        if known.get("id"):
            self.by_id[str(known["id"])] = known
        if tag == "form":
            self.open = Form(known.get("action") or "")
            self.forms[known.get("id") or self.open.action] = self.open
            self.every.append(self.open)
        elif tag == "button" and self.open is not None:
            self.open.buttons.append(known)
        elif tag == "input" and self.open is not None and known.get("type") == "hidden":
            self.open.fields[str(known["name"])] = known.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None

    def handle_data(self, data: str) -> None:
        self.words += " " + unescape(data)

    @property
    def sentence(self) -> str:
        """What the page says of the last act."""
        found = re.search(r'id="sentence"[^>]*>(.*?)</p>', self.answer.text, re.DOTALL)
        return re.sub(r"<[^>]+>|\s+", " ", found.group(1)).strip() if found else ""


async def staff(app: Starlette, username: str, **headers: str) -> Client:
    """A browser in which somebody has signed in by the form."""
    client = client_of(app, **{"accept": "text/html", **headers})
    answer = await client.post("/signin", data={"username": username, "password": PASSWORD, "next": "/"})
    assert answer.status_code == 303, answer.text
    return client


async def look(client: Client, path: str, status: int = 200) -> Page:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return Page(answer)


async def press(client: Client, page: Page, form: str, **typed: str) -> Page:
    """Press a button as its script does, and get the part of the page that it changes."""
    pressed = page.forms[form]
    answer = await client.post(pressed.action, data={**pressed.fields, **typed}, headers={"hx-request": "true"})
    assert answer.status_code == 200, answer.text
    return Page(answer)
