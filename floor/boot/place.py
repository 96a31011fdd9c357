"""The data directory as a place: one hall lives in it at a time, and others learn there how to reach it."""

import errno
import fcntl
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from floor.boot.program import CannotStart
from floor.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """How to reach the hall that runs on a data directory."""

    pid: int
    database_url: str
    redis_url: str
    origin: str  # of its pages, as reached from this machine
    sockets: str  # the directory of its servers' sockets, to be removed with it


@contextmanager
def occupied(data_dir: Path) -> Iterator[None]:
    """Hold the data directory; CannotStart when a hall already runs on it. The system lets go of it however we end."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as reason:
            if reason.errno != errno.EWOULDBLOCK:
                raise
            lock.seek(0)
            raise CannotStart(
                f"a hall is already running on {data_dir} (process {lock.read().strip() or 'unknown'}). "
                "Stop it, or name another folder with HALL_DATA_DIR."
            ) from reason
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def is_occupied(data_dir: Path) -> bool:
    try:
        with occupied(data_dir):
            return False
    except CannotStart:
        return True


@contextmanager
def socket_directory(data_dir: Path) -> Iterator[Path]:
    """A closed directory with a short path: a socket's address holds 107 bytes. One left by a crash is removed."""
    left = running(data_dir)
    if left is not None:
        shutil.rmtree(left.sockets, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix="hall-", dir="/tmp"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        (data_dir / "running.json").unlink(missing_ok=True)


def announce(settings: Settings, sockets: Path) -> None:
    """Write how to reach this hall, for its owner's eyes."""
    assert settings.database_url and settings.redis_url
    here = Running(os.getpid(), settings.database_url, settings.redis_url, local_origin(settings), str(sockets))
    half = settings.data_dir / "running.json.part"
    half.touch(mode=0o600)
    half.write_text(json.dumps(asdict(here)))
    half.replace(settings.data_dir / "running.json")


def running(data_dir: Path) -> Running | None:
    """What the hall on this directory wrote, whether it still runs or not."""
    try:
        return Running(**json.loads((data_dir / "running.json").read_text()))
    except FileNotFoundError:
        return None


def local_origin(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def require_free(host: str, port: int, setting: str) -> None:
    """CannotStart when something else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        try:
            probe.bind((host, port))
        except OSError as reason:
            if reason.errno == errno.EADDRINUSE:
                raise CannotStart(f"port {port} is taken by another program; choose another with {setting}.") from reason
            raise CannotStart(f"cannot listen on {host} port {port}: {reason.strerror}.") from reason
