"""The storm's judges, given cases with one thing wrong: each must name it, and an honest case must pass all of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.storm import boards, checkers
from tests.storm.evidence import (
    Alone,
    BoardRecord,
    Brought,
    Evidence,
    Fault,
    JobRow,
    JournalRow,
    Probe,
    RatingRow,
    Said,
    Seen,
    TicketRow,
)
from tests.storm.history import Op

DAY, NEXT = date(2026, 11, 22), date(2026, 11, 23)
T0 = datetime(2026, 11, 22, 3, tzinfo=UTC)


def at(second: float) -> datetime:
    return T0 + timedelta(seconds=second)


def row(offset: int, kind: str, ticket: int, state: str, window: str | None = None) -> JournalRow:
    data = {"ticket": f"A00{ticket}", "state": state, "window": window, "call": f"cl_{ticket}_1"}
    return JournalRow(offset, at(offset), f"ticket.{kind}", ticket, window, data)


def op(n: int, act: str, answer: dict[str, Any], *, press: str = "", second: float = 0.0, **more: Any) -> Op:
    began = T0.timestamp() + second
    made = Op(n, "clerk01", act, press or f"p{n}", more.pop("asked", {}), 0, began, began + 0.01, "ok", 200)
    made.answer = answer
    for name, value in more.items():
        setattr(made, name, value)
    return made


def honest() -> Evidence:
    """Two visits on two days: taken, called, rated, printed and said once; one seen by the board of zone A."""
    case = Evidence(zone_of_window={"1": "A", "2": "A"})
    case.tickets = [TicketRow(1, "k1", DAY, DAY, "A001", "finished"), TicketRow(2, "k2", NEXT, NEXT, "A001", "expired")]
    case.journal = [
        row(1, "taken", 1, "waiting"), row(2, "called", 1, "called", "1"), row(3, "finished", 1, "finished", "1"),
        row(4, "taken", 2, "waiting"), row(5, "expired", 2, "expired"),
    ]  # fmt: skip
    case.ops = [
        op(0, "take", {"key": "k1", "number": "A001"}, second=1), op(1, "take", {"key": "k2", "number": "A001"}, second=4),
        op(2, "next", {"ticket": {"key": "k1", "number": "A001"}, "call": {"id": "cl_1_1"}}, second=2),
        op(3, "rate", {}, asked={"key": "k1", "level": 5}, second=6),
    ]  # fmt: skip
    case.ratings = [RatingRow(1, "k1", 5)]
    case.jobs = [
        JobRow(1, "dv_1", "print", "ticket:tk_1:1", "done", at(300), "ticket", "tk_1"),
        JobRow(2, "dv_2", "say", "call:cl_1_1", "done", at(22), None, None),
    ]
    case.papers, case.said = ["k1"], [Said("speaker-a", 2, at(3).timestamp())]
    case.tailed = [1, 2, 3, 4, 5]
    seen = [Seen(T0.timestamp(), "k", 1, "snapshot"), Seen(at(2.1).timestamp(), "k", 2, "called", "A001", "1")]
    case.boards = [BoardRecord("board", "zone:A", seen, final=([], []), fresh=([], []))]
    return case


def went_alone() -> Evidence:
    """The honest case, and two dispensers that gave out a number each while the hall was away."""
    case = honest()
    case.used_up, case.touched = True, ["A2001", "A3001"]
    for n, (device, number) in enumerate((("dv_1", 2001), ("dv_2", 3001)), start=3):
        case.tickets.append(TicketRow(n, f"k{n}", DAY, DAY, f"A{number}", "expired"))
        case.journal += [row(2 * n, "taken", n, "waiting"), row(2 * n + 1, "expired", n, "expired")]
        case.tailed += [2 * n, 2 * n + 1]
        case.papers.append(f"k{n}")
        case.alone.append(Alone(device, 1, "ls_1", "A", number, f"k{n}", 1, f"A{number}", 1))
        case.brought.append(Brought(device, 1, "ls_1", number, f"A{number}", None, f"k{n}", f"A{number}", True))
    return case


def verdicts(case: Evidence) -> list[str]:
    """The names of the judges who found something."""
    return [check.__name__ for check in checkers.CHECKS if check(case)]


def test_an_honest_case_passes_every_judge() -> None:
    assert verdicts(honest()) == []
    assert verdicts(went_alone()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda case: case.brought.pop(),
        lambda case: case.alone.pop(),
        lambda case: case.brought.append(case.brought[0]),
        lambda case: case.brought.__setitem__(0, replace(case.brought[0], ticket="A2002")),
        lambda case: case.brought.__setitem__(0, replace(case.brought[0], inside=False)),
        lambda case: case.brought.__setitem__(0, replace(case.brought[0], disputed="number_taken", ticket=None)),
        lambda case: case.alone.__setitem__(0, replace(case.alone[0], seq=2)),
        lambda case: case.touched.append("A2009"),
        lambda case: case.papers.remove("k3"),
    ],
)
def test_an_offline_ticket_that_is_lost_doubled_or_outside_its_lease_is_found(wrong: Callable[[Evidence], object]) -> None:
    case = went_alone()
    wrong(case)
    assert "offline_tickets_come_home" in verdicts(case)


def test_a_storm_in_which_no_lease_was_used_up_proves_too_little() -> None:
    case = went_alone()
    case.used_up = False
    assert verdicts(case) == ["offline_tickets_come_home"]


def test_a_paper_of_a_dispensers_own_that_came_twice_unmarked_or_never_ended_is_found() -> None:
    case = went_alone()
    case.papers.append("k3")
    assert verdicts(case) == ["no_number_twice"]
    case = went_alone()
    case.alone[0] = replace(case.alone[0], settled=0)
    assert verdicts(case) == ["every_print_is_settled"]


def test_an_uncertain_paper_without_a_copy_is_found() -> None:
    case = honest()
    case.jobs[0] = replace(case.jobs[0], state="uncertain")
    assert verdicts(case) == ["every_print_is_settled"]


def test_a_number_on_two_tickets_is_found() -> None:
    case = honest()
    case.tickets[1] = replace(case.tickets[1], day=DAY, day_by_rule=DAY)
    assert checkers.no_number_twice(case) == [f"number A001 of {DAY} is on 2 tickets"]


def test_a_second_unmarked_paper_is_found() -> None:
    case = honest()
    case.papers.append("k1")
    assert verdicts(case) == ["no_number_twice"]


def test_a_lost_ticket_is_found() -> None:
    case = honest()
    case.ops.append(op(9, "take", {"key": "gone", "number": "A009"}))
    assert verdicts(case) == ["every_acknowledged_ticket_exists_once"]


def test_a_ticket_nobody_asked_for_is_found_unless_an_answer_was_lost() -> None:
    case = honest()
    del case.ops[0]
    assert verdicts(case) == ["every_acknowledged_ticket_exists_once"]
    case.ops.append(op(9, "take", {}, outcome="info"))
    assert verdicts(case) == []


def test_a_ticket_without_an_end_is_found() -> None:
    case = honest()
    case.tickets[1] = replace(case.tickets[1], state="waiting")
    assert verdicts(case) == ["every_ticket_ends_once"]


def test_two_tickets_at_one_window_are_found() -> None:
    case = honest()
    case.journal.insert(2, row(3, "called", 2, "called", "1"))
    assert len(checkers.one_ticket_at_a_window(case)) == 1


def test_one_ticket_at_two_windows_is_found() -> None:
    case = honest()
    case.journal.insert(2, row(3, "called", 1, "called", "2"))
    assert len(checkers.one_ticket_at_a_window(case)) == 1


def test_one_press_with_two_answers_is_found() -> None:
    case = honest()
    case.ops.append(op(9, "take", {"key": "k2", "number": "A001"}, press="p0"))
    assert "a_press_acts_once" in verdicts(case)


def test_one_call_for_two_presses_is_found() -> None:
    case = honest()
    case.ops.append(op(9, "next", {"ticket": {"key": "k1", "number": "A001"}, "call": {"id": "cl_1_1"}}))
    assert verdicts(case) == ["a_press_acts_once"]


def test_a_gap_in_the_journal_and_at_its_tail_is_found() -> None:
    case = honest()
    case.tailed = [1, 2, 4, 3, 5]
    assert verdicts(case) == ["the_journal_is_dense"]
    case = honest()
    case.journal[4] = replace(case.journal[4], offset=6)
    assert verdicts(case) == ["the_journal_is_dense"]


def test_a_call_a_board_never_showed_is_found() -> None:
    case = honest()
    del case.boards[0].seen[1]
    assert verdicts(case) == ["boards_follow_the_journal"]
    case.boards[0].seen.append(Seen(at(9).timestamp(), "k", 5, "snapshot"))
    assert verdicts(case) == []


def test_a_call_shown_twice_is_found() -> None:
    case = honest()
    case.boards[0].seen.append(case.boards[0].seen[1])
    assert verdicts(case) == ["boards_follow_the_journal", "boards_end_up_right"]


def test_a_late_board_is_found_in_calm_weather_only() -> None:
    case = honest()
    case.boards[0].seen[1] = replace(case.boards[0].seen[1], at=at(4).timestamp())
    assert verdicts(case) == ["calls_reach_boards_in_time"]
    case.faults = [Fault("kill link", at(1).timestamp(), at(3).timestamp())]
    assert verdicts(case) == []


@pytest.mark.parametrize(
    ("shown_at", "faults", "found"),
    [
        (3.4, [("redis frozen", 1, 4)], []),  # committed at 2: within a second and a half
        (5.3, [("redis frozen", 1, 4)], ["calls_reach_boards_in_time"]),
        (5.3, [("redis frozen", 1, 2.9), ("kill link", 3.4, 3.7)], []),  # the link died before the time was up
        (5.3, [("redis frozen", 1, 4), ("kill link", 3.6, 3.9)], ["calls_reach_boards_in_time"]),  # it was late by then
        (5.3, [("kill web", -6, -4.5), ("redis frozen", 1, 4)], ["calls_reach_boards_in_time"]),  # long over
        (2.8, [("kill link", 2.6, 2.7)], ["calls_reach_boards_in_time"]),
        (3.8, [("kill link", 2.4, 2.7)], []),
    ],
)
def test_what_excuses_a_late_call_is_another_fault_before_its_time_was_up(
    shown_at: float, faults: list[tuple[str, float, float]], found: list[str]
) -> None:
    case = honest()
    case.boards[0].seen[1] = replace(case.boards[0].seen[1], at=at(shown_at).timestamp())
    case.faults = [Fault(name, at(began).timestamp(), at(ended).timestamp()) for name, began, ended in faults]
    case.ops = []  # those of the honest case know nothing of these faults
    assert [name for name in verdicts(case) if "reach" in name] == found


@pytest.mark.parametrize(
    ("ends", "settled"),
    [(["1006", "4001", "open"], "open"), (["4001", OSError(), "1009"], "1009"), (["4504"], "4504"), (["4001"] * 15, "4001")],
)
async def test_a_line_that_the_storm_closed_is_asked_again_and_one_that_never_holds_is_told(
    monkeypatch: pytest.MonkeyPatch, ends: list[str | OSError], settled: str
) -> None:
    monkeypatch.setattr(boards, "AGAIN_S", 0)
    left = iter(ends)

    async def attempt() -> str:
        ended = next(left)
        if isinstance(ended, OSError):
            raise ended
        return ended

    assert await boards.settled(attempt) == settled


def test_an_event_across_epochs_is_found() -> None:
    case = honest()
    case.boards[0].seen[1] = replace(case.boards[0].seen[1], epoch="other")
    assert verdicts(case) == ["epochs_never_mix"]


def test_a_request_that_waits_for_redis_is_found() -> None:
    case = honest()
    case.faults = [Fault("redis frozen", at(100).timestamp(), at(103).timestamp())]
    case.ops.append(op(9, "arrive", {}, second=101, ended=at(101.9).timestamp()))
    assert verdicts(case) == ["redis_changes_latency_only"]


def test_an_act_acknowledged_without_postgres_is_found() -> None:
    case = honest()
    case.faults = [Fault("postgres restart", at(100).timestamp(), at(102).timestamp())]
    case.ops += [op(8, "arrive", {}, second=101), op(9, "arrive", {}, second=103)]
    assert verdicts(case) == ["postgres_outage_is_clear"]


def test_a_hall_that_does_not_recover_is_found() -> None:
    case = honest()
    case.faults = [Fault("postgres restart", at(100).timestamp(), at(102).timestamp())]
    assert verdicts(case) == ["postgres_outage_is_clear"]


def test_a_number_that_goes_on_after_the_roll_is_found() -> None:
    case = honest()
    case.tickets[1] = replace(case.tickets[1], number="A002")
    assert "days_turn_by_the_hall" in verdicts(case)


def test_a_ticket_without_its_paper_is_found() -> None:
    case = honest()
    case.papers = []
    assert verdicts(case) == ["paper_or_an_alarm"]


def test_a_sentence_said_twice_or_too_late_is_found() -> None:
    case = honest()
    case.said.append(case.said[0])
    assert verdicts(case) == ["a_sentence_sounds_once"]
    case = honest()
    case.said[0] = replace(case.said[0], at=at(23).timestamp())
    assert verdicts(case) == ["a_sentence_sounds_once"]


def test_a_wrong_close_a_crash_and_a_server_error_are_found() -> None:
    case = honest()
    case.probes = [Probe("a frame of 1 MB", ("1009",), "1006")]
    assert verdicts(case) == ["any_bytes_end_in_a_defined_close"]
    case = honest()
    case.tracebacks = ["web: Traceback (most recent call last)"]
    assert verdicts(case) == ["any_bytes_end_in_a_defined_close"]
    case = honest()
    case.ops.append(op(9, "arrive", {}, status=500, outcome="info"))
    assert verdicts(case) == ["any_bytes_end_in_a_defined_close"]


def test_a_second_box_on_one_code_is_found() -> None:
    case = honest()
    case.strangers = [Probe("one code, four boxes", ("1 in, 3 refused",), "2 in, 2 refused")]
    assert verdicts(case) == ["strangers_stay_outside"]


def test_a_rating_changed_doubled_or_before_the_end_is_found() -> None:
    case = honest()
    case.ratings = [RatingRow(1, "k1", 4)]
    assert verdicts(case) == ["one_rating_per_visit"]
    case.ratings = [RatingRow(1, "k1", 5), RatingRow(1, "k1", 5)]
    assert verdicts(case) == ["one_rating_per_visit"]
    case.ratings = [RatingRow(1, "k1", 5), RatingRow(2, "k2", 5)]
    assert verdicts(case) == ["one_rating_per_visit"]


def test_a_person_over_the_days_limit_is_found() -> None:
    case = honest()
    case.persons = [("af", DAY, 4), ("b0", DAY, 5)]
    assert checkers.nobody_takes_more_than_the_limit(case) == [f"person b0 has 5 tickets of {DAY}"]


def test_a_call_that_the_rules_did_not_make_is_found() -> None:
    def told(offset: int, kind: str, ticket: int, state: str, **more: object) -> JournalRow:
        made = row(offset, kind, ticket, state, "1" if state == "called" else None)
        known = {"service": "A", "lane": 0, "for_window": None, "rank_at": at(ticket).isoformat(), "position": None}
        return replace(made, data=made.data | known | more)

    opened = {"window": "1", "state": "open", "services": ["A"], "helping": [], "clerk": "li"}
    called = {"rule": "order", "by": {"tier": "own", "credit": 0, "seen": 3}}
    case = honest()
    case.journal = [
        JournalRow(1, at(0), "window.opened", None, "1", opened), told(2, "taken", 1, "waiting"), told(3, "taken", 2, "waiting"),
        told(4, "called", 1, "called", **called),
    ]  # fmt: skip
    assert checkers.every_call_follows_the_rules(case) == []
    case.journal[3] = told(4, "called", 2, "called", **called)
    (found,) = checkers.every_call_follows_the_rules(case)
    assert "called A002 by order, the rules choose A001 by order" in found
