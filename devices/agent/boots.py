"""How long this computer has been up, and which start of it this is: what a lease's deadline is measured by."""

from __future__ import annotations

import sys
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from devices import clock

KERNEL = Path("/proc/sys/kernel/random/boot_id")
SESSION = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment: seconds since this start of the computer, and its wall clock, which may jump."""

    boot: str
    up: float
    wall: datetime

    def later(self, seconds: float) -> Instant:
        """The moment so many seconds on, as this start of the computer counts them."""
        return Instant(self.boot, self.up + seconds, self.wall + timedelta(seconds=seconds))


def _boot() -> str:
    """The name of this start. Where the system has none it is this program's own: after a restart nothing is trusted."""
    if KERNEL.exists():
        return KERNEL.read_text("ascii").strip()
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, SESSION) as key:
                return f"windows-{winreg.QueryValueEx(key, 'BootId')[0]}"
        except OSError:  # a server edition doesn't count its starts
            return uuid.uuid4().hex
    return uuid.uuid4().hex


BOOT = _boot()


def uptime() -> float:
    """Seconds since the computer was started, sleep included where the system counts it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


def instant() -> Instant:
    """This moment."""
    return Instant(BOOT, uptime(), clock.now().wall)
