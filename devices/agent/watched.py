"""What systemd is told of this program: that it is ready, that it lives, that it stops. Elsewhere nothing listens."""

from __future__ import annotations

import asyncio
import os
import socket
import sys


def tell(state: str) -> None:
    """One line to the service manager that started us, if one did (sd_notify): READY=1, WATCHDOG=1, STOPPING=1."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or sys.platform == "win32":
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect("\0" + address[1:] if address.startswith("@") else address)
        line.send(state.encode())


async def live() -> None:
    """Say twice in each watchdog period that the loop turns, from the loop itself: a program that hangs is started anew."""
    period_s = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    while period_s > 0:
        tell("WATCHDOG=1")
        await asyncio.sleep(period_s / 2)
