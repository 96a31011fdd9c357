"""A setting that cannot be is refused in one line that names it."""

import stat
from pathlib import Path

import pytest

from floor.settings import SettingsError, load


def test_without_any_setting_the_hall_opens_on_this_machine(tmp_path: Path) -> None:
    settings = load({"HALL_DATA_DIR": str(tmp_path)})
    assert (settings.database_url, settings.redis_url, settings.host, settings.port, settings.link_port) == (
        None, None, "127.0.0.1", 8000, 8001,
    )  # fmt: skip
    assert (settings.demo, settings.demo_open, settings.demo_password, settings.log) == (False, "always", None, "text")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("HALL_PORT", "eighty", "HALL_PORT cannot be 'eighty': a port is a number from 1 to 65535."),
        ("HALL_PORT", "65536", "HALL_PORT cannot be '65536': a port is a number from 1 to 65535."),
        ("HALL_LINK_PORT", "0", "HALL_LINK_PORT cannot be '0': a port is a number from 1 to 65535."),
        ("HALL_LINK_PORT", "8000", "HALL_LINK_PORT cannot be '8000': the pages have that port."),
        ("HALL_REDIS_URL", "localhost", "HALL_REDIS_URL cannot be 'localhost': it looks like redis://127.0.0.1:6379/0."),
        ("HALL_DEMO", "yes", "HALL_DEMO cannot be 'yes': it is 1 or 0."),
        ("HALL_LOG", "xml", "HALL_LOG cannot be 'xml': it is one of text, json."),
        ("HALL_SECRET", "short", "HALL_SECRET cannot be '•••••': it needs 32 characters or more."),
        ("HALL_PUBLIC_URL", "hall.example.cn",
         "HALL_PUBLIC_URL cannot be 'hall.example.cn': it looks like http://hall.example.cn, without a path."),
        ("HALL_LINK_URL", "wss://hall.example.cn/x",
         "HALL_LINK_URL cannot be 'wss://hall.example.cn/x': it looks like ws://hall.example.cn, without a path."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(tmp_path: Path, name: str, value: str, line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"HALL_DATA_DIR": str(tmp_path), name: value})
    assert str(refused.value) == line


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    env = {"HALL_DATA_DIR": str(tmp_path / "new")}
    first, second = load(env), load(env)
    assert first.secret == second.secret
    assert len(first.secret) == 64
    assert stat.S_IMODE((tmp_path / "new" / "secret").stat().st_mode) == 0o600
    assert load({"HALL_DATA_DIR": str(tmp_path / "other")}).secret != first.secret


@pytest.mark.parametrize(
    ("env", "host", "origin", "link"),
    [
        ({}, "192.168.1.5:8000", "http://192.168.1.5:8000", "ws://192.168.1.5:8001"),
        ({}, "[::1]:8000", "http://[::1]:8000", "ws://[::1]:8001"),
        ({"HALL_PORT": "9000"}, "hall.cn:9000", "http://hall.cn:9000", "ws://hall.cn:9001"),
        ({}, "[bad", "http://[bad", "ws://localhost:8001"),
        ({"HALL_PUBLIC_URL": "https://hall.cn/"}, "10.0.0.1:8000", "https://hall.cn", "wss://hall.cn:8001"),
        (
            {"HALL_PUBLIC_URL": "https://hall.cn", "HALL_LINK_URL": "wss://link.hall.cn"},
            "x",
            "https://hall.cn",
            "wss://link.hall.cn",
        ),
    ],
)
def test_pages_and_link_are_found_where_the_visitor_came_in(
    tmp_path: Path, env: dict[str, str], host: str, origin: str, link: str
) -> None:
    settings = load({"HALL_DATA_DIR": str(tmp_path), **env})
    assert (settings.origin(host), settings.link_address(host)) == (origin, link)


@pytest.mark.parametrize(
    ("env", "listens"),
    [
        ({"HALL_PLAIN_HTTP": "1"}, "0.0.0.0"),
        ({"HALL_PUBLIC_URL": "https://hall.cn"}, "0.0.0.0"),
        ({"HALL_PUBLIC_URL": "https://hall.cn", "HALL_HOST": "10.0.0.1"}, "10.0.0.1"),
        ({"HALL_PUBLIC_URL": "http://hall.cn"}, "127.0.0.1"),
    ],
)
def test_plain_http_leaves_the_machine_only_when_it_is_meant(tmp_path: Path, env: dict[str, str], listens: str) -> None:
    assert load({"HALL_DATA_DIR": str(tmp_path), **env}).host == listens


def test_an_open_address_without_tls_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HALL_PLAIN_HTTP=1"):
        load({"HALL_DATA_DIR": str(tmp_path), "HALL_HOST": "0.0.0.0"})
