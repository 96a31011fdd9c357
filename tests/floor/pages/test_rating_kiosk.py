"""The self-rating corner: a ticket by its paper's code, a question at the desk by its own; once, in time, and by nobody else."""

import re

from starlette.applications import Starlette

from floor.acts.rating_kiosk import code_of_question
from floor.database import Connection
from floor.settings import Settings
from queueing.halls import Hall
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, press, staff
from tests.floor.pages.test_desk_bookings import send
from tests.floor.visits import finished, opened

PLACE = "/demo/rate"


async def test_a_finished_ticket_is_rated_by_the_code_on_its_paper_once(
    desk: Client, clerk: Client, anyone: Client, db: Connection
) -> None:
    await opened(clerk)
    ticket = await finished(desk, clerk)
    page = await look(anyone, PLACE)
    code = f"http://hall.test/t/{ticket['key']}?lang=en"
    found = await send(anyone, page, "find", code=code)
    assert ("A001 办得怎么样" in found.words, ticket["key"] in str(found.answer.url)) == (True, False)
    done = await send(anyone, found, "rate", level="2", reasons="214", comment="等太久")
    assert "谢谢" in done.words
    again = await send(anyone, page, "find", code=ticket["key"])
    assert (again.answer.status_code, "A001 现在不能评价" in again.words) == (409, True)
    twice = await anyone.post(f"{PLACE}/give", data={"code": code, "level": "5", "press": "x"})
    assert twice.status_code == 409
    row = await db.fetchrow("SELECT level, channel, comment, jsonb_path_query_array(reasons, '$[*].code') AS codes FROM ratings")
    assert row is not None and tuple(row) == (2, "kiosk", "等太久", ["214"])


async def test_a_question_at_the_desk_is_a_visit_rated_by_the_code_the_desk_shows(
    app: Starlette, anyone: Client, db: Connection, hall: Hall, settings: Settings
) -> None:
    su = await staff(app, "desk01")
    page = await look(su, "/demo/desk")
    asked = next(name for name in page.forms if "question" in page.forms[name].action)
    shown = await press(su, page, asked, tag="papers")
    assert ("question-code" in shown.by_id, "<svg" in shown.answer.text) == (True, True)
    question = await db.fetchval("SELECT id FROM consultations")
    code = code_of_question(settings.secret, hall, question)
    scanned = await look(anyone, f"{PLACE}/q/{code}")
    await send(anyone, scanned, "rate", level="4")
    row = await db.fetchrow("SELECT v.mode, v.source, r.level, r.clerk FROM visits v JOIN ratings r ON r.visit = v.id")
    assert row is not None and tuple(row) == ("window", "consultation", 4, "desk01")
    kept = await press(su, shown, "undo-question")
    assert await db.fetchval("SELECT count(*) FROM visits") == 1, kept.words
    forged = re.sub(r".$", "0" if code[-1] != "0" else "1", code)
    for wrong in (forged, "Q999-0000000000", "Q٩-0000000000", "nothing"):
        assert (await anyone.post(f"{PLACE}/find", data={"code": wrong})).status_code == 404


async def test_a_question_taken_back_is_no_visit(app: Starlette, db: Connection) -> None:
    su = await staff(app, "desk01")
    page = await look(su, "/demo/desk")
    asked = next(name for name in page.forms if "question" in page.forms[name].action)
    shown = await press(su, page, asked, tag="how")
    assert await db.fetchval("SELECT count(*) FROM visits") == 1
    await press(su, shown, "undo-question")
    assert await db.fetchval("SELECT count(*) FROM visits") == 0
