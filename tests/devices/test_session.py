"""The hall's end of a line, frame by frame and second by second, without a socket."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from devices import session as hall
from devices import wire
from devices.clock import Moment
from devices.jobs import Job
from devices.session import Output, Phase, Session

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
AT = NOON.isoformat()


def at(seconds: float) -> Moment:
    return Moment(1000.0 + seconds, NOON + timedelta(seconds=seconds))


def frame(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, **fields})


def hello(id: int = 1, **more: Any) -> str:
    return frame("hello", id=id, boot="b", agent="1", caps=["say"], at=AT, **more)


def beat(id: int) -> str:
    return frame("beat", id=id, sent=AT, state="online")


def told(outputs: list[Output]) -> list[Any]:
    """What was decided, with frames opened: (type, …) for frames, class names for acts, codes for hangups."""
    said: list[Any] = []
    for output in outputs:
        match output:
            case hall.Send(payload):
                message = json.loads(payload)
                said.append((message["type"], *(message[key] for key in ("re", "code", "job", "attempt") if key in message)))
            case hall.Hangup(code):
                said.append(int(code))
            case _:
                said.append(type(output).__name__)
    return said


def job(n: int, expires_s: float = 300, **more: Any) -> Job:
    made = Job(
        f"jb_{n}",
        1,
        "dv_led_1",
        "say",
        f"call:{n}",
        NOON + timedelta(seconds=expires_s),
        {},
        "owed",
        0,
        NOON,
        None,
        None,
        None,
        None,
        None,
    )
    return replace(made, **more)


def lease(n: int, **more: Any) -> wire.Lease:
    made = wire.Lease(gen=12, lease=f"ls_{n}", service="A", day="2026-11-02", first=2001, last=2020, until=NOON)
    return structs.replace(made, **more)


def greeted(placed: bool = True, seconds: float = 0) -> Session:
    line = Session(at(seconds).mono)
    [greet] = line.receive(hello(), at(seconds))
    assert isinstance(greet, hall.Greet)
    welcomed = line.greeted(greet.hello, 12, at(seconds), placed=placed, config_rev=0, config={}, feed=None)
    assert told(welcomed) == [("welcome", 1), *(["Fetch"] if placed else [])]
    if placed:
        line.fetched([], at(seconds))
    return line


def test_no_hello_in_five_seconds_is_4006() -> None:
    line = Session(at(0).mono)
    assert told(line.receive(beat(1), at(1))) == [("error", 1, "not_allowed")]
    assert line.tick(at(4.9)) == []
    assert told(line.tick(at(5))) == [("bye", 4006), 4006]
    assert [line.tick(at(6)), line.receive(hello(2), at(6))] == [[], []]


def test_silence_of_25_seconds_is_4003_and_any_frame_breaks_it() -> None:
    line = greeted()
    assert told(line.receive(beat(2), at(24))) == [("beat_ok", 2), "Beaten"]
    assert line.tick(at(48)) == []
    assert told(line.tick(at(49))) == [("bye", 4003), 4003]


def test_a_welcome_carries_the_feed_and_the_settings_follow() -> None:
    line = Session(at(0).mono)
    [greet] = line.receive(hello(feed={"epoch": "k3", "offset": 7}), at(0))
    assert isinstance(greet, hall.Greet)
    assert greet.hello.feed == wire.Position("k3", 7)
    feed = wire.Recovered("k3", 9, True)
    welcomed = line.greeted(greet.hello, 3, at(0), placed=True, config_rev=8, config={"volume": 1}, feed=feed)
    assert told(welcomed) == [("welcome", 1), ("config",), "Fetch"]
    assert isinstance(welcomed[0], hall.Send)
    assert json.loads(welcomed[0].frame)["feed"] == {"epoch": "k3", "offset": 9, "recovered": True}


def test_each_frame_becomes_its_act() -> None:
    line = greeted()
    frames = [
        beat(2), frame("health", id=3, parts={}), frame("job_report", id=4, job="jb_1", state="done", at=AT),
        frame("press", id=5, press="p", what="next", data={}), frame("resync", id=6), frame("got", offset=4),
        frame("rotated", re=1), frame("ok", re=1), frame("error", re=None, code="x", message="y", retry=False),
        frame("issued", id=7, tickets=[]),
    ]  # fmt: skip
    assert [told(line.receive(each, at(1))) for each in frames] == [
        [("beat_ok", 2), "Beaten"], ["Feel"], ["Settle"], ["Touch"], ["Reread"], ["Shown"], [], [], ["Complain"],
        ["Accept"],
    ]  # fmt: skip


def test_ids_grow() -> None:
    line = greeted()
    assert told(line.receive(beat(7), at(1))) == [("beat_ok", 7), "Beaten"]
    assert told(line.receive(beat(7), at(1))) == [("error", 7, "id_reuse")]
    assert told(line.receive(beat(3), at(1))) == [("error", 3, "id_reuse")]
    assert told(line.receive(beat(9), at(1))) == [("beat_ok", 9), "Beaten"]


def test_the_hello_comes_first_and_only_once() -> None:
    line = greeted()
    assert told(line.receive(hello(2), at(1))) == [("error", 2, "not_allowed")]


def test_without_a_place_there_are_only_beats_and_health() -> None:
    line = greeted(placed=False)
    assert line.phase is Phase.PENDING
    assert told(line.receive(beat(2), at(1))) == [("beat_ok", 2), "Beaten"]
    assert told(line.receive(frame("health", id=3, parts={}), at(1))) == ["Feel"]
    assert told(line.receive(frame("resync", id=4), at(1))) == [("error", 4, "not_allowed")]
    assert line.offer([job(1)], at(1)) == []
    assert told(line.close(wire.Close.BAD_POSITION)) == [("bye", 4004), 4004]


def test_three_bad_frames_in_a_minute_are_4504_and_two_are_forgiven() -> None:
    line = greeted()
    assert [told(line.receive("{", at(second))) for second in (0, 20)] == [[("error", None, "bad_frame")]] * 2
    line.receive(beat(2), at(40))
    assert told(line.receive("{", at(61))) == [("error", None, "bad_frame")]
    assert told(line.receive('{"type":"beat","id":3}', at(79))) == [("error", 3, "bad_frame"), ("bye", 4504), 4504]


def test_an_unknown_type_is_named_and_never_counts_as_broken() -> None:
    line = greeted()
    assert {str(told(line.receive(frame("dance", id=n), at(0)))) for n in (2, 2, 2, 2)} == {"[('error', 2, 'unknown_type')]"}


def test_sixty_frames_at_once_are_heard_then_refused_then_hung_up_on() -> None:
    line = greeted()
    answers = [told(line.receive(beat(n), at(0))) for n in range(2, 83)]
    assert answers[:59] == [[("beat_ok", n), "Beaten"] for n in range(2, 61)]
    assert answers[59:79] == [[("error", None, "too_fast")]] * 20
    assert answers[79:] == [[("bye", 4005), 4005], []]


def test_a_lease_is_told_once_and_again_when_it_changed() -> None:
    line = greeted()
    told_of = [
        [json.loads(output.frame)["lease"] for output in line.lend(leases) if isinstance(output, hall.Send)]
        for leases in ([lease(1)], [lease(1), lease(2)], [lease(1, until=NOON + timedelta(hours=1)), lease(2)], [])
    ]
    assert told_of == [["ls_1"], ["ls_2"], ["ls_1"], []]


def test_only_a_placed_and_living_line_lends_and_takes_in() -> None:
    line = greeted(placed=False)
    assert (line.lend([lease(1)]), told(line.receive(frame("issued", id=2, tickets=[]), at(0)))) == (
        [], [("error", 2, "not_allowed")],
    )  # fmt: skip
    line.close(wire.Close.DRAINING)
    assert (line.lend([lease(1)]), line.accepted(2, 7)) == ([], [])


def test_twenty_frames_a_second_go_on_for_ever() -> None:
    line = greeted()
    assert {len(line.receive(beat(n), at(n / 20))) for n in range(2, 2000)} == {2}


def test_a_frame_over_its_limit_is_too_big() -> None:
    ticket = {"seq": 1, "lease": "ls", "number": 801, "at": AT, "up_ms": 1}
    assert told(greeted().receive(frame("issued", id=2, tickets=[ticket] * 500), at(0))) == ["Accept"]
    for big in (frame("got", offset=1, pad="x" * 16384), frame("issued", id=2, tickets=[ticket] * 1500), "啊" * 30000):
        assert told(greeted().receive(big, at(0))) == [("error", None, "too_big"), ("bye", 1009), 1009]


def test_a_job_is_sent_with_the_gen_and_again_after_15_seconds_without_accepted() -> None:
    line = greeted()
    [sent] = line.offer([job(1)], at(0))
    assert isinstance(sent, hall.Send)
    assert {key: json.loads(sent.frame)[key] for key in ("gen", "job", "kind", "key", "attempt")} == {
        "gen": 12, "job": "jb_1", "kind": "say", "key": "call:1", "attempt": 1,
    }  # fmt: skip
    assert line.tick(at(14)) == []
    assert told(line.tick(at(15))) == [("job", "jb_1", 2)]
    [settle] = line.receive(frame("job_report", id=2, job="jb_1", state="accepted", at=AT), at(16))
    assert isinstance(settle, hall.Settle)
    assert told(line.settled(settle.report)) == [("ok", 2)]
    line.receive(beat(3), at(31))
    assert line.tick(at(40)) == []


def test_four_jobs_at_most_are_in_a_devices_hands_and_none_overtakes() -> None:
    line = greeted()
    offered = told(line.offer([job(n) for n in (3, 1, 2, 5, 4)], at(0)))
    assert offered == [("job", f"jb_{n}", 1) for n in (1, 2, 3, 4)]
    assert line.offer([job(6)], at(0)) == []
    report = wire.JobReport(id=2, job="jb_1", state="done", at=NOON)
    assert told(line.settled(report)) == [("ok", 2), "Fetch"]
    assert line.offer([job(7)], at(0)) == []
    assert told(line.fetched([job(5)], at(0))) == [("job", "jb_5", 1)]
    assert line.held == ["jb_2", "jb_3", "jb_4", "jb_5"]


def test_what_was_offered_during_a_look_up_is_looked_up_again() -> None:
    line = Session(at(0).mono)
    [greet] = line.receive(hello(), at(0))
    assert isinstance(greet, hall.Greet)
    line.greeted(greet.hello, 1, at(0), placed=True, config_rev=0, config={}, feed=None)
    assert line.offer([job(2)], at(0)) == []
    assert told(line.fetched([job(1)], at(0))) == [("job", "jb_1", 1), "Fetch"]
    assert told(line.fetched([job(1), job(2)], at(0))) == [("job", "jb_2", 1)]
    line.offer([job(3)], at(0))
    assert line.held == ["jb_1", "jb_2", "jb_3"]


def test_a_job_of_another_process_is_looked_up_when_a_hand_is_free() -> None:
    line = greeted()
    assert told(line.look()) == ["Fetch"]
    line.fetched([job(n) for n in range(1, 5)], at(0))
    assert line.look() == []
    assert told(line.settled(wire.JobReport(id=2, job="jb_1", state="done", at=NOON))) == [("ok", 2), "Fetch"]


def test_a_look_up_that_failed_is_repeated_with_the_next_tick() -> None:
    line = greeted()
    line.receive(frame("job_report", id=2, job="jb_1", state="done", at=AT), at(0))
    line._more = True
    assert told(line.tick(at(1))) == ["Fetch"]
    line.unfetched()
    assert told(line.tick(at(2))) == ["Fetch"]


def test_a_job_past_its_deadline_is_neither_sent_nor_held() -> None:
    line = greeted()
    assert line.offer([job(1, expires_s=-1)], at(0)) == []
    line.offer([job(2, expires_s=10), job(3, expires_s=10)], at(0))
    line.settled(wire.JobReport(id=2, job="jb_3", state="started", at=NOON))
    line.tick(at(10))
    assert line.held == ["jb_3"]
    line.receive(beat(3), at(20))
    assert told(line.offer([job(4, expires_s=5, state="started", attempt=3)], at(20))) == [("job", "jb_4", 3)]
    for second in range(40, 160, 20):
        line.receive(beat(second), at(second))
        line.tick(at(second))
    assert line.held == []


def test_settings_and_secrets_are_numbered_from_one() -> None:
    line = greeted()
    sent = [*line.configure(4, {"volume": 3}), *line.rotate("s3cret")]
    assert [json.loads(each.frame) for each in sent if isinstance(each, hall.Send)] == [
        {"type": "config", "id": 1, "gen": 12, "rev": 4, "data": {"volume": 3}}, {"type": "rotate", "id": 2, "secret": "s3cret"},
    ]  # fmt: skip


def test_a_device_that_has_its_new_secret_is_sent_to_come_back_with_it() -> None:
    line = greeted()
    assert line.receive(frame("rotated", re=1), at(1)) == []
    line.rotate("s3cret")
    assert told(line.receive(frame("rotated", re=1), at(2))) == [("bye", 4004), 4004]


def test_only_the_answer_to_the_newest_settings_counts() -> None:
    line = greeted()
    line.configure(4, {})
    line.configure(5, {})
    answers = [line.receive(json.dumps({"type": "ok", "re": re}), at(1)) for re in (1, 2, 2)]
    assert answers == [[], [hall.Configured(5)], []]


def test_nothing_is_said_on_a_closed_line() -> None:
    line = greeted()
    line.close(wire.Close.REVOKED)
    report = wire.JobReport(id=2, job="jb_1", state="done", at=NOON)
    assert [
        line.close(wire.Close.DRAINING), line.offer([job(1)], at(0)), line.settled(report), line.done(1),
        line.refuse(1, "x", "y"), line.configure(1, {}), line.rotate("s"), line.fetched([job(1)], at(0)),
    ] == [[]] * 8  # fmt: skip


# ---- any bytes, any order

OUTPUTS = get_args(Output)
TYPES = [
    "hello", "got", "resync", "job_report", "issued", "press", "beat", "health", "rotated", "ok", "error", "dance",
]  # fmt: skip
SMALL = st.integers(-1, 40)
FIELDS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        "id": SMALL, "re": SMALL | st.none(), "offset": SMALL, "boot": st.just("b"), "agent": st.just("a"),
        "caps": st.just(["say"]), "at": st.just(AT), "sent": st.just(AT),
        "state": st.sampled_from(["done", "accepted", "x"]), "job": st.sampled_from(["jb_1", "jb_2"]),
        "press": st.text(max_size=3), "what": st.text(max_size=3),
        "data": st.dictionaries(st.text(max_size=2), SMALL, max_size=2), "parts": st.just({}), "tickets": st.just([]),
        "code": st.just("c"), "message": st.just("m"), "retry": st.booleans(),
    },
)  # fmt: skip
ACTS = ["tick", "offer", "fetched", "unfetched", "configure", "lend", "rotate", "answer"]
STEP = st.tuples(
    st.one_of(
        FIELDS.map(json.dumps), st.text(max_size=20), st.binary(max_size=20), st.just(hello()),
        st.sampled_from(ACTS).map(lambda act: ("act", act)),
    ),
    st.floats(0, 6),
)  # fmt: skip


@given(st.lists(STEP, max_size=60))
@settings(max_examples=400, deadline=None)
def test_whatever_comes_in_whatever_order_is_answered_or_ended(steps: list[tuple[Any, float]]) -> None:
    line, clock = Session(at(0).mono), 0.0
    for what, passed in steps:
        clock += passed
        outputs = perform(line, what, at(clock))
        for output in list(outputs):
            assert isinstance(output, OUTPUTS)
            if isinstance(output, hall.Send):
                wire.decode_from_hall(output.frame)
            if isinstance(output, hall.Greet):
                outputs += line.greeted(output.hello, 1, at(clock), placed=clock < 30, config_rev=1, config={}, feed=None)
            if isinstance(output, hall.Settle):
                outputs += line.settled(output.report)
            if isinstance(output, hall.Accept):
                outputs += line.accepted(output.issued.id, 1)
        assert len(line.held) <= wire.UNFINISHED_JOBS
        assert sum(isinstance(output, hall.Hangup) for output in outputs) <= 1
        if any(isinstance(output, hall.Hangup) for output in outputs):
            assert line.phase is Phase.CLOSED


def perform(line: Session, what: Any, now: Moment) -> list[Output]:
    match what:
        case ("act", "tick"):
            return line.tick(now)
        case ("act", "offer"):
            return line.offer([job(1), job(2), job(3)], now)
        case ("act", "fetched"):
            return line.fetched([job(n) for n in range(2, 8)], now)
        case ("act", "unfetched"):
            line.unfetched()
            return []
        case ("act", "configure"):
            return line.configure(1, {})
        case ("act", "lend"):
            return line.lend([lease(1)])
        case ("act", "rotate"):
            return line.rotate("s")
        case ("act", "answer"):
            return [*line.done(1), *line.refuse(2, "try_later", "later", retry=True)]
    return line.receive(what, now)


def test_thousands_of_frames_a_second_pass_through() -> None:
    line, started = greeted(), time.thread_time()
    for n in range(2, 10_002):
        line.receive(beat(n), at(n))
    assert 10_000 / (time.thread_time() - started) > 5_000


@pytest.mark.parametrize("code", list(wire.Close))
def test_every_close_says_why_before_it_hangs_up(code: wire.Close) -> None:
    assert told(greeted().close(code)) == [("bye", int(code)), int(code)]
