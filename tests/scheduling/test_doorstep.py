"""A visit to somebody's door goes from request to end in order, by a team that can make it; who lives there stays sealed."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import date, datetime

import asyncpg
import pytest

from floor.database import Connection, Pool
from queueing import journal
from queueing.db import Db, Press
from queueing.errors import BadInput, NotInThatState, Refused
from queueing.halls import Hall
from queueing.tickets import by_key as ticket_by_key
from queueing.tickets import new_key, take
from queueing.visits import visit_of
from scheduling import doorstep, field, looks, receipts, resealing
from scheduling.doorstep import Visit, Visitor
from scheduling.envelopes import Details, Envelopes, Unreadable, name_mask, phone_mask
from scheduling.errors import (
    BadTeam,
    DoorUnknown,
    EvidenceMissing,
    MattersUnknown,
    NoSuchTeam,
    NotAtTheDoor,
    NotToday,
    NotYourVisit,
    TeamBusy,
    TeamLacksKit,
    TeamLacksSkill,
    TeamOffDuty,
    TimeIsNear,
    TooManyVisits,
    VisitIs,
)
from scheduling.teams import (
    Area,
    Team,
    areas,
    drop_team,
    kilometres,
    nearest,
    save_team,
    team_of,
)
from tests.scheduling.clocks import at
from tests.scheduling.outings import all_there, on, prepared

NAME, PHONE, ADDRESS = "欧阳明月", "13900001234", "云上镇柳荫路17号2单元301"
ENVELOPES = Envelopes(b"a secret of thirty-two characters")
DAY = date(2027, 3, 2)


@pytest.fixture
async def out(db: Connection, hall: Hall) -> Hall:
    """A hall that goes to people's doors, on a Tuesday morning."""
    await at(db, "2027-03-02 08:00+08")
    await prepared(db, hall)
    return hall


def visitor(key: str, phone: str = PHONE) -> Visitor:
    told = Details(name=NAME, phone=phone, address=ADDRESS, lat=26.601, lon=104.849, materials=("户口簿",), evidence="残疾证")
    return Visitor(ENVELOPES.close(told, key), hashlib.sha256(phone.encode()).digest(), name_mask(NAME), phone_mask(phone))


async def asked(db: Db, hall: Hall, *matters: str, phone: str = PHONE, press: Press | None = None) -> Visit:
    key = new_key()
    done = await doorstep.request(
        db, hall, "mobility", visitor(key, phone), actor="citizen", channel="web", matters=matters or ["CERT"], evidenced=True,
        area="east", preferred=[(on(9), on(12))], key=key, press=press,
    )  # fmt: skip
    return done.visit


async def accepted(db: Db, hall: Hall, *matters: str, phone: str = PHONE) -> Visit:
    return (await doorstep.accept(db, hall, (await asked(db, hall, *matters, phone=phone)).key, actor="desk:desk01")).visit


async def made(
    db: Db, hall: Hall, name: str = "一队", members: tuple[str, str] = ("door01", "clerk01"), *, skills: str = "A",
    kits: str = "photo", day: int = 2, number: int | None = None,
) -> Team:  # fmt: skip
    team = await save_team(
        db, hall, date(2027, 3, day), name, members, skills=skills.split(), kits=kits.split(), starts=on(9, day=day),
        ends=on(17, day=day), start=(26.59, 104.83), lunch=(on(12, day=day), on(13, day=day)), number=number,
        actor="manager:manager",
    )  # fmt: skip
    await all_there(db)
    return team


async def kinds(db: Connection) -> list[str]:
    rows = await db.fetch("SELECT kind FROM journal WHERE kind LIKE 'doorstep.%' OR kind = 'ticket.doorstep' ORDER BY \"offset\"")
    return [row["kind"] for row in rows]


async def test_a_visit_goes_from_a_request_to_its_end(db: Connection, out: Hall) -> None:
    visit = await asked(db, out, "CERT", "CARD")
    assert (visit.state, visit.minutes, visit.kits, visit.skills) == ("requested", 50, ["card", "photo"], ["A"])
    assert (visit.because, visit.credit, visit.area, visit.known) == ("mobility", 1440, "east", True)
    assert visit.preferred == [{"from": on(9), "to": on(12)}]
    team = await made(db, out, kits="card photo")
    await doorstep.accept(db, out, visit.key, actor="desk:desk01")
    planned = (await doorstep.schedule(db, out, visit.key, on(9, 30), team.id, actor="manager:manager")).visit
    assert (planned.day, planned.team, planned.start, planned.ends) == (DAY, team.id, on(9, 30), on(10, 20))
    assert (await doorstep.confirm(db, out, visit.key, actor="citizen")).replayed is False
    assert (await doorstep.confirm(db, out, visit.key, actor="citizen")).replayed is True
    moved = (await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")).visit
    assert (moved.start, moved.confirmed_at) == (on(10), None)
    await doorstep.depart(db, out, visit.key, actor="doorstep:door01", member="door01")
    await doorstep.arrive(db, out, visit.key, actor="doorstep:door01", member="door01")
    ended = await doorstep.complete(db, out, visit.key, "done", actor="doorstep:door01", member="door01", delivery="mail")
    assert (ended.visit.state, ended.visit.outcome, ended.visit.delivery) == ("completed", "done", "mail")
    assert await kinds(db) == [
        "doorstep.team" if n == 1 else f"doorstep.{verb}"
        for n, verb in enumerate(
            ["requested", "", "accepted", "scheduled", "confirmed", "scheduled", "departed", "arrived", "completed"]
        )
    ]
    given = await visit_of(db, out, "doorstep", visit.id)
    assert given is not None and (given.mode, given.clerk, given.service) == ("doorstep", "door01", "A")
    assert [v.key for v in await doorstep.find(db, out, day=DAY, team=team.id, states=["completed"])] == [visit.key]
    assert await doorstep.find(db, out, day=date(2027, 3, 3)) == []


async def test_no_act_comes_out_of_order(db: Connection, out: Hall) -> None:
    visit = await asked(db, out)
    team = await made(db, out)
    with pytest.raises(VisitIs):
        await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    with pytest.raises(NotYourVisit):
        await doorstep.depart(db, out, visit.key, actor="d", member="door01")
    await doorstep.accept(db, out, visit.key, actor="desk:desk01")
    with pytest.raises(VisitIs):
        await doorstep.accept(db, out, visit.key, actor="desk:desk01")
    await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    with pytest.raises(VisitIs):
        await doorstep.arrive(db, out, visit.key, actor="d", member="door01")
    with pytest.raises(NotYourVisit):
        await doorstep.depart(db, out, visit.key, actor="doorstep:door02", member="door02")
    await at(db, "2027-03-01 08:00+08")
    with pytest.raises(NotToday):
        await doorstep.depart(db, out, visit.key, actor="d", member="door01")
    await at(db, "2027-03-02 09:00+08")
    await doorstep.depart(db, out, visit.key, actor="d", member="door01")
    await doorstep.cancel(db, out, visit.key, actor="citizen")
    for act in (doorstep.cancel, doorstep.confirm, doorstep.unschedule, doorstep.accept):
        with pytest.raises(VisitIs):
            await act(db, out, visit.key, actor="desk:desk01")
    with pytest.raises(BadInput):
        await doorstep.complete(db, out, visit.key, "gone", actor="d", member="door01")
    with pytest.raises(asyncpg.CheckViolationError) as broken:
        await db.execute("UPDATE doorstep_visits SET state = 'requested', ended_at = NULL WHERE id = $1", visit.id)
    assert broken.value.constraint_name == "visit_moves_forward"


async def test_a_visit_that_nobody_ended_that_day_is_ended_the_next(db: Connection, out: Hall) -> None:
    visit, team = await accepted(db, out), await made(db, out)
    await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    await field.late(db, out, visit.key, 30, actor="doorstep:door01", member="door01")
    assert (await doorstep.unschedule(db, out, visit.key, actor="manager:manager")).visit.expected_at is None
    await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    await doorstep.depart(db, out, visit.key, actor="doorstep:door01", member="door01")
    await at(db, "2027-03-02 10:00+08")
    await doorstep.arrive(db, out, visit.key, actor="doorstep:door01", member="door01")
    await at(db, "2027-03-03 09:00+08")
    with pytest.raises(NotYourVisit):
        await doorstep.complete(db, out, visit.key, "done", actor="doorstep:door02", member="door02")
    assert await receipts.owed(db, out, "clerk01") == [visit.key]
    ended = await doorstep.complete(db, out, visit.key, "done", actor="manager:manager", member=None)
    assert (ended.visit.state, await visit_of(db, out, "doorstep", visit.id) is not None) == ("completed", True)


async def test_who_asked_is_at_home_at_other_times_and_a_time_that_was_set_is_given_up(db: Connection, out: Hall) -> None:
    visit, team = await asked(db, out), await made(db, out)
    spans = [(on(13, 30, day=3), on(17, day=3))]
    with pytest.raises(BadInput):
        await doorstep.another_time(db, out, visit.key, [], actor="citizen")
    for _ in range(2):
        wished = (await doorstep.another_time(db, out, visit.key, spans, actor="citizen")).visit
        assert (wished.state, wished.preferred) == (visit.state, [{"from": spans[0][0], "to": spans[0][1]}])
        visit = (await doorstep.accept(db, out, visit.key, actor="desk:desk01")).visit if visit.state == "requested" else wished
    await doorstep.schedule(db, out, visit.key, on(12), team.id, actor="manager:manager")
    given_up = (await doorstep.another_time(db, out, visit.key, spans, actor="citizen")).visit
    assert (given_up.state, given_up.day, given_up.team, given_up.start) == ("accepted", None, None, None)
    await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    with pytest.raises(TimeIsNear):  # within two hours of it the hall is to be telephoned
        await doorstep.another_time(db, out, visit.key, spans, actor="citizen")
    by_desk = (await doorstep.another_time(db, out, visit.key, spans, actor="desk:desk01", by_staff=True)).visit
    assert (by_desk.state, by_desk.start) == ("accepted", None)
    await doorstep.cancel(db, out, visit.key, actor="citizen")
    with pytest.raises(VisitIs):
        await doorstep.another_time(db, out, visit.key, spans, actor="citizen")


@pytest.mark.parametrize(
    ("width", "start", "told"),
    [
        (60, (9, 5), ((9, 0), (10, 0))), (60, (9, 50), ((9, 30), (10, 30))), (120, (9, 50), ((9, 0), (11, 0))),
        (30, (10, 0), ((10, 0), (10, 30))), (0, (9, 5), ((9, 5), None)),
    ],
)  # fmt: skip
async def test_a_time_is_told_as_a_stretch(
    out: Hall, width: int, start: tuple[int, int], told: tuple[tuple[int, int], tuple[int, int] | None]
) -> None:
    hall = replace(out, chosen={"doorstep_window_min": width})
    first, last = told
    assert doorstep.told_window(hall, on(*start)) == (on(*first), on(*last) if last else None)


async def test_a_number_is_quoted_as_it_comes_and_nobody_counts_on_to_anothers(db: Connection, out: Hall) -> None:
    visit = await asked(db, out)
    row, check = visit.number.split("-")
    assert row == str(visit.id) and len(check) == 3
    for said in (visit.number, f" {row} {check} ", row + check, f"编号{row}-{check}"):
        found = await doorstep.quoted(db, out, said, PHONE[-4:])
        assert found is not None and found.key == visit.key
    next_one = f"{row}-{(int(check) + 1) % 1000:03}"
    for said, digits in ((next_one, PHONE[-4:]), (visit.number, "9999"), ("9" * 19, PHONE[-4:]), ("", "")):
        assert await doorstep.quoted(db, out, said, digits) is None


async def test_a_visit_is_declined_with_a_reason(db: Connection, out: Hall) -> None:
    for why, told in (("out_of_area", "out_of_area"), ("家属电话里说不用来了", "other")):
        visit = await asked(db, out)
        with pytest.raises(BadInput):
            await doorstep.decline(db, out, visit.key, "  ", actor="desk:desk01")
        assert (await doorstep.decline(db, out, visit.key, why, actor="desk:desk01")).visit.why == why
        entry = (await journal.read(db, out.id, 0))[-1]
        assert (entry.kind, entry.data["reason"]) == ("doorstep.declined", told)


async def test_what_is_missing_is_asked_for_before_a_visit_is_accepted(db: Connection, out: Hall) -> None:
    with pytest.raises(NotAtTheDoor):
        await asked(db, out, "CERT", "HALL")
    with pytest.raises(BadInput):
        await doorstep.request(db, out, "mobility", Visitor(), actor="c", channel="web", matters=["CERT"], because="occupation")
    with pytest.raises(BadInput):
        await doorstep.request(db, out, "mobility", Visitor(), actor="c", channel="web", matters=["CERT"], area="north")
    with pytest.raises(MattersUnknown):
        await doorstep.request(db, out, "mobility", Visitor(), actor="c", channel="web")
    visit = (await doorstep.request(db, out, "occupation", Visitor(), actor="c", channel="desk", matters=["CERT"])).visit
    await db.execute("UPDATE doorstep_reasons SET needs_evidence = true WHERE code = 'occupation'")
    with pytest.raises(EvidenceMissing):
        await doorstep.accept(db, out, visit.key, actor="desk:desk01")
    with pytest.raises(DoorUnknown):
        await doorstep.accept(db, out, visit.key, actor="desk:desk01", evidenced=True)
    taken = await doorstep.accept(
        db, out, visit.key, actor="desk:desk01", evidenced=True, matters=["DEED"], area="west", visitor=visitor(visit.key)
    )
    assert (taken.visit.skills, taken.visit.minutes, taken.visit.kits, taken.visit.area) == (["B"], 40, [], "west")
    assert taken.visit.verified_by == "desk:desk01"


async def test_only_a_team_that_can_make_the_visit_is_sent(db: Connection, out: Hall) -> None:
    visit, other = await accepted(db, out), await accepted(db, out)
    deed, card = await accepted(db, out, "DEED", phone="13900000002"), await accepted(db, out, "CARD", phone="13900000002")
    team = await made(db, out)

    async def sent(which: Visit, start: datetime, number: int = team.id) -> Visit:
        return (await doorstep.schedule(db, out, which.key, start, number, actor="manager:manager")).visit

    for which, start, number, error in (
        (visit, on(10), 0, NoSuchTeam), (deed, on(10), team.id, TeamLacksSkill), (card, on(10), team.id, TeamLacksKit),
        (visit, on(8, 59), team.id, TeamOffDuty), (visit, on(16, 50), team.id, TeamOffDuty),
        (visit, on(10, day=3), team.id, TeamOffDuty),
    ):  # fmt: skip
        with pytest.raises(error):
            await sent(which, start, number)
    await sent(visit, on(10))
    with pytest.raises(TeamBusy):
        await sent(other, on(10, 10))
    await sent(other, on(10, 20))
    async with db.transaction():  # who plans the whole day may swap two visits
        await db.execute("SET CONSTRAINTS team_at_one_door DEFERRED")
        await sent(visit, on(10, 20))
        await sent(other, on(10))
    await doorstep.depart(db, out, other.key, actor="d", member="clerk01")
    with pytest.raises(TeamBusy):
        await doorstep.depart(db, out, visit.key, actor="d", member="door01")
    with pytest.raises(BadTeam, match="visits it has"):
        await made(db, out, kits="", number=team.id)
    back = (await doorstep.unschedule(db, out, visit.key, actor="manager:manager")).visit
    assert (back.state, back.team, back.start, back.day) == ("accepted", None, None, None)


async def test_a_team_is_two_people_with_what_it_says_it_has(db: Connection, out: Hall) -> None:
    first = await made(db, out, kits="card")
    assert await team_of(db, out, DAY, "clerk01") == first and await team_of(db, out, DAY, "clerk02") is None
    for members, kits, skills, why in (
        (("door01", "door01"), "", "A", "two people"), (("door01", "clerk02"), "", "A", "another team"),
        (("door02", "clerk02"), "card", "A", "enough of each kit"), (("door02", "clerk02"), "", "Z", "services of the hall"),
    ):  # fmt: skip
        with pytest.raises(BadTeam, match=why):
            await made(db, out, "二队", members, kits=kits, skills=skills)
    second = await made(db, out, "二队", ("door02", "clerk02"))
    await made(db, out, "一队", kits="card", day=3)
    await db.execute("UPDATE halls SET skills_required = true")
    with pytest.raises(BadTeam, match="its skills"):
        await made(db, out, "二队", ("door02", "clerk02"), number=second.id)
    await db.execute("INSERT INTO skills (hall, clerk, service) VALUES ($1, 'clerk02', 'A')", out.id)
    changed = await made(db, out, "二队", ("door03", "clerk02"), number=second.id)
    assert (changed.id, changed.lead, await team_of(db, out, DAY, "door02")) == (second.id, "door03", None)
    await drop_team(db, out, second.id, actor="manager:manager")
    assert await team_of(db, out, DAY, "clerk02") is None


async def test_a_ticket_becomes_a_visit_once(db: Connection, pool: Pool, out: Hall) -> None:
    ticket = (await take(db, out, ["A", "B"], actor="desk:desk01", channel="desk", matters=["CARD", "HALL"])).ticket

    async def switched() -> Visit | Refused:
        async with pool.acquire() as own:
            try:
                return (
                    await doorstep.request(
                        own, out, "occupation", Visitor(), actor="clerk:c", channel="ticket", ticket=ticket.key
                    )
                ).visit
            except Refused as refused:
                return refused

    results = await asyncio.gather(*(switched() for _ in range(6)))
    (visit,) = [made for made in results if isinstance(made, Visit)]
    assert {type(refused) for refused in results if not isinstance(refused, Visit)} == {NotInThatState}
    assert (visit.ticket, visit.matters, visit.skills) == (ticket.id, ["CARD"], ["A"])
    assert (await ticket_by_key(db, ticket.key)).state == "doorstep"
    assert await kinds(db) == ["ticket.doorstep", "doorstep.requested"]
    plain = (await take(db, out, ["B"], actor="desk:desk01", channel="desk")).ticket
    bare = (await doorstep.request(db, out, "occupation", Visitor(), actor="c", channel="ticket", ticket=plain.key)).visit
    assert (bare.matters, bare.skills, bare.minutes) == ([], ["B"], 30)
    third = (await take(db, out, ["B"], actor="desk:desk01", channel="desk")).ticket
    with pytest.raises(NotAtTheDoor):
        await doorstep.request(db, out, "other", Visitor(), actor="c", channel="ticket", matters=["HALL"], ticket=third.key)
    assert (await ticket_by_key(db, third.key)).state == "waiting"


async def test_a_request_repeated_asks_once_and_a_telephone_not_without_end(db: Connection, out: Hall) -> None:
    press = Press(hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest())
    first = await asked(db, out, press=press)
    assert (await asked(db, out, press=press)).key == first.key
    await asked(db, out)
    await asked(db, out)
    with pytest.raises(TooManyVisits):
        await asked(db, out)
    await asked(db, out, phone="13900000002")
    await at(db, "2027-03-03 08:00+08")
    await asked(db, out)


async def test_an_envelope_is_opened_by_who_goes_there_and_by_the_desk_on_record(db: Connection, out: Hall) -> None:
    visit = await accepted(db, out)
    await made(db, out)
    team = await made(db, out, "二队", ("door02", "clerk02"))

    async def opened(member: str | None, calls: bool = False) -> Details | None:
        return await looks.details(db, out, visit.key, ENVELOPES, actor=f"doorstep:{member}", member=member, calls=calls)

    desk = await opened(None)
    assert desk is not None and (desk.name, desk.phone, desk.address, desk.lat) == (NAME, PHONE, "", None)
    with pytest.raises(NotYourVisit):
        await opened("door01")
    await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    team_sees = await opened("clerk02")
    assert team_sees is not None and (team_sees.phone, team_sees.address, team_sees.lat) == (PHONE, ADDRESS, 26.601)
    for stranger in ("door01", None):
        with pytest.raises(NotYourVisit):
            await opened(stranger)
    caller = await opened(None, calls=True)  # somebody has to tell the time to who gets no message
    assert caller is not None and (caller.phone, caller.address, caller.lat) == (PHONE, "", None)
    seen = [entry for entry in await journal.read(db, out.id, 0) if entry.kind == "doorstep.looked"]
    assert [(entry.actor, entry.data["as"]) for entry in seen] == [
        ("doorstep:None", "desk"), ("doorstep:clerk02", "team"), ("doorstep:None", "desk"),
    ]  # fmt: skip
    (point,) = (await looks.points(db, out, [visit.id], ENVELOPES, actor="manager:manager")).values()
    assert (point.lat, point.lon, point.exact) == (26.601, 104.849, True)
    assert await looks.masks(db, out, [visit.id]) == {visit.id: looks.Masked("欧**", "****1234")}


async def test_keys_rotate_and_an_envelope_is_good_for_one_visit(db: Connection, out: Hall) -> None:
    visit = await asked(db, out)
    newer = Envelopes(b"another secret of thirty-two signs", b"a secret of thirty-two characters")
    assert newer.key_id != ENVELOPES.key_id and (await resealing.reseal(db, out, ENVELOPES)).done == 0
    assert (await resealing.reseal(db, out, newer)).done == 1
    alone = Envelopes(b"another secret of thirty-two signs")
    told = await looks.details(db, out, visit.key, alone, actor="desk:desk01", member=None)
    assert told is not None and told.materials == ("户口簿",)
    with pytest.raises(Unreadable):
        await looks.details(db, out, visit.key, ENVELOPES, actor="desk:desk01", member=None)
    with pytest.raises(Unreadable):
        ENVELOPES.open(ENVELOPES.close(told, "one"), "other")


async def test_who_was_visited_is_forgotten_in_time_with_a_row_of_proof(db: Connection, out: Hall) -> None:
    gone, kept = await asked(db, out), await asked(db, out)
    await doorstep.cancel(db, out, gone.key, actor="citizen")
    assert await looks.forget_visitors(db, out) == 0
    await at(db, "2027-04-02 08:00+08")
    assert (await looks.forget_visitors(db, out), await looks.forget_visitors(db, out)) == (1, 0)
    assert [v.known for v in await doorstep.find(db, out)] == [False, True]
    assert await looks.details(db, out, gone.key, ENVELOPES, actor="desk:desk01", member=None) is None
    assert await looks.masks(db, out, [gone.id]) == {gone.id: looks.Masked(None, None)}
    assert await db.fetchval("SELECT sum(erased) FROM doorstep_erasures") == 1 and kept.known


async def test_what_is_personal_is_in_no_table_but_sealed(db: Connection, out: Hall) -> None:
    visit = await accepted(db, out)
    team = await made(db, out)
    await doorstep.schedule(db, out, visit.key, on(10), team.id, actor="manager:manager")
    for table in ("doorstep_visits", "journal", "presses", "notices", "tickets"):
        text = "".join(row[0] for row in await db.fetch(f"SELECT t::text FROM {table} t"))
        for planted in (NAME, PHONE, ADDRESS, "柳荫路", "104.849", "残疾证", "户口簿"):
            assert planted not in text and planted.encode().hex() not in text, f"{planted} lies open in {table}"


async def test_a_place_belongs_to_the_area_whose_point_is_nearest(db: Connection, out: Hall) -> None:
    known = await areas(db, out)
    assert [nearest(known, *point) for point in ((26.6, 104.9), (26.5, 104.6))] == ["east", "west"]
    assert nearest([], 26.6, 104.9) is None and isinstance(known[0], Area)
    assert kilometres(26.60, 104.85, 26.60, 104.85) == 0
    assert kilometres(26.60, 104.85, 26.58, 104.70) == pytest.approx(15.07, abs=0.05)
