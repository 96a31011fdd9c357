"""A program the hall starts: what it is called, how it ends, and that it never outlives the hall."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """One line that says what keeps the hall from opening."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None  # None: the same as ours
    cwd: Path = Path("/")
    stop: signal.Signals = signal.SIGTERM  # asks it to end
    force: signal.Signals = signal.SIGKILL  # when asking was not enough
    orphaned: signal.Signals = signal.SIGKILL  # what the system sends it should the hall's own process be killed
    user: int | None = None  # a uid to run as, when root must not
    log: Path | None = None  # where its lines go instead of to the screen
    whole_group: bool = True  # what it leaves behind when it ends is ended with it

    def start(self, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start it; what it says goes to a file or, as subprocess.PIPE, to us."""
        as_user: dict[str, Any] = {}
        if self.user is not None:
            as_user = {"user": self.user, "group": self.user, "extra_groups": []}
        return subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if self.env is None else dict(self.env),
            cwd=self.cwd,
            start_new_session=True,  # Ctrl-C reaches the hall alone, which then ends each in its turn
            preexec_fn=ends_with_parent(self.orphaned),
            **as_user,
        )


def ends_with_parent(orphaned: signal.Signals) -> Callable[[], None]:
    """For preexec_fn: have the kernel send `orphaned` when the parent is gone, however it went."""
    parent, libc = os.getpid(), ctypes.CDLL(None)

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(orphaned))
        if os.getppid() != parent:  # it went between fork and here
            os._exit(1)

    return arrange


@dataclass(frozen=True, slots=True)
class Server:
    """A server program together with how to know that it answers."""

    program: Program
    ready: Callable[[int], bool]  # given the pid of its process
    url: str
    recover: Callable[[], None] = field(default=lambda: None)  # to be called before it is started again
    why: Callable[[], str] = field(default=lambda: "")  # the last lines it wrote, when it does not start
