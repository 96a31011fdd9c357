"""An effect is owed once per device and key, moves forward only, and a ticket gets its paper."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from devices.errors import AlreadyEnded, NotYours
from devices.jobs import Job, NewJob, expire_due, of_key, open_jobs, owe, prints_of, settle
from devices.registry import revoke
from floor.database import Connection, Pool
from tests.devices.halls import NOON, later, make_paired, make_ticket, set_time


def soon(**by: float) -> datetime:
    return datetime.now(UTC) + timedelta(**(by or {"minutes": 5}))


async def owe_print(db: Connection, hall: int, device: str, ticket: str, expires: datetime | None = None) -> Job:
    data = {"template": "ticket", "ticket_id": ticket, "ticket": "A001"}
    [job] = await owe(db, [NewJob(hall, device, "print", f"ticket:{ticket}:1", expires or soon(), data)])
    return job


async def test_a_cause_owes_one_effect_per_device_however_often_it_is_told(db: Connection, hall_id: int) -> None:
    (one, _), (two, _) = await make_paired(db, hall_id, "speaker"), await make_paired(db, hall_id, "speaker")
    said = [NewJob(hall_id, device.id, "say", "call:cl_k3_1", soon(), {"times": 2}) for device in (one, two)]
    first = await owe(db, said)
    assert [(job.device, job.state, job.attempt, job.data) for job in first] == [
        (one.id, "owed", 0, {"times": 2}), (two.id, "owed", 0, {"times": 2}),
    ]  # fmt: skip
    assert await owe(db, said) == []
    assert await of_key(db, hall_id, "call:cl_k3_1") == first


async def test_two_links_catching_up_at_once_double_nothing(pool: Pool, hall_id: int) -> None:
    async with pool.acquire() as db:
        device, _ = await make_paired(db, hall_id, "speaker")
    said = [NewJob(hall_id, device.id, "say", f"call:cl_k3_{n}", soon(), {}) for n in range(20)]

    async def catch_up() -> int:
        async with pool.acquire() as db:
            return len(await owe(db, said))

    assert sum(await asyncio.gather(*(catch_up() for _ in range(4)))) == 20


async def test_nothing_is_owed_by_a_revoked_device(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id)
    await revoke(db, device.id, actor="engineer")
    assert await owe(db, [NewJob(hall_id, device.id, "say", "call:1", soon(), {})]) == []


async def test_open_jobs_are_the_four_oldest_unfinished_and_each_sending_is_counted(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "speaker")
    jobs = await owe(db, [NewJob(hall_id, device.id, "say", f"call:{n}", soon(), {}) for n in range(6)])
    await settle(db, device.id, jobs[0].id, "done")
    assert [job.id for job in await open_jobs(db, [device.id])] == [job.id for job in jobs[1:5]]
    await settle(db, device.id, jobs[1].id, "done")
    held = [job.id for job in jobs[2:5]]
    assert [(job.id, job.attempt) for job in await open_jobs(db, [device.id], held=held)] == [(jobs[5].id, 1)]
    assert [(job.id, job.attempt) for job in await open_jobs(db, [device.id])] == [
        (jobs[2].id, 2), (jobs[3].id, 2), (jobs[4].id, 2), (jobs[5].id, 2),
    ]  # fmt: skip


async def test_what_is_urgent_goes_before_what_is_older_and_a_recall_after(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "speaker")
    orders = (3, None, 2, 2, 2, 1, 0)
    said = [{} if order is None else {"order": order} for order in orders]
    jobs = await owe(db, [NewJob(hall_id, device.id, "say", f"call:{n}", soon(), data) for n, data in enumerate(said)])
    first = await open_jobs(db, [device.id])
    assert {job.id for job in first} == {jobs[n].id for n in (6, 5, 1, 2)}
    held = [jobs[n].id for n in (1, 2, 3, 4)]
    assert [job.id for job in await open_jobs(db, [device.id], held=held)] == [jobs[5].id, jobs[6].id]


async def test_reports_move_a_job_forward_only_and_may_skip(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "speaker")
    [job] = await owe(db, [NewJob(hall_id, device.id, "say", "call:1", soon(), {})])
    states = []
    for state in ("accepted", "started", "accepted", "done", "done", "started"):
        [after] = await settle(db, device.id, job.id, state, {"paper": "ok"} if state == "done" else None)
        states.append(after.state)
    assert states == ["accepted", "started", "started", "done", "done", "done"]
    assert (after.detail, after.ended_at is not None, after.attempt) == ({"paper": "ok"}, True, 1)
    with pytest.raises(AlreadyEnded):
        await settle(db, device.id, job.id, "failed")


async def test_a_device_reports_only_its_own_jobs(db: Connection, hall_id: int) -> None:
    (one, _), (two, _) = await make_paired(db, hall_id), await make_paired(db, hall_id)
    [job] = await owe(db, [NewJob(hall_id, one.id, "say", "call:1", soon(), {})])
    for other in (job.id, "jb_999999", "jb_x", "jb_٣", "jb_99999999999999999999999", "no"):
        with pytest.raises(NotYours):
            await settle(db, two.id, other, "done")
    assert (await of_key(db, hall_id, "call:1"))[0].state == "owed"


@pytest.mark.parametrize("ending", ["failed", "uncertain"])
async def test_a_print_that_went_wrong_is_owed_again_as_a_marked_copy(db: Connection, hall_id: int, ending: str) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    ticket = await make_ticket(db, hall_id)
    job = await owe_print(db, hall_id, device.id, ticket)
    await settle(db, device.id, job.id, "started")
    settled, again = await settle(db, device.id, job.id, ending, reason="paper_out")
    assert (settled.state, settled.reason) == (ending, "paper_out")
    assert (again.key, again.state, again.data) == (
        f"ticket:{ticket}:2", "owed", {"template": "reprint", "ticket_id": ticket, "ticket": "A001"},
    )  # fmt: skip
    assert again.expires > again.owed_at + timedelta(minutes=4)
    assert await settle(db, device.id, job.id, ending) == [settled]
    assert [print.key for print in await prints_of(db, ticket)] == [f"ticket:{ticket}:1", f"ticket:{ticket}:2"]


async def test_a_ticket_that_has_ended_gets_no_second_paper(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    ticket = await make_ticket(db, hall_id)
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = now()")
    job = await owe_print(db, hall_id, device.id, ticket)
    assert [each.state for each in await settle(db, device.id, job.id, "failed")] == ["failed"]


async def test_after_five_papers_people_must_see_to_it(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    ticket = await make_ticket(db, hall_id)
    job, tries = await owe_print(db, hall_id, device.id, ticket), 0
    while True:
        tries += 1
        _, *again = await settle(db, device.id, job.id, "failed")
        if not again:
            break
        job = again[0]
    assert (tries, job.key) == (5, f"ticket:{ticket}:5")


async def test_an_uncertain_sentence_is_never_said_again(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "speaker")
    [job] = await owe(db, [NewJob(hall_id, device.id, "say", "call:1", soon(), {})])
    assert [each.state for each in await settle(db, device.id, job.id, "uncertain")] == ["uncertain"]


async def test_what_is_past_its_deadline_expires_once(db: Connection, hall_id: int) -> None:
    await set_time(db, NOON)
    device, _ = await make_paired(db, hall_id, "speaker")
    jobs = await owe(db, [NewJob(hall_id, device.id, "say", f"call:{n}", later(NOON, seconds=20), {}) for n in range(3)])
    await settle(db, device.id, jobs[1].id, "accepted")
    await settle(db, device.id, jobs[2].id, "started")
    await set_time(db, later(NOON, seconds=20))
    assert [await expire_due(db), await expire_due(db)] == [2, 0]
    assert [job.id for job in await open_jobs(db, [device.id])] == [jobs[2].id]
    await set_time(db, later(NOON, seconds=141))
    assert await expire_due(db) == 1
    assert [(await of_key(db, hall_id, f"call:{n}"))[0].state for n in range(3)] == ["expired", "expired", "uncertain"]


async def test_the_paper_in_the_hand_wins_over_a_deadline(db: Connection, hall_id: int) -> None:
    await set_time(db, NOON)
    device, _ = await make_paired(db, hall_id, "dispenser")
    ticket = await make_ticket(db, hall_id)
    job = await owe_print(db, hall_id, device.id, ticket, later(NOON, minutes=5))
    await set_time(db, later(NOON, minutes=6))
    await expire_due(db)
    assert [each.state for each in await settle(db, device.id, job.id, "done")] == ["done"]
