"""The queue as the desk sees it."""

import pytest

from queueing import tickets
from queueing.db import Db, Press
from queueing.halls import Hall
from tests.queueing.acts import TakesTickets


@pytest.fixture
def take(db: Db, hall: Hall) -> TakesTickets:
    async def at_the_desk(*services: str, press: Press | None = None) -> tickets.Act:
        return await tickets.take(db, hall, services, actor="desk:a", channel="desk", press=press)

    return at_the_desk
