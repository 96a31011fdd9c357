"""Which devices this program looks after, read from one TOML file; `example.toml` shows all of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
ABOUT_DEVICE = ("kind", "name", "code", "model", "page", "kiosk", "link")
OWN_PAGE = re.compile(r"(127\.0\.0\.1|localhost):([0-9]{1,5})")


class BadConfig(Exception):
    """The file can't be used; the message says where."""


@dataclass(frozen=True)
class DeviceConfig:
    """One `[[device]]`; `settings` are its driver's own.

    `page` is where a dispenser's kiosk browser opens its page (this computer only), `kiosk` the hall's own kiosk page.
    `link` goes before the agent's.
    """

    kind: str
    name: str
    code: str | None
    model: str
    settings: Mapping[str, Any]
    page: str | None = None
    kiosk: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class AgentConfig:
    """The whole file. `link`, when given, is used in place of the address that pairing answered."""

    file: Path
    server: str
    state: Path
    link: str | None
    devices: tuple[DeviceConfig, ...]


def read_config(file: Path) -> AgentConfig:
    """BadConfig when the file is missing, isn't TOML, or lacks something."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{file}: {error}") from error
    try:
        agent = table["agent"]
        server, state = str(agent["server"]).rstrip("/"), Path(agent["state"])
        devices = tuple(_device(entry) for entry in table["device"])
    except KeyError as error:
        raise BadConfig(f"{file}: {error.args[0]} is missing") from error
    if len({device.name for device in devices}) < len(devices):
        raise BadConfig(f"{file}: two devices have one name")
    return AgentConfig(file, server, state, agent.get("link"), devices)


def read_code(file: Path, name: str) -> str | None:
    """The pairing code that stands in the file now, for a device of this name. BadConfig."""
    return next((device.code for device in read_config(file).devices if device.name == name), None)


def _device(entry: Mapping[str, Any]) -> DeviceConfig:
    name = str(entry["name"])
    if not NAME.fullmatch(name):
        raise BadConfig(f"{name!r}: a device's name is made of letters, digits, - and _")
    settings = {key: value for key, value in entry.items() if key not in ABOUT_DEVICE}
    kind = str(entry["kind"])
    page, kiosk = entry.get("page"), entry.get("kiosk")
    if page is not None and (kind != "dispenser" or not OWN_PAGE.fullmatch(str(page))):
        raise BadConfig(f"{name}: page is 127.0.0.1:PORT, and only of a dispenser")
    if kiosk is not None and not str(kiosk).startswith(("http://", "https://")):
        raise BadConfig(f"{name}: kiosk is the address of the hall's kiosk page")
    return DeviceConfig(kind, name, entry.get("code"), str(entry.get("model", kind)), settings, page, kiosk, entry.get("link"))
