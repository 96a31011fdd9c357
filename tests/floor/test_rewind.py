"""The hall at any minute of today: the same, whether folded from the first row or from the copy of a quarter hour."""

from datetime import UTC, date, datetime, timedelta

from floor.database import Connection
from floor.rewind import Film, Scene, scene_at
from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.halls import Hall
from queueing.journal import Entry

NINE = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def row(offset: int, minute: float, kind: str, of: int | None = None, **data: object) -> Entry:
    return Entry(1, offset, NINE + timedelta(minutes=minute), kind, "clock", None, of, None, dict(data))


DAY = (
    row(1, 0, "window.opened", window="1", state="open", clerk="li", services=["A"]),
    row(2, 1, "ticket.taken", 7, ticket="A001", service="A", state="waiting", window=None),
    row(3, 2, "ticket.taken", 8, ticket="A002", service="A", state="waiting", window=None),
    row(4, 3, "ticket.called", 7, ticket="A001", service="A", state="called", window="1", attempt=1),
    row(5, 4, "ticket.arrived", 7, ticket="A001", service="A", state="serving", window="1"),
    row(6, 5, "window.opened", window="1", state="open", clerk="li", services=["A", "B"]),
    row(7, 20, "ticket.finished", 7, ticket="A001", service="A", state="finished", window="1"),
    row(8, 21, "ticket.called", 8, ticket="A002", service="A", state="called", window="1", attempt=1),
    row(9, 23, "ticket.no_show", 8, ticket="A002", service="A", state="waiting", window=None),
    row(10, 40, "window.paused", window="1", state="paused", clerk="li", services=["A", "B"]),
    row(11, 41, "rating.given", None, level=5),
)


def film() -> Film:
    made = Film(date(2026, 11, 20), "k3", Scene(NINE, 0))
    for entry in DAY:
        made.take(entry)
    return made


def shown(scene: Scene) -> tuple[list[str], str, str | None, int, list[str]]:
    spot = scene.spots["1"]
    return (
        sorted(service for service, _ in scene.waiting.values()),
        spot.state,
        spot.ticket,
        scene.served,
        [c.number for c in scene.calls],
    )


def test_each_moment_is_what_had_happened_by_then() -> None:
    told = {}
    for minute in (0.5, 2.5, 3.5, 4.5, 5.5, 20.5, 21.5, 23.5, 45):
        scene = Scene(NINE, 0)
        for entry in DAY:
            if entry.at <= NINE + timedelta(minutes=minute):
                scene.fold(entry)
        told[minute] = shown(scene)
    assert told == {
        0.5: ([], "open", None, 0, []),
        2.5: (["A", "A"], "open", None, 0, []),
        3.5: (["A"], "called", "A001", 0, ["A001"]),
        4.5: (["A"], "serving", "A001", 0, ["A001"]),
        5.5: (["A"], "serving", "A001", 0, ["A001"]),  # another service for the window changes nothing about its visit
        20.5: (["A"], "open", None, 1, ["A001"]),
        21.5: ([], "called", "A002", 1, ["A002", "A001"]),
        23.5: (["A"], "open", None, 1, ["A002", "A001"]),
        45: (["A"], "paused", None, 1, ["A002", "A001"]),
    }


def test_a_copy_is_kept_of_each_quarter_hour_and_folding_on_leaves_it_alone() -> None:
    made = film()
    assert [(kept.offset, (kept.at - NINE) / timedelta(minutes=1)) for kept in made.kept] == [
        (0, 0), (6, 5), (7, 20), (9, 23), (10, 40),
    ]  # fmt: skip
    early = made.before(NINE + timedelta(minutes=19))
    assert early is not None and early.offset == 6
    for entry in DAY[6:]:
        early.fold(entry)
    assert shown(made.kept[1]) == (["A"], "serving", "A001", 0, ["A001"])
    assert made.before(NINE - timedelta(minutes=1)) is None


async def test_the_record_gives_the_hall_as_it_was_and_as_it_is(db: Connection, hall: Hall) -> None:
    seat = Seat("1", "clerk:li", "li")
    films: dict[int, Film] = {}
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    for _ in range(2):
        await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk")
    before = await db.fetchval("SELECT clock_timestamp()")
    assert await scene_at(db, films, hall, before - timedelta(hours=30)) is None
    await calls.call_next(db, hall, seat)
    await calls.arrive(db, hall, seat)
    await calls.finish(db, hall, seat)
    after = await db.fetchval("SELECT clock_timestamp()")
    then, now = await scene_at(db, films, hall, before), await scene_at(db, films, hall, after)
    assert then is not None and now is not None
    assert (shown(then), shown(now)) == ((["A", "A"], "open", None, 0, []), (["A"], "open", None, 1, ["A001"]))
    again = await scene_at(db, films, hall, before)
    assert again is not None and shown(again) == shown(then)
