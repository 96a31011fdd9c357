"""A hall, a printer, and the real agent program between them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.browser import Browser
from tests.devices.agent.hall import Hall, hall_open
from tests.devices.drivers.printers import Papers, printer_running

CODE = "7F3K-9QTM-2W"


@pytest_asyncio.fixture
async def hall() -> AsyncIterator[Hall]:
    async with hall_open() as opened:
        opened.codes[CODE] = "dv_dispenser_1"
        yield opened


@pytest.fixture
def printer(tmp_path: Path) -> Iterator[Papers]:
    with printer_running(tmp_path / "paper") as papers:
        yield papers


@pytest.fixture
def browser(unused_tcp_port: int) -> Browser:
    """The browser of a kiosk, at the port of its agent's page."""
    return Browser(f"127.0.0.1:{unused_tcp_port}")


@pytest_asyncio.fixture
async def agent(hall: Hall, printer: Papers, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent with one dispenser, not yet started."""
    config = tmp_path / "agent.toml"
    dispenser = {"kind": "dispenser", "name": "d1", "code": CODE, "printer": f"tcp://{printer.address}", "timeout_s": 3}
    write_config(config, hall.web, [dispenser | {"poll_s": 0.3}])
    made = Agent(config)
    yield made
    await made.stop()
