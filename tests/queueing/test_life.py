"""Whatever clerks press, in whatever order, a ticket's life follows the table of acts and the record tells the same story."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from floor.database import connect
from queueing import calls, halls, holds, journal, replay, tickets, windows
from queueing.calls import Seat
from queueing.errors import Refused
from tests.conftest import DOORS, HALL

SEATS = {no: Seat(no, f"clerk:{no}", f"c{no}") for no in ("1", "2")}
WINDOW = st.sampled_from(sorted(SEATS))
AGAIN = count(1)


class Life(RuleBasedStateMachine):
    """The model: what state each printed number should be in, and which number each window has."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.db = self.loop.run(connect(url))
        self.hall = self.loop.run(self.open_hall())
        self.state: dict[str, str] = {}
        self.at: dict[str, str | None] = dict.fromkeys(SEATS)
        self.calls: dict[str, int] = {}

    async def open_hall(self) -> halls.Hall:
        hall_id = await self.db.fetchval(HALL.replace("'demo'", f"'life-{next(AGAIN)}'"))
        await self.db.execute(DOORS, hall_id)
        (hall,) = [hall for hall in await halls.list_halls(self.db) if hall.id == hall_id]
        for seat in SEATS.values():
            await windows.open_window(self.db, hall, seat.window, seat.clerk or "", actor=seat.actor)
        return replace(hall, calls_before_missed=2, min_call_s=0, ruled=True, chosen={"interleave": 2})

    def teardown(self) -> None:
        self.loop.run(self.db.close())
        self.loop.close()

    def act(self, allowed: bool, doing: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Do it; it must succeed exactly when the model allows it."""
        try:
            made: Any = self.loop.run(doing())
        except Refused as refused:
            assert not allowed, f"refused: {refused!r}"
            return None
        assert allowed, f"done: {made}"
        return made

    def moved(self, window: str, state: str, keeps: bool) -> None:
        number = self.at[window]
        assert number is not None
        self.state[number] = state
        if not keeps:
            self.at[window] = None

    @rule(service=st.sampled_from("AB"), category=st.sampled_from([None, None, "elderly", "veteran"]), booked=st.booleans())
    def take(self, service: str, category: str | None, booked: bool) -> None:
        at = self.loop.run(self.db.fetchval("SELECT now() - interval '1 min'")) if booked else None

        def doing() -> Coroutine[Any, Any, Any]:
            return tickets.take(
                self.db, self.hall, [service], actor="desk:a", channel="desk", category=category, evidence="证", booked_for=at
            )

        taken = self.act(True, doing)
        assert taken.ticket.number not in self.state
        self.state[taken.ticket.number] = "waiting"

    @rule(window=WINDOW)
    def next(self, window: str) -> None:
        called = self.act(self.at[window] is None, lambda: calls.call_next(self.db, self.hall, SEATS[window]))
        assert isinstance(called, tickets.Act) == (self.at[window] is None and "waiting" in self.state.values())
        if isinstance(called, tickets.Act):
            self.called(window, called.ticket.number)

    def called(self, window: str, number: str) -> None:
        self.state[number], self.at[window] = "called", number
        self.calls[number] = self.calls.get(number, 0) + 1

    @precondition(lambda self: self.state)
    @rule(window=WINDOW, data=st.data())
    def special_call(self, window: str, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.state)))
        allowed = self.at[window] is None and self.state[number] in ("waiting", "missed")
        if self.act(allowed, lambda: calls.call_number(self.db, self.hall, SEATS[window], number)):
            self.called(window, number)

    def here(self, window: str) -> str | None:
        number = self.at[window]
        return None if number is None else self.state[number]

    @rule(window=WINDOW)
    def recall(self, window: str) -> None:
        if self.act(self.here(window) == "called", lambda: calls.recall(self.db, self.hall, SEATS[window])):
            self.calls[self.at[window] or ""] += 1

    @rule(window=WINDOW)
    def arrive(self, window: str) -> None:
        if self.act(self.here(window) == "called", lambda: calls.arrive(self.db, self.hall, SEATS[window])):
            self.moved(window, "serving", keeps=True)

    @rule(window=WINDOW)
    def finish(self, window: str) -> None:
        if self.act(self.here(window) in ("called", "serving"), lambda: calls.finish(self.db, self.hall, SEATS[window])):
            self.moved(window, "finished", keeps=False)

    @rule(window=WINDOW)
    def no_show(self, window: str) -> None:
        if self.act(self.here(window) == "called", lambda: calls.no_show(self.db, self.hall, SEATS[window])):
            self.moved(window, "missed" if self.calls[self.at[window] or ""] >= 2 else "waiting", keeps=False)

    @precondition(lambda self: self.here("1") in ("called", None) and "waiting" in self.state.values())
    @rule()
    def called_in_vain(self) -> None:
        """Two steps at once, so that many a life comes to be missed."""
        if self.here("1") is None:
            self.next("1")
        self.no_show("1")

    @rule(window=WINDOW, kind=st.sampled_from(calls.HOLDS))
    def hold(self, window: str, kind: str) -> None:
        allowed = self.here(window) in ("called", "serving")
        if self.act(allowed, lambda: calls.hold(self.db, self.hall, SEATS[window], kind)):
            self.moved(window, "held", keeps=False)

    @precondition(lambda self: self.state)
    @rule(window=WINDOW, data=st.data())
    def resume_held(self, window: str, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.state)))
        allowed = self.at[window] is None and self.state[number] == "held"
        if self.act(allowed, lambda: calls.resume_held(self.db, self.hall, SEATS[window], number)):
            self.state[number], self.at[window] = "serving", number

    @rule(window=WINDOW, service=st.sampled_from("AB"), position=st.sampled_from(calls.POSITIONS))
    def transfer(self, window: str, service: str, position: str) -> None:
        allowed = self.here(window) in ("called", "serving")

        def doing() -> Coroutine[Any, Any, Any]:
            return calls.transfer(self.db, self.hall, SEATS[window], to_service=service, position=position)

        if self.act(allowed, doing):
            self.calls[self.at[window] or ""] = 0
            self.moved(window, "waiting", keeps=False)

    async def by_number(self, number: str) -> tickets.Ticket:
        (ticket,) = await tickets.find(self.db, self.hall, number=number)
        return ticket

    @precondition(lambda self: self.state)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.state)))
        key = self.loop.run(self.by_number(number)).key
        allowed = self.state[number] in ("waiting", "called", "held", "missed")
        if self.act(allowed, lambda: tickets.cancel(self.db, self.hall, key, actor="citizen")):
            self.state[number] = "cancelled"
            self.at = {window: None if has == number else has for window, has in self.at.items()}

    @precondition(lambda self: self.state)
    @rule(data=st.data(), position=st.sampled_from(calls.POSITIONS))
    def restore(self, data: st.DataObject, position: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.state)))
        key = self.loop.run(self.by_number(number)).key
        if self.act(self.state[number] == "missed", lambda: tickets.restore(self.db, self.hall, key, position, actor="desk:a")):
            self.state[number], self.calls[number] = "waiting", 0

    @precondition(lambda self: self.state)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.state)))
        key = self.loop.run(self.by_number(number)).key
        if self.act(self.state[number] == "held", lambda: holds.release(self.db, self.hall, key, actor="desk:a")):
            self.state[number], self.calls[number] = "waiting", 0

    @invariant()
    def tables_and_model_agree(self) -> None:
        found = self.loop.run(tickets.find(self.db, self.hall, limit=500))
        assert {ticket.number: ticket.state for ticket in found} == self.state
        shown = self.loop.run(windows.list_windows(self.db, self.hall))
        assert {window.no: window.ticket for window in shown} == self.at

    @invariant()
    def the_record_is_dense_and_tells_the_same(self) -> None:
        entries = self.loop.run(journal.read(self.db, self.hall.id, 0, limit=10_000))
        assert [entry.offset for entry in entries] == list(range(1, len(entries) + 1))
        last = {entry.data["ticket"]: entry.data["state"] for entry in entries if entry.ticket}
        assert last == self.state
        assert replay.check(entries).broken == []


def test_any_sequence_of_presses_follows_the_table(database_url: str) -> None:
    few = settings(
        max_examples=25,
        stateful_step_count=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(partial(Life, database_url), settings=few)  # type: ignore[arg-type]
