"""Ratings over HTTP."""

from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.quality import ratings, sheets
from queueing import consultations
from queueing.halls import Hall, business_day
from tests.floor.conftest import Client, SignsIn, client_of
from tests.floor.visits import HALL, at, finished, opened, said, take


async def paired(app: Starlette, manager: Client, kind: str, **place: str) -> Client:
    """A machine that has paired: a client with its credentials."""
    made = (await manager.post(f"{HALL}/devices", json={"kind": kind, "name": kind, **place})).json()
    pair = (await manager.post("/devices/pair", json={"code": made["code"], "model": "m", "agent": "1"})).json()
    return client_of(app, authorization=f"Device {pair['device_id']}:{pair['secret']}")


async def test_a_finished_visit_is_rated_once(desk: Client, clerk: Client, anyone: Client) -> None:
    await opened(clerk)
    path = f"/api/v1/tickets/{(await finished(desk, clerk))['key']}/rating"
    rated = await anyone.post(path, json={"level": 2, "reasons": ["213", "214"], "comment": "等了很久"})
    assert (rated.status_code, rated.json()["level"], rated.json()["reasons"]) == (201, 2, ["213", "214"])
    assert said(await anyone.post(path, json={"level": 5})) == (409, "already_rated")


async def test_only_a_finished_visit_is_rated_and_only_for_some_days(
    desk: Client, clerk: Client, anyone: Client, db: Connection
) -> None:
    await opened(clerk)
    path = f"/api/v1/tickets/{(await take(desk))['key']}/rating"
    assert said(await anyone.post(path, json={"level": 5})) == (409, "not_finished")
    await at(clerk, "1", "next")
    await at(clerk, "1", "finish")
    await db.execute("UPDATE visits SET rateable_until = now()")
    assert said(await anyone.post(path, json={"level": 5})) == (409, "too_late")


@pytest.mark.parametrize(
    "body", [{"level": 0}, {"level": 6}, {}, {"level": 5, "reasons": ["108"]}, {"level": 1, "reasons": ["108", "108"]}]
)
async def test_a_level_and_reasons_of_that_level_are_needed(desk: Client, clerk: Client, anyone: Client, body: object) -> None:
    await opened(clerk)
    key = (await finished(desk, clerk))["key"]
    assert said(await anyone.post(f"/api/v1/tickets/{key}/rating", json=body)) == (422, "bad_input")


async def test_the_evaluator_of_the_window_rates_and_no_other(
    app: Starlette, desk: Client, clerk: Client, manager: Client
) -> None:
    await opened(clerk)
    here = await paired(app, manager, "evaluator", window="1")
    elsewhere = await paired(app, manager, "evaluator", window="2")
    path = f"/api/v1/tickets/{(await finished(desk, clerk))['key']}/rating"
    assert said(await elsewhere.post(path, json={"level": 5})) == (403, "not_allowed")
    assert (await here.post(path, json={"level": 5})).json()["channel"] == "evaluator"


async def test_staff_neither_rate_nor_read_single_ratings(desk: Client, clerk: Client, manager: Client, anyone: Client) -> None:
    await opened(clerk)
    key = (await finished(desk, clerk))["key"]
    assert said(await clerk.post(f"/api/v1/tickets/{key}/rating", json={"level": 5})) == (403, "not_allowed")
    await anyone.post(f"/api/v1/tickets/{key}/rating", json={"level": 1})
    assert said(await clerk.get(f"{HALL}/ratings/summary")) == (403, "not_allowed")
    row = (await manager.get(f"{HALL}/journal")).json()["items"][-1]
    assert (row["kind"], row["actor"], row["data"]) == (
        "rating.made", "citizen", {"ticket": "A001", "window": "1", "service": "A"},
    )  # fmt: skip


async def test_the_summary_tells_apart_what_was_answered_and_what_was_not(
    desk: Client, clerk: Client, manager: Client, anyone: Client
) -> None:
    await opened(clerk)
    first = await finished(desk, clerk)
    await finished(desk, clerk)
    await anyone.post(f"/api/v1/tickets/{first['key']}/rating", json={"level": 5, "reasons": ["510"]})
    told = (await manager.get(f"{HALL}/ratings/summary?by=clerk")).json()
    none = dict.fromkeys("12345", 0)
    tally = {
        "served": 2, "active": 1, "default": 0, "unrated": 1, "levels": none | {"5": 1}, "questions": 0, "question_levels": none,
    }  # fmt: skip
    by_mode = (await manager.get(f"{HALL}/ratings/summary?by=mode")).json()
    assert by_mode["items"] == [{"of": "window", **tally}]
    assert (told["by"], told["total"], told["items"]) == ("clerk", {"of": "total", **tally}, [{"of": "clerk01", **tally}])


async def test_a_question_at_the_desk_stands_beside_what_was_served(
    desk: Client, clerk: Client, manager: Client, db: Connection, hall: Hall
) -> None:
    """It is rated by the one rule, and in no figure of visits: not by mode, clerk or window, not in the total."""
    await opened(clerk)
    await finished(desk, clerk)
    asked = [await consultations.count(db, hall, "papers", actor="desk:desk01") for _ in range(2)]
    await ratings.rate(db, hall, "consultation", asked[0], level=2, actor="citizen", channel="phone")
    rows_by = {
        "mode": {"window": (1, 2)}, "clerk": {"clerk01": (1, 0), "desk01": (0, 2)}, "window": {"": (0, 2), "1": (1, 0)},
    }  # fmt: skip
    for by, rows in rows_by.items():
        told = (await manager.get(f"{HALL}/ratings/summary?by={by}")).json()
        assert {row["of"]: (row["served"], row["questions"]) for row in told["items"]} == rows
        total = told["total"]
        assert (total["served"], total["active"], total["unrated"], total["levels"]["2"]) == (1, 0, 1, 0)
        assert (total["questions"], total["question_levels"]["2"]) == (2, 1)
    day = await business_day(db, hall)
    sheet = await sheets.counted(db, hall, "dahe", day, 1, datetime.now(UTC))
    assert ([(mode.mode, mode.served) for mode in sheet.modes], sheet.questions) == ([("window", 1)], 2)
    before = msgspec.structs.replace(sheet, questions=0)
    assert b"questions" in sheets.canonical(sheet) and b"questions" not in sheets.canonical(before)


async def test_a_period_that_ends_before_it_begins_is_bad_input(manager: Client) -> None:
    answer = await manager.get(f"{HALL}/ratings/summary?from=2026-11-02&to=2026-11-01")
    assert (said(answer), answer.json()["errors"][0]["field"]) == ((422, "bad_input"), "from")


async def test_a_leader_reads_the_own_zone(desk: Client, clerk: Client, sign_in: SignsIn, db: Connection, hall_id: int) -> None:
    leader = await sign_in("leader01")
    await opened(clerk)
    await finished(desk, clerk)
    assert (await leader.get(f"{HALL}/ratings/summary")).json()["total"]["served"] == 1
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall_id)
    await db.execute("UPDATE windows SET zone = 'B'")
    assert (await leader.get(f"{HALL}/ratings/summary")).json()["total"]["served"] == 0


async def test_a_rating_stays_as_it_was_given(desk: Client, clerk: Client, anyone: Client, db: Connection) -> None:
    await opened(clerk)
    await anyone.post(f"/api/v1/tickets/{(await finished(desk, clerk))['key']}/rating", json={"level": 1})
    for statement in ("UPDATE ratings SET level = 5", "DELETE FROM ratings"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute(statement)
