"""Every finished ticket leaves one visit, written by the act that finished it."""

from datetime import timedelta
from typing import Any

from floor.boot.migrate import migrations
from floor.database import Connection
from queueing.calls import Seat, arrive, call_next, finish, hold, resume_held, transfer
from queueing.halls import Hall
from queueing.tickets import take
from queueing.visits import visit_of
from queueing.windows import open_window
from tests.queueing.acts import press

SEAT = Seat("1", "clerk:li", "li")
KEPT = "SELECT mode, number, service, zone, window_no, clerk, clerks, matters FROM visits ORDER BY id"


async def finished(db: Connection, hall: Hall, *services: str, **more: Any) -> int:
    """The id of a ticket that was called to window 1 and finished there, all its steps."""
    ticket = (await take(db, hall, services or ["A"], actor="desk:w", channel="desk", **more)).ticket
    await call_next(db, hall, SEAT)
    for step in range(len(services or "A")):
        await finish(db, hall, SEAT, press=press(ticket.id * 8 + step))
    return ticket.id


async def test_finish_keeps_one_visit_with_who_and_where(db: Connection, hall: Hall) -> None:
    await open_window(db, hall, "1", "li", actor="clerk:li")
    ticket = await finished(db, hall, "A", "B", matters=["A-1"])
    await finish(db, hall, SEAT, press=press(ticket * 8 + 1))  # the same press: nothing more
    booked = await db.fetchval("SELECT hall_now()")
    await finished(db, hall, booked_for=booked)
    assert [dict(row) for row in await db.fetch(KEPT)] == [
        {"mode": mode, "number": number, "service": service, "zone": "A", "window_no": "1", "clerk": "li", "clerks": ["li"],
         "matters": matters}
        for mode, number, service, matters in (("window", "A001", "B", ["A-1"]), ("booked", "A002", "A", []))
    ]  # fmt: skip
    visit = await visit_of(db, hall, "ticket", ticket)
    assert visit is not None and visit.rateable_until - visit.ended_at == timedelta(days=hall.rating_days)


async def test_all_who_served_stand_in_the_visit_who_ended_it_first(db: Connection, hall: Hall) -> None:
    other = Seat("2", "clerk:wang", "wang")
    for seat in (SEAT, other):
        await open_window(db, hall, seat.window, str(seat.clerk), actor=seat.actor)
    await take(db, hall, ["A"], actor="desk:w", channel="desk")
    await call_next(db, hall, SEAT)
    await transfer(db, hall, SEAT, to_window="2")  # called and sent on: li has not served
    for seat, to in ((other, "1"), (SEAT, "2"), (other, "1"), (SEAT, "2")):
        await call_next(db, hall, seat)
        await arrive(db, hall, seat)
        await transfer(db, hall, seat, to_window=to)
    await call_next(db, hall, other)
    await arrive(db, hall, other)
    await hold(db, hall, other, "with_papers")
    await resume_held(db, hall, SEAT, "A001")
    await finish(db, hall, SEAT)
    assert [tuple(row) for row in await db.fetch("SELECT clerk, clerks FROM visits")] == [("li", ["li", "wang"])]


async def test_what_was_finished_before_visits_were_kept_has_one_after_the_migration(db: Connection, hall: Hall) -> None:
    await open_window(db, hall, "1", "li", actor="clerk:li")
    await finished(db, hall)
    (wanted,) = [dict(row) for row in await db.fetch(KEPT)]
    await db.execute("DROP TABLE visits CASCADE")
    await db.execute(next(each.sql for each in migrations() if each.name == "0017_visits.sql"))
    assert [dict(row) for row in await db.fetch(KEPT)] == [wanted]
