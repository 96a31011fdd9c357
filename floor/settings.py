"""What the person who runs the hall may set, read once from the environment and then fixed."""

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit


class SettingsError(Exception):
    """{name} cannot be {value!r}: {why}."""

    def __init__(self, name: str, value: str, why: str) -> None:
        super().__init__(f"{name} cannot be {value!r}: {why}.")


@dataclass(frozen=True, slots=True)
class Centre:
    """Where a small hall's figures go: `origin` without a path, the centre's hall, and the site this hall is there."""

    origin: str
    hall: str
    site: str
    key: str

    @property
    def address(self) -> str:
        return f"{self.origin}/api/v1/halls/{self.hall}/sites/{self.site}/figures"


@dataclass(frozen=True, slots=True)
class Settings:
    """The hall's settings. Two empty addresses mean: the servers that come with the hall."""

    database_url: str | None
    redis_url: str | None
    data_dir: Path
    host: str
    port: int
    link_port: int
    public_url: str | None  # as people type it, without a path; None: as the request says
    link_url: str | None  # ws:// or wss://, without a path; None: the request's host at link_port
    secret: bytes  # at least 32 bytes: keys of CSRF tokens and of hashed ID numbers
    former_secrets: tuple[bytes, ...]  # those it had before, which still open what was sealed with them
    demo: bool
    demo_open: Literal["always", "hours"]
    demo_password: str | None
    log: Literal["json", "text"]
    takes_per_device: int  # a minute
    takes_per_address: int  # a minute, of those who have not signed in
    notice_secrets: Mapping[str, str]  # of the ways notices leave by, where the database has none; by kind
    plain_http: bool  # the hall's own network may be without TLS
    map_tiles: Path | None = None  # pictures under maps, {zoom}/{column}/{row}.png; None: maps are drawn without
    centre: Centre | None = None  # where a small hall's figures go

    def origin(self, host_header: str) -> str:
        """The origin pages are served from, as browsers send it: "http://192.168.1.5:8000"."""
        return self.public_url or f"http://{host_header}"

    def link_address(self, host_header: str) -> str:
        """Where pages and devices find the link, without a path: "ws://192.168.1.5:8001"."""
        if self.link_url:
            return self.link_url
        address = urlsplit(self.public_url or "http:")
        host = address.hostname or host_of(host_header) or "localhost"
        scheme = "ws" if address.scheme == "http" else "wss"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.link_port}"

    def using(self, database_url: str, redis_url: str) -> "Settings":
        """The same settings with the addresses of servers that have been started."""
        return replace(self, database_url=database_url, redis_url=redis_url)


def host_of(host_header: str) -> str:
    """The name in a Host header, without port and brackets; empty for one that cannot be read."""
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def load(env: Mapping[str, str] = os.environ) -> Settings:
    """Read HALL_* from `env`; SettingsError names the one that is wrong."""
    data_dir = Path(env.get("HALL_DATA_DIR") or Path.home() / ".local" / "share" / "hall").expanduser().absolute()
    if env.get("HALL_CLOCK") and not flag(env, "HALL_DEMO", False):
        raise SettingsError("HALL_CLOCK", env["HALL_CLOCK"], "only a demo hall is rehearsed; a real hall keeps the real time")
    public_url = address(env, "HALL_PUBLIC_URL", ("http", "https"))
    plain_http = flag(env, "HALL_PLAIN_HTTP", False)
    beyond = plain_http or (public_url or "").startswith("https://")
    own_port = port(env, "HALL_PORT", 8000)
    link_port = port(env, "HALL_LINK_PORT", own_port + 1)
    if link_port == own_port:
        raise SettingsError("HALL_LINK_PORT", str(link_port), "the pages have that port")
    return Settings(
        database_url=env.get("HALL_DATABASE_URL") or None,
        redis_url=redis(env),
        data_dir=data_dir,
        host=host(env, beyond),
        port=own_port,
        link_port=link_port,
        public_url=public_url,
        link_url=address(env, "HALL_LINK_URL", ("ws", "wss")),
        secret=secret(env, data_dir),
        former_secrets=former_secrets(env),
        demo=flag(env, "HALL_DEMO", False),
        demo_open="hours" if choice(env, "HALL_DEMO_OPEN", ("always", "hours")) == "hours" else "always",
        demo_password=env.get("HALL_DEMO_PASSWORD") or None,
        log="json" if choice(env, "HALL_LOG", ("text", "json")) == "json" else "text",
        takes_per_device=count(env, "HALL_TAKES_PER_DEVICE", 60),
        takes_per_address=count(env, "HALL_TAKES_PER_ADDRESS", 30),
        notice_secrets={
            kind: env[f"HALL_NOTICE_SECRET_{kind.upper()}"]
            for kind in ("phone", "mail")
            if env.get(f"HALL_NOTICE_SECRET_{kind.upper()}")
        },
        plain_http=plain_http,
        map_tiles=folder(env, "HALL_MAP_TILES"),
        centre=centre(env),
    )


def centre(env: Mapping[str, str]) -> Centre | None:
    """HALL_CENTRE with the key of the site; None for a hall that has no centre, or brings its figures by file alone."""
    value, key = env.get("HALL_CENTRE"), env.get("HALL_CENTRE_KEY")
    if not value:
        return None
    parts = urlsplit(value)
    places = parts.path.strip("/").split("/")
    if parts.scheme not in ("http", "https") or not parts.hostname or len(places) != 2 or not all(places):
        raise SettingsError("HALL_CENTRE", value, "it looks like https://centre.example.cn/hall/site")
    if not key:
        raise SettingsError("HALL_CENTRE", value, "HALL_CENTRE_KEY has the key of the site, which the centre gives")
    return Centre(f"{parts.scheme}://{parts.netloc}", places[0], places[1], key)


def host(env: Mapping[str, str], beyond: bool) -> str:
    """The address to listen on. Without TLS, or the word that plain http is meant, it is this machine's own."""
    value = env.get("HALL_HOST") or ("0.0.0.0" if beyond else "127.0.0.1")
    if not beyond and value not in ("127.0.0.1", "::1", "localhost"):
        why = "plain http leaves this machine only with HALL_PLAIN_HTTP=1 (or name an https address in HALL_PUBLIC_URL)"
        raise SettingsError("HALL_HOST", value, why)
    return value


def port(env: Mapping[str, str], name: str, usual: int) -> int:
    value = env.get(name) or str(usual)
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65536:
        raise SettingsError(name, value, "a port is a number from 1 to 65535")
    return int(value)


def count(env: Mapping[str, str], name: str, usual: int) -> int:
    value = env.get(name) or str(usual)
    if not value.isascii() or not value.isdigit() or not 0 < int(value) <= 100_000:
        raise SettingsError(name, value, "it is a number from 1 to 100000")
    return int(value)


def flag(env: Mapping[str, str], name: str, usual: bool) -> bool:
    value = env.get(name) or ("1" if usual else "0")
    if value not in ("0", "1"):
        raise SettingsError(name, value, "it is 1 or 0")
    return value == "1"


def folder(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(name)
    if value and not Path(value).expanduser().is_dir():
        raise SettingsError(name, value, "there is no such folder")
    return Path(value).expanduser().absolute() if value else None


def choice(env: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = env.get(name) or known[0]
    if value not in known:
        raise SettingsError(name, value, f"it is one of {', '.join(known)}")
    return value


def address(env: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    value = env.get(name)
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname or parts.path.strip("/"):
        raise SettingsError(name, value, f"it looks like {schemes[0]}://hall.example.cn, without a path")
    return value.rstrip("/")


def redis(env: Mapping[str, str]) -> str | None:
    value = env.get("HALL_REDIS_URL")
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError("HALL_REDIS_URL", value, "it looks like redis://127.0.0.1:6379/0")
    return value or None


def secret(env: Mapping[str, str], data_dir: Path) -> bytes:
    """HALL_SECRET, or one made at the first start and kept in the data directory for its owner alone."""
    given = env.get("HALL_SECRET")
    if given:
        if len(given) < 32:
            raise SettingsError("HALL_SECRET", "•" * len(given), "it needs 32 characters or more")
        return given.encode()
    kept = data_dir / "secret"
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        return kept.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
    return kept.read_bytes()


def former_secrets(env: Mapping[str, str]) -> tuple[bytes, ...]:
    """HALL_SECRET_BEFORE: one secret or several, between commas, newest first."""
    given = [each.strip() for each in env.get("HALL_SECRET_BEFORE", "").split(",") if each.strip()]
    if any(len(each) < 32 for each in given):
        raise SettingsError("HALL_SECRET_BEFORE", "•••", "each of them has 32 characters or more")
    return tuple(each.encode() for each in given)
