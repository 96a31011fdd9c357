"""Windows over HTTP."""

from starlette.applications import Starlette

from floor.database import Connection
from tests.floor.conftest import Client, SignsIn
from tests.floor.pages.staff import look, staff
from tests.floor.visits import HALL, at, finished, opened, said, take


async def test_a_visit_goes_from_next_to_finish(desk: Client, clerk: Client) -> None:
    await take(desk)
    opening = (await at(clerk, "1", "open")).json()
    assert (opening["state"], opening["clerk"], opening["services"]) == ("open", "clerk01", ["A", "B"])
    called = (await at(clerk, "1", "next")).json()
    assert (called["ticket"]["number"], called["ticket"]["window"], called["call"]["attempt"]) == ("A001", "1", 1)
    assert (await at(clerk, "1", "arrive")).json()["state"] == "serving"
    done = (await at(clerk, "1", "finish", {"outcome": "accepted"})).json()
    assert (done["state"], done["window"]) == ("finished", "1")


async def test_a_recall_is_a_new_call_of_the_same_ticket(desk: Client, clerk: Client) -> None:
    await take(desk)
    await opened(clerk)
    first = (await at(clerk, "1", "next")).json()
    again = (await at(clerk, "1", "recall")).json()
    assert again["ticket"]["number"] == first["ticket"]["number"]
    assert (again["call"]["attempt"], again["call"]["id"] == first["call"]["id"]) == (2, False)


async def test_nobody_waiting_is_204_and_a_busy_window_names_its_ticket(desk: Client, clerk: Client) -> None:
    assert said(await at(clerk, "1", "next")) == (409, "window_not_open")
    await opened(clerk)
    assert ((await at(clerk, "1", "next")).status_code, (await at(clerk, "1", "next")).content) == (204, b"")
    await take(desk)
    await at(clerk, "1", "next")
    busy = await at(clerk, "1", "next")
    assert (said(busy), busy.json()["ticket"]) == ((409, "window_busy"), "A001")


async def test_next_can_finish_the_ticket_at_hand_first(desk: Client, clerk: Client) -> None:
    first = await take(desk)
    await take(desk)
    await opened(clerk)
    await at(clerk, "1", "next")
    assert (await at(clerk, "1", "next", {"finish_current": True})).json()["ticket"]["number"] == "A002"
    assert (await desk.get(f"/api/v1/tickets/{first['key']}")).json()["state"] == "finished"


async def test_a_number_is_called_out_of_turn(desk: Client, clerk: Client) -> None:
    await take(desk)
    await take(desk)
    await opened(clerk)
    assert (await at(clerk, "1", "call", {"number": "A002"})).json()["ticket"]["number"] == "A002"
    await at(clerk, "1", "finish")
    assert said(await at(clerk, "1", "call", {"number": "A002"})) == (409, "not_in_that_state")
    assert said(await at(clerk, "1", "call", {"number": "A999"})) == (404, "not_found")


async def test_a_ticket_is_held_taken_back_and_sent_on(desk: Client, clerk: Client) -> None:
    await take(desk)
    await opened(clerk)
    await at(clerk, "1", "next")
    assert (await at(clerk, "1", "hold", {"kind": "with_papers", "note": "复印"})).json()["state"] == "held"
    assert (await at(clerk, "1", "resume-held", {"number": "A001"})).json()["state"] == "serving"
    sent = (await at(clerk, "1", "transfer", {"to_service": "B", "position": "front"})).json()
    assert (sent["state"], sent["number"], sent["window"]) == ("waiting", "A001", None)
    assert said(await at(clerk, "1", "transfer", {})) == (422, "bad_input")


async def test_a_no_show_before_the_minimum_call_time_is_too_early(desk: Client, clerk: Client, db: Connection) -> None:
    await db.execute("UPDATE halls SET min_call_s = 30")
    await take(desk)
    await opened(clerk)
    await at(clerk, "1", "next")
    early = await at(clerk, "1", "no-show")
    assert (said(early), early.json()["seconds"] in (29, 30)) == ((409, "too_early"), True)


async def test_acts_need_the_seat_and_a_clerk_has_one(clerk: Client, sign_in: SignsIn) -> None:
    other = await sign_in("clerk02")
    await opened(clerk)
    assert said(await at(other, "1", "open")) == (409, "window_taken")
    assert said(await at(other, "1", "next")) == (403, "not_allowed")
    assert said(await at(clerk, "2", "open")) == (409, "not_in_that_state")
    assert said(await at(clerk, "99", "open")) == (404, "not_found")


async def test_leader_and_manager_act_without_a_seat_and_the_desk_does_not(
    desk: Client, manager: Client, sign_in: SignsIn
) -> None:
    leader = await sign_in("leader01")
    seated = await at(manager, "1", "open", {"clerk": "clerk02"})
    assert (seated.status_code, seated.json()["clerk"]) == (200, "clerk02")
    assert said(await at(manager, "2", "open", {"clerk": "nobody"})) == (422, "bad_input")
    assert said(await at(manager, "2", "open", {"clerk": "desk01"})) == (422, "bad_input")
    await take(desk)
    assert (await at(leader, "1", "next")).status_code == 200
    assert said(await at(desk, "1", "recall")) == (403, "not_allowed")


async def test_a_leader_acts_in_the_own_zone_only(db: Connection, hall_id: int, sign_in: SignsIn) -> None:
    leader = await sign_in("leader01")
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall_id)
    await db.execute("UPDATE windows SET zone = 'B' WHERE no = '2'")
    assert (await at(leader, "1", "open")).status_code == 200
    assert said(await at(leader, "2", "next")) == (403, "not_allowed")


async def test_a_window_pauses_and_closes(desk: Client, clerk: Client) -> None:
    await opened(clerk)
    assert (await at(clerk, "1", "pause", {"reason": "交接"})).json()["reason"] == "交接"
    assert said(await at(clerk, "1", "next")) == (409, "window_not_open")
    assert (await at(clerk, "1", "resume")).json()["state"] == "open"
    await take(desk)
    await at(clerk, "1", "next")
    assert said(await at(clerk, "1", "close")) == (409, "window_busy")
    await at(clerk, "1", "finish")
    assert (await at(clerk, "1", "close")).json()["state"] == "closed"


async def test_while_people_of_a_shut_door_wait_only_a_leader_closes_with_a_reason(
    desk: Client, clerk: Client, manager: Client, db: Connection
) -> None:
    await opened(clerk)
    await take(desk)
    await db.execute("UPDATE doors SET opens = opens - interval '2 days', last_ticket = now() - interval '1 second'")
    waiting = await at(clerk, "1", "close")
    assert (said(waiting), waiting.json()["count"]) == ((409, "still_waiting"), 1)
    assert said(await at(clerk, "1", "close", {"override": True, "reason": "停电"})) == (403, "not_allowed")
    assert said(await at(manager, "1", "close", {"override": True})) == (422, "bad_input")
    assert (await at(manager, "1", "close", {"override": True, "reason": "停电"})).json()["state"] == "closed"


async def test_the_evaluator_is_asked_again_about_the_last_visit(desk: Client, clerk: Client) -> None:
    await opened(clerk)
    assert said(await at(clerk, "1", "open-rating")) == (409, "not_in_that_state")
    await finished(desk, clerk)
    assert (await at(clerk, "1", "open-rating")).json()["number"] == "A001"


async def test_the_hall_at_a_glance_shows_what_is_open_and_called(desk: Client, clerk: Client, anyone: Client) -> None:
    await take(desk)
    await take(desk)
    await opened(clerk)
    await at(clerk, "1", "next")
    hall = (await anyone.get(HALL, headers={"Accept-Language": "en"})).json()
    assert (hall["code"], hall["today"]["status"], hall["zones"]) == ("demo", "open", [{"code": "A", "name": "A区"}])
    assert [(s["code"], s["name"], s["status"], s["waiting"]) for s in hall["services"]] == [
        ("A", "Social insurance", "open", 1), ("B", "Property registration", "open", 0),
    ]  # fmt: skip
    assert [(w["no"], w["state"], w["ticket"]) for w in hall["windows"]] == [("1", "called", "A001"), ("2", "closed", None)]
    assert hall["rules"] == {"calls_before_missed": 3, "min_call_s": 0, "return_after": 3}
    assert "clerk01" not in str(hall)


async def test_every_act_at_a_closed_window_is_told_that_it_is_not_open(clerk: Client, manager: Client) -> None:
    acts = ("next", "recall", "arrive", "finish", "no-show", "pause", "resume", "close")
    told = [said(await at(who, "1", act, {})) for who in (clerk, manager) for act in acts]
    assert told == [(409, "window_not_open")] * len(told)
    more: tuple[tuple[str, object], ...] = (
        ("call", {"number": "A001"}), ("hold", {"kind": "waiting"}), ("transfer", {"to_service": "B"}), ("open-rating", None),
    )  # fmt: skip
    assert [said(await at(clerk, "1", act, body)) for act, body in more] == [(409, "window_not_open")] * len(more)


async def test_every_act_of_a_leader_ends_at_the_own_zone(
    app: Starlette, desk: Client, manager: Client, db: Connection, hall_id: int, sign_in: SignsIn
) -> None:
    """What a leader may do in zone A is refused in zone B: windows and tickets, by interface and by page."""
    leader = await sign_in("leader01")
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall_id)
    await db.execute("UPDATE windows SET zone = 'B' WHERE no = '2'")
    await db.execute("UPDATE services SET zone = 'B' WHERE code = 'B'")
    await at(manager, "2", "open", {"clerk": "clerk02"})
    acts = {
        "open": {"clerk": "clerk01", "reason": "缺人"}, "pause": {}, "resume": {}, "close": {"override": True, "reason": "停电"},
        "next": {}, "call": {"number": "B001"}, "recall": {}, "arrive": {}, "finish": {}, "no-show": {},
        "hold": {"kind": "waiting"}, "resume-held": {"number": "B001"}, "transfer": {"to_service": "A"}, "open-rating": {},
    }  # fmt: skip
    assert {act: said(await at(leader, "2", act, body)) for act, body in acts.items()} == dict.fromkeys(
        acts, (403, "not_allowed")
    )
    there, here = [(await take(desk, code))["key"] for code in ("B", "A")]
    for act in ("restore", "release", "cancel"):
        body = {"position": "front"} if act == "restore" else {}
        assert said(await leader.post(f"/api/v1/tickets/{there}/{act}", json=body)) == (403, "not_allowed")
    assert (await leader.post(f"/api/v1/tickets/{here}/cancel", json={})).status_code == 200
    browser = await staff(app, "leader01")
    token = next(form.fields["csrf"] for form in (await look(browser, "/demo/calendar")).every if "csrf" in form.fields)
    for path in ("/demo/manage/2/open", "/demo/manage/2/close", "/demo/console/2/next"):
        answer = await browser.post(path, data={"csrf": token, "clerk": "clerk01", "reason": "缺人"})
        assert (path, answer.status_code) == (path, 403)
