"""One hall lives in a data directory, and a port belongs to one program."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from floor.boot.place import Running, announce, is_occupied, occupied, require_free, running, socket_directory
from floor.boot.program import CannotStart
from floor.settings import load


def test_a_second_hall_on_the_same_folder_is_refused_with_the_firsts_process(tmp_path: Path) -> None:
    with occupied(tmp_path):
        with pytest.raises(CannotStart) as refused, occupied(tmp_path):
            pass
        assert is_occupied(tmp_path) is True
    assert str(refused.value) == (
        f"a hall is already running on {tmp_path} (process {os.getpid()}). Stop it, or name another folder with HALL_DATA_DIR."
    )
    assert is_occupied(tmp_path) is False


def test_a_taken_port_is_refused_with_the_setting_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotStart) as refused:
            require_free("127.0.0.1", port, "HALL_PORT")
        with pytest.raises(CannotStart):
            require_free("0.0.0.0", port, "HALL_PORT")
    assert str(refused.value) == f"port {port} is taken by another program; choose another with HALL_PORT."
    require_free("127.0.0.1", port, "HALL_PORT")


def test_a_folder_of_sockets_left_by_a_crash_is_removed_at_the_next_start(tmp_path: Path) -> None:
    settings = load({"HALL_DATA_DIR": str(tmp_path)}).using("postgresql://x", "unix://y")
    left = tmp_path / "left"
    left.mkdir()
    announce(settings, left)
    assert running(tmp_path) == Running(os.getpid(), "postgresql://x", "unix://y", "http://127.0.0.1:8000", str(left))
    assert (tmp_path / "running.json").stat().st_mode & 0o077 == 0
    with socket_directory(tmp_path) as fresh:
        assert not left.exists()
        assert fresh.stat().st_mode & 0o777 == 0o700
        assert len(str(fresh)) < 40
        announce(replace(settings, host="127.0.0.1"), fresh)
    assert not fresh.exists()
    assert running(tmp_path) is None
