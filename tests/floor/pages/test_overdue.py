"""A visit nobody answers, or whose wished day is over, is marked once, told to who asked, and taken on by somebody by name."""

from dataclasses import replace

import pytest
from starlette.applications import Starlette

from displays import contacts, outbox
from displays.sealed import Seal
from floor import doorstep_words
from floor.database import Connection, Pool
from floor.reminders import tell_overdue
from floor.settings import Settings
from queueing.halls import Hall, get_hall
from scheduling import doorstep, overdue
from scheduling.doorstep import Visit, Visitor
from tests.floor.pages.staff import look, press, staff
from tests.scheduling.clocks import at
from tests.scheduling.outings import on, prepared


@pytest.fixture
async def out(db: Connection, hall: Hall, settings: Settings) -> Hall:
    await prepared(db, hall)
    way = {"url": "http://127.0.0.1:9/", "body": "{text}"}
    await outbox.set_way(db, hall.id, "phone", "http", way, seal=Seal(settings.secret))
    return replace(await get_hall(db, "demo"), always_open=False)


async def asked(db: Connection, hall: Hall, settings: Settings, *wishes: int) -> Visit:
    """Somebody who is at home on these days of March, nine to twelve."""
    spans = [(on(9, day=day), on(12, day=day)) for day in wishes]
    visit = (
        await doorstep.request(db, hall, "mobility", Visitor(), actor="citizen", channel="web", matters=["CERT"], preferred=spans)
    ).visit
    assert await contacts.keep(
        db, hall.id, doorstep_words.subject(visit.key), f"139000000{visit.id:02}", seal=Seal(settings.secret), lang="en"
    )
    return visit


async def test_a_request_without_an_answer_and_a_wish_that_passed_are_marked_told_and_taken_on(
    app: Starlette, db: Connection, pool: Pool, settings: Settings, out: Hall
) -> None:
    calm, slow, missed = [await asked(db, out, settings, *days) for days in ((), (4,), (2,))]
    await at(db, "2027-03-02 12:00+08")
    assert await tell_overdue(db, out) == 1  # the third's day
    await at(db, "2027-03-02 15:59+08")
    assert await tell_overdue(db, out) == 0
    await doorstep.decline(db, out, calm.key, "duplicate", actor="desk:su")
    await at(db, "2027-03-02 16:00+08")
    assert sorted([await tell_overdue(db, out), await tell_overdue(db, out)]) == [0, 2]  # eight hours without a word
    assert [tuple(row) for row in await db.fetch("SELECT subject, template, state::text, data ->> 'code' FROM notices")] == [
        (f"visit:{missed.key}", "visit_waits", "waiting", missed.number)
    ]
    lin = await staff(app, "manager")
    page = await look(lin, "/demo/manage")
    assert page.words.index(f"#{missed.id} 希望的时间已过") < page.words.index(f"#{slow.id} 一直没有答复")
    page = await press(lin, page, f"/demo/manage/overdue/{missed.id}/take")
    assert "姓名manager 在处理" in page.words and f"/demo/manage/overdue/{missed.id}/take" not in page.forms
    assert "希望的时间已过" in (await look(lin, "/demo/dispatch/2027-03-02")).words
    kinds = [row["kind"] for row in await db.fetch("SELECT kind FROM journal WHERE kind LIKE 'doorstep.%' ORDER BY \"offset\"")]
    assert kinds[3:] == [
        "doorstep.overdue", "doorstep.declined", "doorstep.overdue", "doorstep.overdue", "doorstep.taken_on",
    ]  # fmt: skip
    for visit in (slow, missed):  # an answer ends it
        await doorstep.decline(db, out, visit.key, "no_capacity", actor="manager:lin")
    assert "上门申请拖久了" not in (await look(lin, "/demo/manage")).words


async def test_another_wish_ends_the_mark_until_it_has_passed_too(
    app: Starlette, db: Connection, settings: Settings, out: Hall
) -> None:
    visit = await asked(db, out, settings, 2)
    await at(db, "2027-03-02 12:30+08")
    assert await tell_overdue(db, out) == 1
    await overdue.take_on(db, out, visit.id, actor="manager:manager")
    desk = await staff(app, "desk01")
    assert "希望的时间已过，还没排上 · 姓名manager 在处理" in (await look(desk, "/demo/desk/visits")).words
    await doorstep.another_time(db, out, visit.key, [(on(9, day=4), on(12, day=4))], actor="desk:desk01", by_staff=True)
    assert await overdue.standing(db, out) == []
    assert await tell_overdue(db, out) == 0
    await at(db, "2027-03-04 12:30+08")
    assert (await tell_overdue(db, out), await tell_overdue(db, out)) == (2, 0)  # and still no answer
    (late,) = await overdue.standing(db, out)
    assert (late.since, late.taken_by) == (on(12, day=4), None)
    assert await db.fetchval("SELECT count(*) FROM notices WHERE template = 'visit_waits'") == 2
