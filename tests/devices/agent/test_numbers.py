"""What a dispenser was lent and gave out, on disk: each number once, only as long as its lease lives, and home in order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices import wire
from devices.agent.boots import Instant
from devices.agent.dispenser import Dispenser, Mode, job_of
from devices.agent.ledger import Ledger
from devices.agent.numbers import Given, Numbers
from devices.drivers import Ending, Job

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
START = Instant("boot-1", 1000.0, NOON)
NONE = timedelta()
DATA = {"prefix": "A", "names": {"zh-Hans": "社会保险", "en": "Social insurance"}, "url": "http://hall/t/", "hall": "大厅",
        "utc_offset_s": 28800}  # fmt: skip


def lease(n: int = 1, service: str = "A", first: int = 2001, last: int = 2003, hours: float = 4) -> wire.Lease:
    return wire.Lease(
        gen=1,
        lease=f"ls_{n}",
        service=service,
        day="2026-11-02",
        first=first,
        last=last,
        until=NOON + timedelta(hours=hours),
        data=DATA,
    )


def press(n: int) -> str:
    return f"press-{n:06}"


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return Ledger(tmp_path / "ledger.sqlite").numbers("dv_1")


def taken(numbers: Numbers, n: int, now: Instant = START) -> Given:
    given = numbers.issue("A", "zh-Hans", press(n), now)
    assert given is not None
    return given


def test_numbers_come_in_order_and_one_press_takes_one(numbers: Numbers) -> None:
    numbers.keep(lease(), START, NONE)
    given = [taken(numbers, n) for n in (1, 2, 2, 3)]
    assert [(ticket.seq, ticket.number, ticket.printed) for ticket in given] == [
        (1, 2001, "A2001"), (2, 2002, "A2002"), (2, 2002, "A2002"), (3, 2003, "A2003"),
    ]  # fmt: skip
    assert numbers.issue("A", "zh-Hans", press(4), START) is None
    assert numbers.issue("B", "zh-Hans", press(5), START) is None


def test_the_paper_says_what_the_lease_said_in_the_visitors_language_and_hall_time(numbers: Numbers) -> None:
    numbers.keep(lease(), START, timedelta(seconds=-90))
    given = numbers.issue("A", "en", press(1), START.later(30))
    assert given is not None
    assert given.data == {
        "template": "ticket", "ticket": "A2001", "service": "A", "lang": "en", "service_name": "Social insurance", "hall": "大厅",
        "at": "2026-11-02T11:59:00", "url": f"http://hall/t/{given.key}",
    }  # fmt: skip
    assert len(given.key) == 22


def test_the_next_lease_is_used_when_the_first_is_used_up_and_a_repeated_one_changes_nothing(numbers: Numbers) -> None:
    for _ in range(2):
        numbers.keep(lease(1, last=2002), START, NONE)
        numbers.keep(lease(2, first=2003, last=2004), START, NONE)
    assert [taken(numbers, n).number for n in range(1, 5)] == [2001, 2002, 2003, 2004]
    numbers.keep(lease(1, last=2002), START, NONE)
    assert numbers.held(START) == []


def test_a_lease_dies_by_the_clock_of_its_start_whatever_the_wall_says(numbers: Numbers) -> None:
    numbers.keep(lease(hours=1), START, NONE)
    back = replace(START.later(3599), wall=NOON - timedelta(hours=5))
    ahead = replace(START.later(10), wall=NOON + timedelta(hours=5))
    assert [len(numbers.held(now)) for now in (back, ahead, START.later(3600), START.later(9000))] == [1, 1, 0, 0]


def test_a_wrong_wall_clock_does_not_lengthen_a_lease(numbers: Numbers) -> None:
    numbers.keep(lease(hours=1), replace(START, wall=NOON - timedelta(hours=2)), timedelta(hours=2))
    assert [len(numbers.held(START.later(seconds))) for seconds in (3599, 3601)] == [1, 0]


def test_after_a_new_start_nothing_is_given_out_until_the_hall_was_heard(numbers: Numbers) -> None:
    numbers.keep(lease(), START, NONE)
    restarted = Instant("boot-2", 20.0, NOON + timedelta(minutes=1))
    assert numbers.issue("A", "zh-Hans", press(1), restarted) is None
    numbers.keep(lease(), restarted, NONE)
    assert taken(numbers, 1, restarted).number == 2001


def test_a_lease_is_not_used_before_its_door_opens(numbers: Numbers) -> None:
    early = wire.Lease(
        gen=1, lease="ls_1", service="A", day="2026-11-02", first=2001, last=2003, until=NOON + timedelta(hours=4),
        opens=NOON + timedelta(minutes=10), data=DATA,
    )  # fmt: skip
    numbers.keep(early, START, NONE)
    assert [len(numbers.held(START.later(seconds))) for seconds in (0, 599, 600)] == [0, 0, 1]


def test_a_new_program_goes_on_where_the_old_one_stopped(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.sqlite")
    first.numbers("dv_1").keep(lease(), START, NONE)
    assert taken(first.numbers("dv_1"), 1).seq == 1
    first.close()
    again = Ledger(tmp_path / "ledger.sqlite").numbers("dv_1")
    assert (taken(again, 2).number, again.newest()) == (2002, 2)
    assert Ledger(tmp_path / "ledger.sqlite").numbers("dv_2").held(START) == []


def test_what_the_hall_has_is_not_brought_again_and_what_it_lost_is(numbers: Numbers) -> None:
    numbers.keep(lease(), START, NONE)
    for n in range(1, 4):
        taken(numbers, n)
    numbers.brought(2, START)
    assert [ticket.seq for ticket in numbers.unbrought(10, START)] == [3]
    numbers.brought(0, START)
    assert [ticket.seq for ticket in numbers.unbrought(2, START)] == [1, 2]


def test_seq_goes_on_behind_what_the_hall_has_of_an_earlier_box(numbers: Numbers) -> None:
    numbers.brought(57, START)
    numbers.keep(lease(), START, NONE)
    assert taken(numbers, 1).seq == 58


def test_a_wall_clock_that_jumped_meanwhile_does_not_move_a_ticket(numbers: Numbers) -> None:
    numbers.keep(lease(), START, NONE)
    taken(numbers, 1, replace(START.later(60), wall=NOON + timedelta(hours=3)))
    (told,) = numbers.unbrought(1, replace(START.later(120), wall=NOON - timedelta(hours=1)))
    assert told.at == NOON - timedelta(hours=1) - timedelta(seconds=60)  # a minute ago, by the clock whose offset is known now
    (told,) = numbers.unbrought(1, Instant("boot-2", 5.0, NOON))
    assert told.at == NOON + timedelta(seconds=60)


# ---- the dispenser's states


class Stand:
    """A dispenser whose clock and printer are the test's."""

    def __init__(self, numbers: Numbers) -> None:
        self.time, self.jobs = START, list[Job]()
        self.dispenser = Dispenser("d1", numbers, self.jobs.append, lambda: self.time, 20.0)

    def pass_time(self, seconds: float) -> Mode:
        self.time = self.time.later(seconds)
        self.dispenser.look()
        return self.dispenser.mode

    def end(self, state: str) -> None:
        self.dispenser.printed(self.jobs.pop(0), Ending(state))  # type: ignore[arg-type]


@pytest.fixture
def stand(numbers: Numbers) -> Stand:
    made = Stand(numbers)
    made.dispenser.moved(True)
    made.dispenser.lend(lease(), NONE)
    return made


def test_it_goes_through_its_states(stand: Stand) -> None:
    box, seen = stand.dispenser, []
    box.moved(False)
    seen += [stand.pass_time(19), stand.pass_time(1)]
    for n in range(3):
        assert box.take("A", "zh-Hans", press(n)) is not None
    seen.append(box.mode)
    assert box.take("A", "zh-Hans", press(4)) is None and box.parts() == {"numbers": {"state": "exhausted"}}
    box.moved(True)
    seen.append(box.mode)
    assert [ticket.seq for ticket in box.home(None)] == [1, 2, 3]
    box.lend(lease(2, first=2004, last=2009), NONE)
    assert list(box.home(3)) == [] and box.parts() == {"numbers": {"state": "ok"}}
    seen.append(box.mode)
    assert seen == [Mode.ONLINE, Mode.OFFLINE, Mode.EXHAUSTED, Mode.SYNCING, Mode.ONLINE]


def test_silence_counts_from_the_last_word_of_the_hall(stand: Stand) -> None:
    stand.dispenser.moved(False, silent_s=30)
    assert stand.pass_time(0) is Mode.OFFLINE


def test_a_page_that_cannot_give_a_number_is_enough(stand: Stand) -> None:
    stand.dispenser.page_failed(True)
    assert (stand.dispenser.mode, len(stand.dispenser.services())) == (Mode.OFFLINE, 1)
    assert stand.dispenser.take("A", "zh-Hans", press(1)) is not None
    stand.dispenser.page_failed(False)
    assert (stand.dispenser.mode, stand.dispenser.services()) == (Mode.SYNCING, [])


def test_while_the_hall_gives_the_numbers_it_gives_none(stand: Stand) -> None:
    assert (stand.dispenser.take("A", "zh-Hans", press(1)), stand.jobs) == (None, [])


def test_a_dispenser_that_never_held_anything_is_not_alarmed_of(numbers: Numbers) -> None:
    stand = Stand(numbers)
    assert (stand.pass_time(21), stand.dispenser.parts()) == (Mode.EXHAUSTED, {"numbers": {"state": "ok"}})


def test_each_ticket_gets_one_paper_and_marked_copies_until_one_is_out(stand: Stand) -> None:
    stand.dispenser.page_failed(True)
    stand.dispenser.take("A", "zh-Hans", press(1))
    papers = []
    for state in ("failed", "uncertain", "done"):
        papers.append((stand.jobs[0].job, stand.jobs[0].data["template"], stand.jobs[0].data.get("copy")))
        stand.end(state)
    assert papers == [("of_1_1", "ticket", None), ("of_2_1", "reprint", 2), ("of_3_1", "reprint", 3)]
    assert (stand.jobs, stand.dispenser.numbers.unsettled()) == ([], [])


def test_a_paper_nobody_waits_for_any_more_is_given_up(stand: Stand) -> None:
    stand.dispenser.page_failed(True)
    stand.dispenser.take("A", "zh-Hans", press(1))
    stand.pass_time(601)
    stand.end("expired")
    assert (stand.jobs, stand.dispenser.numbers.unsettled()) == ([], [])


@pytest.mark.parametrize(
    ("states", "owed"),
    [
        ({}, [("of_1_1", "ticket")]),
        ({1: "uncertain"}, [("of_2_1", "reprint")]),
        ({1: "failed", 2: "uncertain"}, [("of_3_1", "reprint")]),
        ({1: "failed", 2: "done"}, []),
    ],
)
def test_after_a_start_a_paper_begun_is_never_printed_unmarked(
    stand: Stand, states: dict[int, str], owed: list[tuple[str, str]]
) -> None:
    stand.dispenser.page_failed(True)
    stand.dispenser.take("A", "zh-Hans", press(1))
    stand.jobs.clear()
    known = {job_of(1, attempt): state for attempt, state in states.items()}
    stand.dispenser.recover(known.get)
    assert [(job.job, job.data["template"]) for job in stand.jobs] == owed
