"""Any gateway that takes a message by one HTTP request: what goes where is a template, and so is what counts as taken.

Gaps in the address, the headers and the body: {phone} {text} {id} {secret} {template} {lang}, and those of the message
(`{ticket}`, `{window}` …) for gateways that keep the wording themselves. Each is escaped for where it stands.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import msgspec

from displays.ways import Message, NotTaken

GAP = re.compile(r"\{([a-z_]+)\}")
TOOK_BEFORE = 409  # a gateway that knows the id has the message already


class Setting(msgspec.Struct, forbid_unknown_fields=True):
    """`success` is a pattern that the answer's body has to hold besides a 2xx status; none: the status is enough."""

    url: str
    method: Literal["POST", "PUT", "GET"] = "POST"
    headers: dict[str, str] = {}
    body: str = '{"id": "{id}", "phone": "{phone}", "text": "{text}"}'
    body_type: Literal["json", "form", "text"] = "json"
    success: str | None = None
    timeout_s: float = 10.0


TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded", "text": "text/plain; charset=utf-8"}
ESCAPES: dict[str, Callable[[str], str]] = {
    "json": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "form": lambda value: quote(value, safe=""),
    "text": lambda value: value,
}


class Gateway:
    """One gateway. A request is a connection of its own: notices are few, and none hangs on an old one."""

    def __init__(self, setting: Setting, secret: str) -> None:
        parts = urlsplit(setting.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url looks like https://sms.example.cn/send")
        self.setting, self.secret = setting, secret
        self.success = re.compile(setting.success) if setting.success else None

    async def send(self, message: Message) -> None:
        """NotTaken with the status, `timeout`, `unreachable` or `refused` (a 2xx whose body says no)."""
        import httpx2  # only where a gateway is set up

        told = self.told(message)
        try:
            async with httpx2.AsyncClient(timeout=self.setting.timeout_s, follow_redirects=False) as client:
                answer = await client.request(**told)
        except httpx2.TimeoutException as error:
            raise NotTaken("timeout") from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise NotTaken("unreachable") from error
        if answer.status_code == TOOK_BEFORE:
            return
        if not answer.is_success:
            raise NotTaken(f"http {answer.status_code}")
        if self.success and not self.success.search(answer.text):
            raise NotTaken("refused")

    def told(self, message: Message) -> dict[str, Any]:
        """The request of a message."""
        setting = self.setting
        values = {name: str(value) for name, value in message.gaps.items()} | {
            "phone": message.address, "to": message.address, "text": message.text, "id": message.id, "secret": self.secret,
            "template": message.template, "lang": message.lang,
        }  # fmt: skip
        headers = {"Content-Type": TYPES[setting.body_type], "Idempotency-Key": "{id}"} | setting.headers
        told: dict[str, Any] = {
            "method": setting.method,
            "url": filled(setting.url, values, ESCAPES["form"]),
            "headers": {name: filled(value, values, one_line) for name, value in headers.items()},
        }
        if setting.method != "GET":
            told["content"] = filled(setting.body, values, ESCAPES[setting.body_type]).encode()
        return told


def filled(template: str, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
    """A gap without a value stays as it stands: it belongs to the body's own language."""
    return GAP.sub(lambda gap: escape(values[gap[1]]) if gap[1] in values else gap[0], template)


def one_line(value: str) -> str:
    """A header's value can't end the header."""
    return "".join(char if char.isprintable() else " " for char in value).encode("ascii", "replace").decode()


def make(setting: Mapping[str, Any], secret: str) -> Gateway:
    """ValueError, msgspec.ValidationError."""
    try:
        return Gateway(msgspec.convert(setting, Setting), secret)
    except re.error as error:
        raise ValueError(f"success is no pattern: {error}") from error
