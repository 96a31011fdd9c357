"""The agent with a power cut built in: it ends by SIGKILL at the step that HALL_TEST_CUT names. Only tests start it."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from devices.agent import __main__ as program
from devices.agent.dispenser import Dispenser
from devices.agent.ledger import Page
from devices.agent.numbers import Numbers
from devices.client import Link
from devices.drivers.escpos_printer import EscposPrinter

STEPS: dict[str, tuple[type, str, str]] = {
    "accepted, not begun": (Page, "begin", "before"),
    "begun, nothing printed": (Page, "begin", "after"),
    "printed, not confirmed": (EscposPrinter, "_confirm", "before"),
    "confirmed, not written": (Page, "end", "before"),
    "written, not told": (Page, "end", "after"),
    "asked, no number yet": (Numbers, "issue", "before"),
    "number written, no paper begun": (Numbers, "issue", "after"),
    "paper out, not settled": (Dispenser, "printed", "before"),
    "settled, not brought home": (Numbers, "settle", "after"),
    "brought home, not written": (Numbers, "brought", "before"),
}


def cut(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(owner: type, name: str, when: str) -> None:
    """Cuts before or after the method does its work."""
    real: Callable[..., Any] = getattr(owner, name)

    def armed(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            cut()
        result = real(*arguments, **named)
        cut()
        return result

    setattr(owner, name, armed)


def arm_answer() -> None:
    """Cuts when the hall's answer to a report arrives: told, and the answer lost."""
    real = Link._heard_report

    def armed(self: Link, re: int) -> None:
        report = self._line.reported.get(re)
        if report is not None and report.state == "done":
            cut()
        real(self, re)

    Link._heard_report = armed  # type: ignore[method-assign]


if __name__ == "__main__":
    step = os.environ["HALL_TEST_CUT"]
    if step == "told, not acknowledged":
        arm_answer()
    else:
        arm(*STEPS[step])
    sys.exit(program.main(sys.argv[1:]))
