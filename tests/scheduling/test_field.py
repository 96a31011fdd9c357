"""At the door: two sign in, the citizen agrees, photos stay sealed and go in time, papers change hands by list and receipt."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from floor.database import Connection
from floor.quality import callbacks, ratings
from floor.refusals import AlreadyRated, AnswerMissing, CallbackIs, NotFinished
from queueing import journal
from queueing.db import Press
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.tickets import new_key
from scheduling import doorstep, field, receipts, resealing, ticks
from scheduling.doorstep import Visit, Visitor
from scheduling.envelopes import Details, Envelopes
from scheduling.errors import (
    AgreedAlready,
    HandedIn,
    HandInIs,
    NoConsent,
    NoPapersTaken,
    NotAtTheDoorNow,
    NotToday,
    NotYourVisit,
    PaperGone,
    ResultIs,
    TeamNotWhole,
    TooManyPapers,
    VisitIs,
)
from scheduling.teams import keep_door_matter, save_team
from tests.scheduling.clocks import at
from tests.scheduling.outings import all_there

NAME, PHONE, ADDRESS = "欧阳明月", "13900001234", "云上镇柳荫路17号2单元301"
ENVELOPES = Envelopes(b"a secret of thirty-two characters")
DAY = date(2027, 3, 2)
DOOR01: dict[str, Any] = {"actor": "doorstep:door01", "member": "door01"}
CLERK01: dict[str, Any] = {"actor": "clerk:clerk01", "member": "clerk01"}
STRANGER: dict[str, Any] = {"actor": "doorstep:door09", "member": "door09"}
DRAWN = ENVELOPES.wrap(b"a name drawn with a finger", "drawn")


def on(hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 3, 2, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def pressed(n: int) -> Press:
    return Press(bytes([n]) * 32, bytes([n]) * 32)


@pytest.fixture
async def planned(db: Connection, hall: Hall) -> Visit:
    """A Tuesday morning; a visit at 9:30 for the team of door01 and clerk01."""
    await at(db, "2027-03-02 08:00+08")
    await db.execute("INSERT INTO matters (hall, code, name, service) VALUES ($1, 'CERT', '养老资格认证', 'A')", hall.id)
    await keep_door_matter(db, hall, "CERT", 20)
    team = await save_team(
        db, hall, DAY, "一队", ("door01", "clerk01"), skills=["A"], kits=[], starts=on(9), ends=on(17), start=(26.59, 104.83),
        lunch=None, number=None, actor="manager:manager",
    )  # fmt: skip
    return await visit_at(db, hall, team.id, on(9, 30))


async def visit_at(db: Connection, hall: Hall, team: int, start: datetime) -> Visit:
    key = new_key()
    visitor = Visitor(ENVELOPES.close(Details(name=NAME, phone=PHONE, address=ADDRESS), key), bytes(32), "欧**", "****1234")
    await doorstep.request(
        db, hall, "mobility", visitor, actor="desk:desk01", channel="desk", matters=["CERT"], evidenced=True,
        verified_by="desk:desk01", key=key,
    )  # fmt: skip
    await doorstep.accept(db, hall, key, actor="desk:desk01")
    return (await doorstep.schedule(db, hall, key, start, team, actor="desk:desk01")).visit


async def there(db: Connection, hall: Hall, visit: Visit) -> Visit:
    await all_there(db)
    await doorstep.depart(db, hall, visit.key, **DOOR01)
    return (await doorstep.arrive(db, hall, visit.key, **DOOR01)).visit


async def agreed(db: Connection, hall: Hall, visit: Visit) -> None:
    await field.agree(db, hall, visit, "drawn", version="1", words="我同意", drawn=DRAWN, **DOOR01)


async def snap(db: Connection, hall: Hall, visit: Visit, paper: str, name: str = "身份证") -> None:
    await field.photograph(db, hall, visit, paper, name, ENVELOPES.wrap(b"photo", f"{visit.key}:{paper}"), 5, **DOOR01)


async def done(db: Connection, hall: Hall, visit: Visit, outcome: str = "accepted") -> Visit:
    visit = await there(db, hall, visit)
    await agreed(db, hall, visit)
    await snap(db, hall, visit, "a" * 32)
    return (await doorstep.complete(db, hall, visit.key, outcome, **DOOR01)).visit


async def kinds(db: Connection, like: str = "doorstep.%") -> list[str]:
    rows = await db.fetch('SELECT kind FROM journal WHERE kind LIKE $1 ORDER BY "offset"', like)
    return [row["kind"].partition(".")[2] for row in rows]


async def test_both_of_a_team_sign_in_once_and_who_was_there_is_kept_with_the_visit(
    db: Connection, hall: Hall, planned: Visit
) -> None:
    assert await field.team_of(db, hall, "nobody") is None
    with pytest.raises(NotYourVisit):
        await field.sign_in(db, hall, "nobody", actor="doorstep:nobody")
    one = await field.sign_in(db, hall, "door01", actor="doorstep:door01", press=pressed(1))
    again = await field.sign_in(db, hall, "door01", actor="doorstep:door01", press=pressed(1))
    assert one and again and (set(one.present), set(again.present), one.whole) == ({"door01"}, {"door01"}, False)
    with pytest.raises(TeamNotWhole):
        await doorstep.depart(db, hall, planned.key, **DOOR01)
    both = await field.sign_in(db, hall, "clerk01", actor="clerk:clerk01")
    assert both and (both.whole, both.members) == (True, ("door01", "clerk01"))
    visit = await there(db, hall, planned)
    assert (await field.at_the_door(db, [visit.id]))[visit.id].present == ["clerk01", "door01"]
    assert await kinds(db, "team.signed_in") == ["signed_in", "signed_in"]


async def test_who_sets_out_is_there_and_the_manager_answers_for_who_is_not(db: Connection, hall: Hall, planned: Visit) -> None:
    await field.sign_in(db, hall, "clerk01", actor="clerk:clerk01")
    await doorstep.depart(db, hall, planned.key, **DOOR01)
    team = await field.team_of(db, hall, "door01")
    assert team is not None and team.whole
    await doorstep.cancel(db, hall, planned.key, actor="citizen")
    await db.execute("DELETE FROM doorstep_presences")
    other = await visit_at(db, hall, team.id, on(11))
    with pytest.raises(TeamNotWhole):
        await doorstep.depart(db, hall, other.key, **CLERK01)
    sent = (await doorstep.depart(db, hall, other.key, actor="manager:manager", member=None)).visit
    assert sent.state == "on_the_way" and await db.fetchval("SELECT count(*) FROM doorstep_presences") == 0


async def test_what_a_phone_kept_over_the_days_end_counts_for_when_it_was_pressed(
    db: Connection, hall: Hall, planned: Visit
) -> None:
    """No net from nine at night; the day has rolled over when the phone finds it again, nine hours and an hour later."""
    await at(db, "2027-03-03 07:00+08")

    def ago(hours: int, minutes: int = 0) -> dict[str, Any]:
        return {"ago": timedelta(hours=hours, minutes=minutes)}

    with pytest.raises(NotToday):
        await doorstep.depart(db, hall, planned.key, **DOOR01)
    await field.sign_in(db, hall, "door01", actor="doorstep:door01", **ago(22))
    await field.sign_in(db, hall, "clerk01", actor="clerk:clerk01", **ago(22))
    await field.late(db, hall, planned.key, 15, **DOOR01, **ago(21, 50))
    await doorstep.depart(db, hall, planned.key, **DOOR01, **ago(21, 40))
    await doorstep.arrive(db, hall, planned.key, **DOOR01, **ago(21))
    await field.agree(db, hall, planned, "ticked", version="1", words="我同意", drawn=None, **DOOR01, **ago(20, 55))
    photo = ENVELOPES.wrap(b"photo", f"{planned.key}:{'a' * 32}")
    await field.photograph(db, hall, planned, "a" * 32, "身份证", photo, 5, **DOOR01, **ago(20, 50))
    visit = (await doorstep.complete(db, hall, planned.key, "accepted", **DOOR01, **ago(20))).visit
    assert (visit.departed_at, visit.arrived_at, visit.ended_at) == (on(9, 20), on(10), on(11))
    given = await db.fetchrow("SELECT day, started_at, ended_at FROM visits")
    assert given is not None and tuple(given) == (DAY, on(10), on(11))


async def test_a_photo_counts_though_the_other_phone_has_told_of_the_end(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await there(db, hall, planned)
    await at(db, "2027-03-02 10:00+08")
    await doorstep.complete(db, hall, visit.key, "accepted", **CLERK01)
    await receipts.offer(db, hall, visit, "desk", 1, **CLERK01)
    early: dict[str, Any] = {"ago": timedelta(minutes=50)}
    late: dict[str, Any] = {"ago": timedelta(minutes=10)}
    paper = ENVELOPES.wrap(b"photo", "x")
    await at(db, "2027-03-02 10:30+08")
    with pytest.raises(VisitIs):
        await field.agree(db, hall, visit, "ticked", version="1", words="我同意", drawn=None, **DOOR01, **late)
    await field.agree(db, hall, visit, "ticked", version="1", words="我同意", drawn=None, **DOOR01, **early)
    await field.photograph(db, hall, visit, "a" * 32, "身份证", paper, 5, **DOOR01, **early)
    await field.photograph(db, hall, visit, "b" * 32, "户口簿", paper, 5, **DOOR01, **early)
    await field.discard(db, hall, visit, "b" * 32, **DOOR01, **early)
    with pytest.raises(NotAtTheDoorNow):
        await field.photograph(db, hall, visit, "c" * 32, "证", paper, 5, **DOOR01, **late)
    (handed,) = await receipts.open_at(db, hall, ["desk"])
    assert handed.papers == ["身份证", "户口簿"]
    await receipts.accept(db, hall, handed.receipt, 1, actor="desk:desk01")
    with pytest.raises(NotAtTheDoorNow):
        await field.photograph(db, hall, visit, "d" * 32, "证", paper, 5, **DOOR01, **early)


async def test_running_late_moves_the_expected_time_not_the_plan(db: Connection, hall: Hall, planned: Visit) -> None:
    with pytest.raises(BadInput):
        await field.late(db, hall, planned.key, 7, **DOOR01)
    with pytest.raises(NotYourVisit):
        await field.late(db, hall, planned.key, 30, **STRANGER)
    said = (await field.late(db, hall, planned.key, 30, **DOOR01)).visit
    assert (said.start, (await field.at_the_door(db, [planned.id]))[planned.id].expected_at) == (on(9, 30), on(10))
    await there(db, hall, planned)
    with pytest.raises(VisitIs):
        await field.late(db, hall, planned.key, 15, **DOOR01)


async def test_no_photo_without_consent_at_the_door(db: Connection, hall: Hall, planned: Visit) -> None:
    with pytest.raises(VisitIs):
        await agreed(db, hall, planned)
    with pytest.raises(NotAtTheDoorNow):
        await snap(db, hall, planned, "a" * 32)
    visit = await there(db, hall, planned)
    with pytest.raises(NoConsent):
        await snap(db, hall, visit, "a" * 32)
    with pytest.raises(NotYourVisit):
        await field.agree(db, hall, visit, "ticked", version="1", words="我同意", drawn=None, **STRANGER)
    with pytest.raises(BadInput):
        await field.agree(db, hall, visit, "drawn", version="1", words="我同意", drawn=None, **DOOR01)
    await field.agree(
        db, hall, visit, "ticked", version="1", words="我同意", drawn=None, ago=timedelta(minutes=5), press=pressed(2), **DOOR01
    )
    await field.agree(db, hall, visit, "ticked", version="1", words="我同意", drawn=None, press=pressed(2), **DOOR01)
    with pytest.raises(AgreedAlready):
        await agreed(db, hall, visit)
    kept = (await field.at_the_door(db, [visit.id]))[visit.id]
    assert (kept.how, kept.agreed_at) == ("ticked", datetime(2027, 3, 2, 7, 55, tzinfo=UTC) - timedelta(hours=8))
    for _ in range(2):  # the phone never heard the first answer
        await snap(db, hall, visit, "a" * 32)
    assert [(paper.id, paper.name) for paper in await field.papers(db, visit.id)] == [("a" * 32, "身份证")]
    await db.execute("INSERT INTO settings (hall, name, value) VALUES ($1, 'doorstep_papers_most', '1')", hall.id)
    with pytest.raises(TooManyPapers):
        await snap(db, hall, visit, "b" * 32)
    await field.discard(db, hall, visit, "a" * 32, **DOOR01)
    await snap(db, hall, visit, "b" * 32)
    await doorstep.complete(db, hall, visit.key, "accepted", **DOOR01)
    for late in (field.discard(db, hall, visit, "b" * 32, **DOOR01), snap(db, hall, visit, "c" * 32)):
        with pytest.raises(NotAtTheDoorNow):
            await late


async def test_a_photo_is_sealed_in_the_database_and_good_for_its_place_alone(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await done(db, hall, planned)
    row = await db.fetchrow("SELECT sealed, key_id FROM doorstep_papers")
    assert row is not None and b"photo" not in row["sealed"]
    sealed, key = await field.look(db, hall, "a" * 32, actor="doorstep:door01", clerk="door01", at_desk=False)
    assert ENVELOPES.unwrap(sealed, f"{key}:{'a' * 32}") == b"photo" and key == visit.key
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("UPDATE doorstep_papers SET sealed = NULL, key_id = NULL")  # without saying when


async def test_the_team_looks_until_the_window_has_the_papers_then_the_window_alone(
    db: Connection, hall: Hall, planned: Visit
) -> None:
    visit = await done(db, hall, planned)
    team, window = ("doorstep:door01", "door01", False), ("clerk:clerk05", "clerk05", False)
    desk, other = ("desk:desk01", "desk01", True), ("clerk:clerk02", "clerk02", False)

    async def may(*who: tuple[str, str, bool]) -> list[bool]:
        seen = []
        for actor, clerk, at_desk in who:
            try:
                await field.look(db, hall, "a" * 32, actor=actor, clerk=clerk, at_desk=at_desk)
                seen.append(True)
            except PaperGone:
                seen.append(False)
        return seen

    await db.execute("UPDATE windows SET state = 'open', clerk = 'clerk05' WHERE no = '1'")
    assert await may(team, window, desk, other) == [True, False, False, False]
    await receipts.offer(db, hall, visit, "1", 2, **DOOR01)
    assert await may(team, window, desk, other) == [True, True, False, False]
    handed = (await receipts.of_visits(db, [visit.id]))[visit.id]
    await receipts.accept(db, hall, handed.receipt, 2, actor="clerk:clerk05")
    assert await may(team, window, desk, other) == [False, True, False, False]
    looked = await db.fetch("SELECT actor, data FROM journal WHERE kind = 'doorstep.photo_looked' ORDER BY \"offset\"")
    assert [row["actor"] for row in looked] == ["doorstep:door01", "doorstep:door01", "clerk:clerk05", "clerk:clerk05"]
    assert looked[0]["data"] == {"visit": visit.id, "paper": "a" * 32}


async def test_papers_go_to_a_window_by_list_and_receipt_and_the_result_comes_back(
    db: Connection, hall: Hall, planned: Visit
) -> None:
    visit = await done(db, hall, planned)
    with pytest.raises(NotYourVisit):
        await receipts.offer(db, hall, visit, "1", 3, **STRANGER)
    with pytest.raises(BadInput):
        await receipts.offer(db, hall, visit, "99", 3, **DOOR01)
    for _ in range(2):
        await receipts.offer(db, hall, visit, "desk", 3, press=pressed(3), **CLERK01)
    with pytest.raises(HandedIn):
        await receipts.offer(db, hall, visit, "desk", 3, **DOOR01)
    (waiting,) = await receipts.open_at(db, hall, ["desk"])
    assert (waiting.papers, waiting.originals, waiting.handed_by, waiting.result) == (["身份证"], 3, "clerk01", None)
    assert await receipts.open_at(db, hall, ["1"]) == []
    desk = "desk:desk01"
    with pytest.raises(ResultIs):
        await receipts.ready(db, hall, waiting.receipt, actor=desk)
    await receipts.accept(db, hall, waiting.receipt, 2, actor=desk)
    with pytest.raises(HandInIs):
        await receipts.accept(db, hall, waiting.receipt, 2, actor=desk)
    with pytest.raises(NotFound):
        await receipts.accept(db, hall, "0" * 6, 2, actor=desk)
    counted = await db.fetchval("SELECT data FROM journal WHERE kind = 'doorstep.papers_accepted'")
    assert (counted["originals"], counted["counted"], counted["result"]) == (3, 2, "in_work")  # one sheet is missing, on record
    await db.execute("UPDATE doorstep_results SET way = 'mail'")
    await receipts.ready(db, hall, waiting.receipt, actor=desk)
    with pytest.raises(ResultIs):
        await receipts.give(db, hall, waiting.receipt, actor=desk)  # mail is sent first
    with pytest.raises(BadInput):
        await receipts.post(db, hall, waiting.receipt, "号码", actor=desk)
    await receipts.post(db, hall, waiting.receipt, " EMS 1234567 CN", actor=desk)
    assert (await receipts.by_receipt(db, hall, waiting.receipt)).tracking == "EMS1234567CN"
    await receipts.give(db, hall, waiting.receipt, actor=desk)
    assert await receipts.open_at(db, hall, None) == []
    told = await kinds(db)
    assert told[-5:] == ["handed_in", "papers_accepted", "result_ready", "result_sent", "result_given"]


async def test_nothing_is_handed_in_where_nothing_was_taken(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await done(db, hall, planned, "done")
    with pytest.raises(NoPapersTaken):
        await receipts.offer(db, hall, visit, "desk", 0, **DOOR01)


async def kept(db: Connection) -> tuple[int, int]:
    papers = await db.fetchval("SELECT count(*) FROM doorstep_papers WHERE sealed IS NOT NULL")
    return papers, await db.fetchval("SELECT count(*) FROM doorstep_consents WHERE sealed IS NOT NULL")


async def test_photos_and_drawn_names_go_some_days_after_the_matter_is_done(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await done(db, hall, planned)
    await receipts.offer(db, hall, visit, "desk", 1, **DOOR01)
    receipt = (await receipts.of_visits(db, [visit.id]))[visit.id].receipt
    await receipts.accept(db, hall, receipt, 1, actor="desk:desk01")
    await at(db, "2027-03-20 08:00+08")
    assert (await field.forget_papers(db, hall), await kept(db)) == (0, (1, 1))  # the window works on it still
    await receipts.ready(db, hall, receipt, actor="desk:desk01")
    await receipts.give(db, hall, receipt, actor="desk:desk01")
    await at(db, "2027-03-26 08:00+08")
    assert await field.forget_papers(db, hall) == 0
    await at(db, "2027-03-28 08:00+08")
    tick = next(tick for tick in ticks.TICKS if tick.rule == "papers.forget")
    assert [await ticks.run(db, tick, hall), await ticks.run(db, tick, hall), await kept(db)] == [2, None, (0, 0)]
    assert await field.forget_papers(db, hall) == 0
    assert await db.fetchval("SELECT count(*) FROM doorstep_papers WHERE erased_at IS NOT NULL AND name = '身份证'") == 1


async def test_nothing_is_kept_for_ever_where_nobody_ended_the_matter(db: Connection, hall: Hall, planned: Visit) -> None:
    await done(db, hall, planned)
    await at(db, "2027-04-30 08:00+08")
    assert await field.forget_papers(db, hall) == 0
    await at(db, "2027-05-02 08:00+08")
    assert (await field.forget_papers(db, hall), await kept(db)) == (2, (0, 0))


async def test_who_takes_the_word_back_is_forgotten_at_once(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await there(db, hall, planned)
    await agreed(db, hall, visit)
    await snap(db, hall, visit, "a" * 32)
    await field.withdraw(db, hall, visit, actor="citizen")
    assert await kept(db) == (0, 0)
    with pytest.raises(NoConsent):
        await snap(db, hall, visit, "b" * 32)
    with pytest.raises(NoConsent):
        await field.withdraw(db, hall, visit, actor="citizen")


async def test_a_doorstep_visit_is_rated_by_the_one_rule(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await there(db, hall, planned)
    given: dict[str, Any] = {"level": 2, "reasons": ["213"], "actor": "citizen", "channel": "team_phone"}
    with pytest.raises(NotFinished):
        await ratings.rate(db, hall, "doorstep", visit.id, **given)
    await doorstep.complete(db, hall, visit.key, "done", **DOOR01)
    await ratings.rate(db, hall, "doorstep", visit.id, press=pressed(9), **given)
    await ratings.rate(db, hall, "doorstep", visit.id, press=pressed(9), **given)
    with pytest.raises(AlreadyRated):
        await ratings.rate(db, hall, "doorstep", visit.id, level=5, actor="citizen", channel="phone")
    shown = "v.mode, v.clerks, v.service, r.level, r.channel"
    row = await db.fetchrow(f"SELECT {shown} FROM ratings r JOIN visits v ON v.id = r.visit")
    assert row is not None
    assert tuple(row) == ("doorstep", ["door01", "clerk01"], "A", 2, "team_phone")


async def test_every_visit_is_called_back_until_who_was_not_satisfied_is_answered(
    db: Connection, hall: Hall, planned: Visit
) -> None:
    visit = await done(db, hall, planned, "done")
    assert [await callbacks.choose(db, hall), await callbacks.choose(db, hall)] == [1, 0]
    (listed,) = await callbacks.listed(db, hall)
    assert (listed.key, listed.state, listed.due, listed.outcome) == (visit.key, "open", date(2027, 3, 5), "done")
    desk = "desk:desk01"
    with pytest.raises(CallbackIs):
        await callbacks.close(db, hall, listed.id, "改好了", actor=desk)
    for _ in range(2):
        await callbacks.rang(db, hall, listed.id, "not_reached", None, actor=desk, press=pressed(4))
    await callbacks.rang(db, hall, listed.id, "unsatisfied", "等得久", actor=desk)
    (listed,) = await callbacks.listed(db, hall)
    assert (listed.state, listed.tries) == ("follow_up", 2)
    with pytest.raises(AnswerMissing):
        await callbacks.close(db, hall, listed.id, "  ", actor=desk)
    await callbacks.close(db, hall, listed.id, "已上门致歉并补办", actor=desk)
    assert await callbacks.listed(db, hall) == []
    assert [(each.state, each.words) for each in await callbacks.closed(db, hall)] == [("closed", "已上门致歉并补办")]
    assert [row["result"] for row in (await callbacks.calls(db, [listed.id]))[listed.id]] == ["not_reached", "unsatisfied"]
    assert await kinds(db, "callback.%") == ["rang", "rang", "closed"]
    assert (await journal.top(db, hall.id)).offset == await db.fetchval("SELECT count(*) FROM journal")


async def test_who_is_never_reached_is_let_go_after_the_halls_tries(db: Connection, hall: Hall, planned: Visit) -> None:
    await done(db, hall, planned, "done")
    await callbacks.choose(db, hall)
    (listed,) = await callbacks.listed(db, hall)
    for _ in range(3):
        await callbacks.rang(db, hall, listed.id, "not_reached", None, actor="desk:desk01")
    assert [each.result for each in await callbacks.closed(db, hall)] == ["not_reached"]


async def test_nobody_at_home_is_no_visit_to_be_rated_or_called_back(db: Connection, hall: Hall, planned: Visit) -> None:
    visit = await there(db, hall, planned)
    await doorstep.complete(db, hall, visit.key, "nobody_home", **DOOR01)
    assert await callbacks.choose(db, hall) == 0
    with pytest.raises(NotFinished):
        await ratings.rate(db, hall, "doorstep", visit.id, level=1, actor="citizen", channel="phone")


async def test_photos_and_drawn_names_are_sealed_anew_after_a_change_of_the_secret(
    db: Connection, hall: Hall, planned: Visit
) -> None:
    visit = await there(db, hall, planned)
    drawn = ENVELOPES.wrap(b"a name drawn with a finger", f"{visit.key}:consent")
    await field.agree(db, hall, visit, "drawn", version="1", words="我同意", drawn=drawn, **DOOR01)
    await snap(db, hall, visit, "a" * 32)
    newer = Envelopes(b"another secret of thirty-two signs", b"a secret of thirty-two characters")
    lost = Envelopes(b"a third secret, thirty-two signs.").wrap(b"photo", "x")
    await db.execute("UPDATE doorstep_visits SET key_id = $1, sealed = $2", lost.key_id, lost.sealed)
    done = [await resealing.reseal(db, hall, newer) for _ in range(2)]
    assert [each.done for each in done] == [2, 0]  # what no key opens is named, and the rest goes on
    assert [dict(each.lost) for each in done] == [{("doorstep_visits", lost.key_id): 1}] * 2
    alone = Envelopes(b"another secret of thirty-two signs")
    sealed, key = await field.look(db, hall, "a" * 32, actor="doorstep:door01", clerk="door01", at_desk=False)
    assert alone.unwrap(sealed, f"{key}:{'a' * 32}") == b"photo"
