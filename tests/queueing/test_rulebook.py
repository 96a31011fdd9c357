"""A manager's changes are all made or none, recorded, and an hour of today can be played again under them."""

from datetime import UTC, datetime, timedelta

import pytest

from queueing import calls, halls, journal, preview, replay, rulebook, tickets, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.errors import BadInput, ChangedMeanwhile
from queueing.halls import Hall
from queueing.preview import Came, Hour, Shift, Trial
from queueing.rulebook import Change
from queueing.settings import INTERLEAVE
from tests.queueing.acts import TakesTickets

LI = Seat("1", "clerk:li", "li")
T0 = datetime(2026, 11, 23, 1, tzinfo=UTC)


async def test_what_was_typed_becomes_changes_and_what_can_not_be_used_is_named(db: Db, hall: Hall) -> None:
    values = await rulebook.read(db, hall)
    typed = {
        "set.interleave": "3", "hall.return_after": "3", "category.veteran.credit_minutes": "-1", "window.1.helps": "B，Q",
        "window.1.short_after": "", "category.elderly.evidence": "age", "service.A.quick": "1", "nobody.knows": "1",
    }  # fmt: skip
    made, wrong = rulebook.changes(values, typed)
    assert made == [
        Change("set.interleave", 0, 3), Change("category.elderly.evidence", "paper", "age"),
        Change("service.A.quick", False, True),
    ]  # fmt: skip
    assert [fault.details["field"] for fault in wrong] == [
        "category.veteran.credit_minutes", "window.1.helps", "category.elderly.from_age",
    ]  # fmt: skip


async def test_changes_are_made_together_and_told_to_the_record(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE windows SET serves = '{A}' WHERE no = '1'")
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    made = [Change("set.interleave", 0, 2), Change("window.1.helps", [], ["B"]), Change("hall.return_after", 3, 5)]
    await rulebook.apply(db, hall, made, actor="manager:z")
    now = await halls.get_hall(db, hall.code)
    assert (now.value(INTERLEAVE), now.return_after, now.ruled) == (2, 5, True)
    ruled, changed = (await journal.read(db, hall.id, 0))[-2:]
    assert (ruled.kind, ruled.data["helping"], changed.kind) == ("window.ruled", ["B"], "rules.changed")
    assert changed.data["changes"][0] == {"name": "set.interleave", "was": 0, "now": 2}


async def test_whoever_is_slower_changes_nothing(db: Db, hall: Hall) -> None:
    await rulebook.apply(db, hall, [Change("hall.return_after", 3, 4)], actor="manager:a")
    with pytest.raises(ChangedMeanwhile):
        await rulebook.apply(db, hall, [Change("set.interleave", 0, 2), Change("hall.return_after", 3, 9)], actor="manager:b")
    assert await db.fetchval("SELECT count(*) FROM settings") == 0
    with pytest.raises(ChangedMeanwhile):
        await rulebook.apply(db, hall, [Change("hall.code", "demo", "x")], actor="manager:b")


async def test_a_fence_on_a_matter_holds_for_those_who_wait_already(db: Db, hall: Hall) -> None:
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    act = await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", matters=["涉密"])
    await rulebook.add(db, hall, "matter", "涉密", "", actor="manager:z")
    await rulebook.apply(db, hall, [Change("matter.涉密.only_windows", [], ["2"])], actor="manager:z")
    assert await calls.call_next(db, hall, LI) == calls.Nobody()
    await rulebook.apply(db, hall, [Change("matter.涉密.only_windows", ["2"], [])], actor="manager:z")
    called = await calls.call_next(db, hall, LI)
    assert isinstance(called, tickets.Act)
    assert called.ticket.number == act.ticket.number
    assert replay.check(await journal.read(db, hall.id, 0)).broken == []


async def test_a_new_category_has_a_code_of_small_letters_once(db: Db, hall: Hall) -> None:
    await rulebook.add(db, hall, "category", "agent", "多件代办", actor="manager:z")
    assert "category.agent.credit_minutes" in await rulebook.read(db, hall)
    for code in ("agent", "Agent", "", "a-b", "老人"):
        with pytest.raises(BadInput):
            await rulebook.add(db, hall, "category", code, "x", actor="manager:z")


async def test_the_worst_overtaking_of_the_day_is_told_in_minutes(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    first = await take("A")
    assert await rulebook.worst_overtaking(db, hall) is None
    await db.execute("UPDATE tickets SET joined_at = joined_at - interval '25 min' WHERE id = $1", first.ticket.id)
    await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", category="veteran", evidence="优待证")
    for _ in range(2):
        await calls.call_next(db, hall, LI, finish_current=True)
    worst = await rulebook.worst_overtaking(db, hall)
    assert worst == rulebook.Overtaking(25, "A002", "A001")


def came(
    n: int, minute: float, category: str | None = None, service: str = "A", stays: float | None = 300, **more: object
) -> Came:
    at = T0 + timedelta(minutes=minute)
    known: dict[str, object] = {"booked_for": None, "short": False, "left_at": None, "called_at": None} | more
    return Came(n, f"{service}{n:03}", service, category, at, stays_s=stays, **known)  # type: ignore[arg-type]


def rules(**other: object) -> Trial:
    usual: dict[str, object] = {
        "credits": {}, "booked_credit": 0, "late": timedelta(minutes=15), "every": 0, "short_every": 1, "quick": frozenset(),
        "helps": {}, "help_after": {"1": 10}, "short_after": {},
    }  # fmt: skip
    return Trial(**(usual | other))  # type: ignore[arg-type]


def hour(*people: Came, services: tuple[str, ...] = ("A",)) -> Hour:
    shift = Shift("1", T0, T0 + timedelta(hours=3), services, ())
    return Hour(T0, T0 + timedelta(hours=1), people, (shift,), {"1": T0 + timedelta(minutes=2)}, {"A": 600.0})


def numbers(played: preview.Played) -> list[tuple[int, str]]:
    return [(call.who.ticket, call.rule) for call in played.calls]


def test_an_hour_is_played_again_and_a_head_start_changes_who_is_next() -> None:
    seen = hour(came(1, 0), came(2, 1), came(3, 2, "veteran"))
    assert numbers(preview.play(seen, rules())) == [(1, "order"), (2, "order"), (3, "order")]
    played = preview.play(seen, rules(credits={"veteran": 30}))
    assert numbers(played) == [(3, "credit"), (1, "order"), (2, "order")]
    assert played.waits[1] == pytest.approx(120 + 300 + preview.GAP_S)  # busy for 2 min, then the veteran's visit


def test_who_gave_up_is_called_only_if_the_rules_are_fast_enough() -> None:
    seen = hour(came(1, 0), came(2, 1, left_at=T0 + timedelta(minutes=5)))
    assert numbers(preview.play(seen, rules())) == [(1, "order")]


def test_a_window_that_helps_takes_others_once_they_waited_long_enough() -> None:
    seen = hour(came(1, 0, service="B", stays=None))
    assert numbers(preview.play(seen, rules())) == []
    played = preview.play(seen, rules(helps={"1": ("B",)}))
    assert numbers(played) == [(1, "help")]
    assert 600 <= played.waits[1] < 630


async def test_the_record_of_an_hour_played_by_its_own_rules_is_the_hour(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    for service in "AABA":
        await take(service)
    for _ in range(4):
        await calls.call_next(db, hall, LI, finish_current=True)
    now = await db.fetchval("SELECT hall_now()")
    day = await halls.business_day(db, hall)
    seen = await preview.hour_of(db, hall, day, now - timedelta(minutes=30), now + timedelta(minutes=30))
    assert [(who.number, who.called_at is not None) for who in seen.came] == [(n, True) for n in ("A001", "A002", "B001", "A003")]
    played = preview.play(seen, preview.trial(await rulebook.read(db, hall), {}))
    assert [call.who.number for call in played.calls] == ["A001", "A002", "B001", "A003"]
    assert (await preview.hour_of(db, hall, day, now - timedelta(hours=2), now - timedelta(hours=1))).came == ()
