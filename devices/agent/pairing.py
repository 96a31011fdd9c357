"""How a box becomes a device of the hall: it shows the code from the fleet page once and gets a secret of its own."""

from __future__ import annotations

import asyncio
import json
import random
import urllib.error
import urllib.request
from typing import Any

import structlog

from devices.agent import VERSION
from devices.agent.config import AgentConfig, BadConfig, DeviceConfig, read_code
from devices.agent.ledger import Identity, Ledger
from devices.backoff import Backoff

log = structlog.get_logger()

ANSWER_S = 5.0
LOOK_AGAIN_S = 5.0  # between two looks for a fresh code in the file


class Refused(Exception):
    """The hall answered, and not with a pairing. `status` is the HTTP one, `retry_s` its Retry-After."""

    def __init__(self, status: int, retry_s: float | None) -> None:
        super().__init__(f"refused with {status}")
        self.status, self.retry_s = status, retry_s


async def pair(config: AgentConfig, device: DeviceConfig, ledger: Ledger) -> Identity:
    """Tries until the hall takes a code, however long that is; the code is read from the file before each try."""
    backoff, told = Backoff(), None
    while True:
        code = _unused_code(config, device, ledger)
        if code is None:
            wait_s, why = LOOK_AGAIN_S, "not paired, a fresh code is needed in the settings file"
        else:
            try:
                return await _use(code, config, device, ledger)
            except Refused as refused:
                wait_s = refused.retry_s or LOOK_AGAIN_S
                why = "the code is not valid (any more)" if refused.status == 404 else str(refused)
            except OSError as error:  # urllib's URLError is one
                wait_s, why = min(backoff.step(), LOOK_AGAIN_S), f"the hall cannot be reached: {error}"
        if why != told:
            log.info("pairing waits", device=device.name, why=why)
            told = why
        await asyncio.sleep(wait_s + random.uniform(0, 0.5))


def _unused_code(config: AgentConfig, device: DeviceConfig, ledger: Ledger) -> str | None:
    try:
        code = read_code(config.file, device.name)
    except BadConfig as error:
        log.warning("settings unreadable", error=str(error))  # somebody may be writing it just now
        return None
    return code if code and code != ledger.code_used(device.name) else None


async def _use(code: str, config: AgentConfig, device: DeviceConfig, ledger: Ledger) -> Identity:
    body = {"code": code, "model": device.model, "agent": VERSION}
    answer = await asyncio.to_thread(_post, f"{config.server}/devices/pair", body)
    ledger.keep_identity(device.name, answer["device_id"], answer["secret"], answer["link"], code)
    log.debug("paired", device=device.name, id=answer["device_id"])
    return Identity(answer["device_id"], (answer["secret"],), answer["link"])


def _post(url: str, body: dict[str, str]) -> dict[str, Any]:
    """The JSON answer of a 201. Refused for another status, OSError for none."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url} is no web address")
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        after = error.headers.get("Retry-After", "")
        raise Refused(error.code, float(after) if after.isdigit() else None) from error
