"""What the agent remembers across power cuts."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.agent.ledger import Identity, Ledger
from devices.client import Report
from devices.drivers import Ending, Job

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def job(n: int) -> Job:
    return Job(f"jb_{n}", "print", f"ticket:tk_{n}:1", NOW, {})


def test_what_was_begun_and_how_it_ended_outlives_the_program(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.sqlite")
    page = first.page("dv_1")
    page.begin(job(1), NOW)
    page.begin(job(2), NOW)
    page.end(job(1), Ending("done", detail={"paper": "ok"}), NOW)
    page.end(job(3), Ending("expired", "too_late"), NOW)
    first.close()
    again = Ledger(tmp_path / "ledger.sqlite").page("dv_1")
    assert again.begun() == ["jb_2"]
    assert [again.last_report(f"jb_{n}") for n in (1, 2, 3, 4)] == [
        Report("jb_1", "done", NOW, {"paper": "ok"}),
        Report("jb_2", "started", NOW),
        Report("jb_3", "expired", NOW, None, "too_late"),
        None,
    ]


def test_what_was_interrupted_becomes_uncertain_once(tmp_path: Path) -> None:
    page = Ledger(tmp_path / "ledger.sqlite").page("dv_1")
    page.begin(job(1), NOW)
    assert [page.settle_interrupted(NOW), page.settle_interrupted(NOW)] == [["jb_1"], []]
    assert page.last_report("jb_1") == Report("jb_1", "uncertain", NOW, None, "interrupted")


def test_devices_do_not_read_each_others_pages(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.page("dv_1").begin(job(1), NOW)
    assert (ledger.page("dv_2").begun(), ledger.page("dv_2").last_report("jb_1")) == ([], None)


def test_old_endings_are_cleared_away(tmp_path: Path) -> None:
    page = Ledger(tmp_path / "ledger.sqlite").page("dv_1")
    page.end(job(1), Ending("done"), NOW - timedelta(days=8))
    page.settle_interrupted(NOW)
    assert page.last_report("jb_1") is None


def test_a_rotated_secret_is_tried_first_until_the_hall_has_taken_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.keep_identity("d1", "dv_1", "old", "ws://hall", "CODE")
    ledger.keep_next_secret("d1", "new")
    assert ledger.identity("d1") == Identity("dv_1", ("new", "old"), "ws://hall")
    ledger.settle_secret("d1", "new")
    assert ledger.identity("d1") == Identity("dv_1", ("new",), "ws://hall")


def test_a_used_code_is_remembered_after_the_identity_is_forgotten(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.keep_identity("d1", "dv_1", "secret", "ws://hall", "CODE")
    ledger.forget_identity("d1")
    assert (ledger.identity("d1"), ledger.code_used("d1")) == (None, "CODE")


def test_the_disk_has_it_before_anything_is_done_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = Ledger(file)
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    ledger.page("dv_1").begin(job(1), NOW)
    assert sqlite3.connect(file).execute("SELECT job, state FROM jobs").fetchall() == [("jb_1", "started")]
    assert file.stat().st_mode & 0o777 == 0o600
