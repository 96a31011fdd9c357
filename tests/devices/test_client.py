"""The device's end of a line: dialling, jobs once, beats, clock, and what a close code asks of it."""

import random
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import client, wire
from devices.backoff import NEVER, Backoff
from devices.client import LinkState, Report, Step
from devices.clock import ClockOffset, Moment
from devices.wire import Close
from tests.devices.clients import AT, NOON, at, board, connect, event, feed, frame, job, make, other, sent, welcome

# ---- dialling and greeting


def test_it_dials_at_once_and_greets_with_what_it_knows() -> None:
    link = make(fw="2.03")
    link.ledger.reports["jb_9"] = Report("jb_9", "started", NOON)  # type: ignore[attr-defined]
    assert link.tick(at(0)) == [client.Moved(LinkState.DIALLING), client.Dial()]
    assert link.next_tick == NEVER
    assert sent(link.opened(at(1))) == [
        {"type": "hello", "id": 1, "boot": "b", "agent": "1.0", "caps": ["say", "print"], "at": "2026-11-02T04:00:01Z",
         "fw": "2.03", "open": ["jb_9"]},
    ]  # fmt: skip
    assert link.next_tick == at(11).mono
    steps = link.received(welcome(gen=12, at=at(1).wall.isoformat()), at(1))
    assert (steps[0], link.gen, link.state) == (client.Moved(LinkState.LIVE), 12, LinkState.LIVE)
    assert [each["type"] for each in sent(steps)] == ["health"]


def test_a_hall_that_does_not_welcome_in_ten_seconds_is_left() -> None:
    link = make()
    link.tick(at(0))
    link.opened(at(0))
    assert link.tick(at(9)) == []
    assert other(link.tick(at(10))) == [
        client.Hang("the hall does not answer"), client.Moved(LinkState.WAITING, "the hall does not answer"),
    ]  # fmt: skip
    assert at(11).mono <= link.next_tick <= at(12).mono


# ---- going on alone


ALONE = (
    '{"type":"lease","gen":%d,"lease":"ls_1","service":"A","day":"2026-11-02","first":2001,"last":2020,'
    '"until":"2026-11-02T08:00:00Z"}'
)


def ticket(seq: int) -> wire.IssuedTicket:
    return wire.IssuedTicket(seq=seq, lease="ls_1", number=2000 + seq, at=NOON, up_ms=1)


def test_numbers_lent_on_this_connection_are_stored_and_others_dropped() -> None:
    link = make(issued=lambda: 57)
    assert sent(link.opened(at(0)))[0]["issued"] == 57
    assert client.Home(57) in link.received(welcome(gen=3, issued=57), at(0))
    assert [type(step).__name__ for gen in (2, 3) for step in link.received(ALONE % gen, at(1))] == ["Lend"]
    plain = make()
    connect(plain)
    assert (plain.received(ALONE % 1, at(1)), "issued" in sent(make().opened(at(0)))[0]) == ([], False)


def test_tickets_come_home_one_batch_at_a_time_and_again_when_nobody_answers() -> None:
    link = make(issued=lambda: 3)
    connect(link)
    [first] = sent(link.bring([ticket(1), ticket(2)], at(1)))
    assert (first["type"], [each["seq"] for each in first["tickets"]]) == ("issued", [1, 2])
    assert link.bring([ticket(3)], at(1)) == []  # one is under way
    assert link.received(frame("issued_ok", re=999, through=9), at(1)) == []
    assert link.received(frame("issued_ok", re=first["id"], through=2), at(2)) == [client.Home(2)]
    [second] = sent(link.bring([ticket(3)], at(2)))
    assert client.Home(None) not in link.tick(at(10))  # it may still be on its way
    link.received(frame("beat_ok", re=99, recv=AT, sent=AT), at(11))
    assert client.Home(None) in link.tick(at(30))
    assert [each["seq"] for each in sent(link.bring([ticket(3)], at(30)))[0]["tickets"]] == [3]
    assert second["id"] != first["id"]


def test_what_the_hall_will_not_take_in_is_an_alarm_and_what_it_puts_off_is_not() -> None:
    link = make(issued=lambda: 1)
    connect(link)
    told = []
    for retry in (True, False):
        [batch] = sent(link.bring([ticket(1)], at(1)))
        no = frame("error", re=batch["id"], code="try_later", message="later", retry=retry)
        told.append(link.received(no, at(1)))
        link._line.brought = None
    assert told == [[], [client.Alarm("the hall does not take in what was given out: later")]]


def test_away_from_the_hall_nothing_is_brought() -> None:
    link = make(issued=lambda: 1)
    assert link.bring([ticket(1)], at(0)) == []


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_wall_clock_that_jumps_moves_neither_the_halls_time_nor_a_jobs_deadline(jump: int) -> None:
    link = make()
    connect(link)

    def jumped(seconds: float) -> Moment:
        return Moment(at(seconds).mono, at(seconds).wall + timedelta(seconds=jump))

    assert link.hall_time(jumped(5)) == at(5).wall
    states = [each["state"] for each in sent(link.received(job(1), jumped(6))) if each["type"] == "job_report"]
    assert (states, link.clock.wrong) == (["accepted"], True)


def test_two_unanswered_beats_and_the_hall_is_lost() -> None:
    link = make()
    connect(link)
    beats = [sent(link.tick(at(second)))[0]["type"] for second in (10, 20)]
    assert (beats, link.tick(at(25)), link.next_tick) == (["beat", "beat"], [], at(30).mono)
    assert other(link.tick(at(30)))[0] == client.Hang("two beats unanswered")
    assert link.state is LinkState.WAITING


def test_an_answered_beat_keeps_the_line_and_names_the_position() -> None:
    link = make()
    connect(link, feed=feed(5))
    link.received(board(5), at(0))
    link.tick(at(2))
    for second in range(10, 200, 10):
        [beat] = sent(link.tick(at(second)))
        assert (beat["type"], beat["offset"]) == ("beat", 5)
        heard = at(second).wall.isoformat()
        assert link.received(frame("beat_ok", re=beat["id"], recv=heard, sent=heard), at(second)) == []


# ---- close codes


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        (1009, 60, 60), (4000, 0, 7), (4001, 1, 2), (4002, 1, 2), (4003, 1, 2), (4004, 1, 2), (4005, 30, 30), (4006, 1, 2),
        (4501, NEVER, NEVER), (4502, 60, 60), (4503, NEVER, NEVER), (4504, 300, 300),
        (None, 1, 2), (1006, 1, 2), (1012, 1, 2), (4123, 1, 2), (4777, NEVER, NEVER),
    ],
)  # fmt: skip
def test_a_close_code_says_when_to_come_back(code: int | None, least: float, most: float) -> None:
    link = make()
    connect(link)
    link.received(frame("bye", code=4000, reason="later", retry_s=7), at(0))
    steps = link.closed(code, at(0))
    assert least <= link.next_tick - at(0).mono <= most
    assert link.state is (LinkState.STOPPED if least == NEVER else LinkState.WAITING)
    assert any(isinstance(step, client.Alarm) for step in steps) == (code == 4504)


@pytest.mark.parametrize(
    ("status", "least", "most"),
    [(None, 1, 2), (500, 1, 2), (503, 1, 10), (429, 30, 35), (403, 30, 35), (401, NEVER, NEVER), (400, NEVER, NEVER)],
)
def test_a_refused_dial_is_tried_again_or_not(status: int | None, least: float, most: float) -> None:
    link = make()
    link.tick(at(0))
    link.refused(status, at(0), retry_s=9 if status == 503 else None)
    assert least <= link.next_tick - at(0).mono <= most


def test_waiting_grows_to_32_seconds_is_never_in_step_and_begins_anew_after_a_minute_live() -> None:
    waits = [Backoff(random.Random(seed)) for seed in range(50)]
    for doubled in (1, 2, 4, 8, 16, 16):
        stepped = [each.step() for each in waits]
        assert (min(stepped) >= doubled, max(stepped) <= 2 * doubled, len(set(stepped))) == (True, True, 50)
    link = make()
    connect(link)
    for _ in range(4):
        link.closed(4001, at(0))
        connect(link)
    link.closed(4001, at(0))
    assert link.next_tick - at(0).mono >= 16
    connect(link)
    for second in range(10, 71, 10):
        for beat in sent(link.tick(at(second))):
            link.received(frame("beat_ok", re=beat["id"], recv=AT, sent=AT), at(second))
    link.closed(4001, at(70))
    assert link.next_tick - at(70).mono <= 2


def test_a_replaced_device_tries_just_once_more() -> None:
    link = make()
    connect(link)
    link.closed(Close.REPLACED, at(0))
    assert link.next_tick == at(60).mono
    connect(link, 60)
    link.closed(Close.REPLACED, at(61))
    assert link.state is LinkState.STOPPED


# ---- jobs


def test_a_new_job_is_accepted_and_done_once_however_often_it_comes() -> None:
    link = make()
    connect(link)
    first = link.received(job(1), at(0))
    assert [type(step).__name__ for step in first] == ["Send", "Do"]
    assert [(each["job"], each["state"]) for each in sent(first)] == [("jb_1", "accepted")]
    link.report("jb_1", "started", at(1))
    again = link.received(job(1), at(2))
    assert ([each["state"] for each in sent(again)], other(again)) == (["started"], [])
    link.report("jb_1", "done", at(3), detail={"paper": "ok"})
    after = link.received(job(1), at(500))
    assert ([(each["state"], each["detail"]) for each in sent(after)], other(after)) == ([("done", {"paper": "ok"})], [])


def test_a_job_the_ledger_knows_is_never_begun_again() -> None:
    link = make()
    link.ledger.reports["jb_1"] = Report("jb_1", "uncertain", NOON)  # type: ignore[attr-defined]
    connect(link)
    steps = link.received(job(1), at(0))
    assert ([each["state"] for each in sent(steps)], other(steps)) == (["uncertain"], [])


def test_a_job_of_another_connection_is_dropped() -> None:
    link = make()
    connect(link, gen=7)
    assert [link.received(job(1, gen=6), at(0)), link.received(job(2, gen=8), at(0))] == [[], []]
    assert link.received(frame("config", id=1, gen=6, rev=2, data={}), at(0)) == []


def test_what_it_cannot_do_is_refused_and_what_is_late_expires() -> None:
    link = make()
    connect(link)
    answers = [link.received(job(1, kind="ask_rating"), at(0)), link.received(job(2, expires_s=20), at(20))]
    assert [[each["state"] for each in sent(steps)] for steps in answers] == [["refused"], ["expired"]]
    assert [other(steps) for steps in answers] == [[], []]


def test_lateness_is_judged_by_the_halls_clock() -> None:
    link = make()
    link.tick(at(0))
    link.opened(at(0))
    link.received(welcome(at=at(3600).wall.isoformat()), at(0))
    assert link.hall_time(at(0)) == at(3600).wall
    assert [each["state"] for each in sent(link.received(job(1), at(0)))] == ["expired"]


def test_a_report_the_hall_has_not_acknowledged_is_told_again() -> None:
    link = make()
    connect(link)
    [accepted] = sent(link.received(job(1), at(0)))
    link.received(frame("ok", re=accepted["id"]), at(0))
    [done] = sent(link.report("jb_1", "done", at(1)))
    link.received(frame("error", re=done["id"], code="try_later", message="away", retry=True), at(1))
    beat, again = sent(link.tick(at(10)))
    assert (beat["type"], again["job"], again["state"]) == ("beat", "jb_1", "done")
    link.closed(None, at(11))
    assert link.report("jb_1", "done", at(12)) == []
    told = [each for each in sent(connect(link, 13)) if each["type"] == "job_report"]
    assert [(each["job"], each["state"]) for each in told] == [("jb_1", "done")]
    link.received(frame("ok", re=told[0]["id"]), at(13))
    assert [each["type"] for each in sent(link.tick(at(23)))] == ["beat"]


# ---- presses, health, clock, settings


def test_a_press_keeps_its_id_until_it_is_answered() -> None:
    link = make()
    press, steps = link.press("rating", {"level": 5}, at(0))
    assert steps == []
    asked = [each for each in sent(connect(link, 1)) if each["type"] == "press"]
    assert [(each["press"], each["data"]) for each in asked] == [(press, {"level": 5})]
    assert link.received(frame("error", re=asked[0]["id"], code="try_later", message="", retry=True), at(2)) == []
    again = [each for each in sent(link.tick(at(11))) if each["type"] == "press"]
    assert [each["press"] for each in again] == [press]
    assert link.received(frame("ok", re=again[0]["id"], data={"x": 1}), at(12)) == [client.Answered(press, {"x": 1}, None)]
    assert link.received(frame("ok", re=again[0]["id"]), at(12)) == []


def test_a_refused_press_is_answered_with_the_error() -> None:
    link = make()
    connect(link)
    press, steps = link.press("next", {}, at(0), press="pr_1")
    [answer] = link.received(frame("error", re=sent(steps)[0]["id"], code="not_in_that_state", message="No.", retry=False), at(0))
    assert isinstance(answer, client.Answered)
    assert (answer.press, answer.error and answer.error.code) == (press, "not_in_that_state")


def test_the_65th_press_away_from_the_hall_gives_up_the_first() -> None:
    link = make()
    first, _ = link.press("rating", {}, at(0))
    steps = [link.press("rating", {}, at(0))[1] for _ in range(64)]
    [given_up] = steps[-1]
    assert isinstance(given_up, client.Answered)
    assert (given_up.press, given_up.error and given_up.error.code, steps[:-1]) == (first, "try_later", [[]] * 63)


def test_health_goes_out_after_the_welcome_and_when_it_changes() -> None:
    link = make()
    paper = {"printer": wire.Part(state="paper_low")}
    assert link.show_health(paper, at(0)) == []
    [told] = [each for each in sent(connect(link, 1)) if each["type"] == "health"]
    assert told["parts"] == {"printer": {"state": "paper_low"}, "link": {"rtt_ms": 0.0, "offset_ms": 0.0}}
    assert link.show_health(paper, at(2)) == []
    assert sent(link.show_health({"printer": wire.Part(state="ok")}, at(3)))[0]["parts"]["printer"] == {"state": "ok"}
    assert sent(link.tick(at(11)))[0]["parts_rev"] == 2


def test_the_clock_is_the_median_of_five_ntp_measurements() -> None:
    clock = ClockOffset()
    assert (clock.seconds, clock.wrong) == (0.0, False)
    for offset in (1.0, 1.1, 90.0, 0.9, 1.2):
        sent_at, trip = NOON, timedelta(seconds=0.2)
        recv = sent_at + trip / 2 + timedelta(seconds=offset)
        clock.measure(sent_at, recv, recv + timedelta(seconds=1), sent_at + trip + timedelta(seconds=1))
    assert (round(clock.seconds, 6), round(clock.trip_s, 6), clock.wrong) == (1.1, 0.2, False)
    assert clock.corrected(NOON) == NOON + timedelta(seconds=1.1)


def test_a_clock_two_seconds_off_is_said_once_and_so_is_its_cure() -> None:
    link = make()
    link.tick(at(0))
    link.opened(at(0))
    steps = link.received(welcome(at=at(5).wall.isoformat()), at(0))
    assert [step for step in other(steps) if isinstance(step, client.Alarm)] == [client.Alarm("clock is +5.0 s off")]
    assert [each["parts"]["link"]["offset_ms"] for each in sent(steps)] == [5000.0, 5000.0]
    for second in (10, 20):
        [beat] = sent(link.tick(at(second)))
        heard = at(second).wall.isoformat()
        cured = link.received(frame("beat_ok", re=beat["id"], recv=heard, sent=heard), at(second))
    assert ([each["type"] for each in sent(cured)], other(cured)) == (["health"], [])


def test_settings_are_taken_over_and_a_secret_is_kept_before_it_is_confirmed() -> None:
    link = make()
    connect(link)
    configured = link.received(frame("config", id=1, gen=1, rev=3, data={"volume": 9}), at(0))
    assert (other(configured), sent(configured)) == ([client.Configure(3, {"volume": 9})], [{"type": "ok", "re": 1}])
    rotated = link.received(frame("rotate", id=2, secret="s"), at(0))
    assert [type(step).__name__ for step in rotated] == ["Keep", "Send"]
    assert sent(rotated) == [{"type": "rotated", "re": 2}]


def test_an_unknown_frame_is_answered_unless_it_is_optional() -> None:
    link = make()
    connect(link)
    assert link.received(frame("confetti", id=3, opt=True), at(0)) == []
    answers = [sent(link.received(text, at(0)))[0] for text in (frame("confetti", id=3), "{")]
    assert [(each["re"], each["code"]) for each in answers] == [(3, "unknown_type"), (None, "bad_frame")]


def test_a_device_without_a_place_beats_and_waits() -> None:
    link = make()
    connect(link, status="pending")
    assert link.state is LinkState.PENDING
    assert link.press("rating", {}, at(0))[1] == []
    assert [each["type"] for each in sent(link.tick(at(10)))] == ["beat"]


# ---- any order

TEXTS = st.one_of(
    st.sampled_from([
        welcome(), welcome(gen=2, feed=feed(3)), welcome(feed=feed(3, True)), welcome(status="pending"), board(0), board(9, "k4"),
        event(0, 1), event(1, 5), event(5, 6), job(1), job(2, gen=2), job(3, kind="x"), frame("beat_ok", re=2, recv=AT, sent=AT),
        frame("ok", re=3), frame("error", re=3, code="x", message="", retry=True), frame("bye", code=4000, reason="x"),
        frame("rotate", id=1, secret="s"), frame("config", id=2, gen=1, rev=1, data={}), frame("x", id=1, opt=True),
    ]),
    st.text(max_size=10),
    st.binary(max_size=10),
)  # fmt: skip
DO = st.one_of(
    st.sampled_from(["tick", "opened", "press", "report", "health"]),
    TEXTS.map(lambda text: ("frame", text)),
    st.sampled_from([None, 1006, 1009, *(int(code) for code in Close)]).map(lambda code: ("closed", code)),
    st.sampled_from([None, 400, 401, 403, 429, 500, 503]).map(lambda status: ("refused", status)),
)


@given(st.lists(st.tuples(DO, st.floats(0, 40)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_whatever_happens_the_next_step_is_defined(steps: list[tuple[Any, float]]) -> None:
    link, seconds = make(), 0.0
    for what, passed in steps:
        seconds += passed
        now = at(seconds)
        match what:
            case "tick":
                done = link.tick(now)
            case "opened":
                done = link.opened(now) if link.state is LinkState.DIALLING else []
            case "press":
                done = link.press("rating", {}, now)[1]
            case "report":
                done = link.report("jb_1", "done", now)
            case "health":
                done = link.show_health({"printer": wire.Part(state=str(seconds))}, now)
            case ("frame", text):
                done = link.received(text, now)
            case ("closed", code):
                done = link.closed(code, now)
            case ("refused", status):
                done = link.refused(status, now)
        assert {type(step) for step in done} <= set(get_args(Step))
        for step in done:
            if isinstance(step, client.Send):
                wire.decode_from_device(step.frame)
        waiting_for_the_shell = link.state in (LinkState.STOPPED, LinkState.DIALLING)
        assert waiting_for_the_shell or link.next_tick < NEVER
