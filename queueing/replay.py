"""The record explains itself: fold it, and every call can be chosen again from what the hall knew at that moment."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from queueing.journal import Entry
from queueing.rules import Fence, Line, Standing, in_order

KEPT = 2000  # changes that can be taken back: a choice is never that far behind its own row


@dataclass(slots=True)
class Floor:
    """Who waits and what each window calls, folded from the record row by row."""

    offset: int = 0
    waiting: dict[int, Standing] = field(default_factory=dict)
    known: dict[int, Standing] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    fences: dict[str, Fence] = field(default_factory=dict)
    changes: deque[tuple[int, int, Standing | None]] = field(default_factory=lambda: deque(maxlen=KEPT))

    def fold(self, entry: Entry) -> None:
        """Take one row in."""
        if entry.kind.startswith("window.") and "helping" in entry.data:
            self._window(entry.data)
        elif entry.kind == "rules.matter":
            self.fences[entry.data["matter"]] = Fence(frozenset(entry.data["windows"]), frozenset(entry.data["clerks"]))
        elif entry.kind.startswith("ticket.") and entry.ticket is not None and "rank_at" in entry.data:
            self._ticket(entry, entry.ticket)
        self.offset = entry.offset

    def _window(self, told: dict[str, Any]) -> None:
        if told["state"] == "closed":
            self.lines.pop(told["window"], None)
        else:
            self.lines[told["window"]] = Line(
                told["window"], tuple(told["services"]), helping=tuple(told["helping"]), clerk=told["clerk"]
            )

    def _ticket(self, entry: Entry, ticket: int) -> None:
        told = entry.data
        before = self.known.get(ticket)
        if before is None:
            if entry.kind != "ticket.taken":
                return
            joined = datetime.fromisoformat(told.get("joined_at", told["rank_at"]))
            credit, fenced = told.get("credit", 0), tuple(told.get("fenced") or ())
            before = Standing(ticket, told["ticket"], told["service"], joined, joined, credit=credit, fenced=fenced)
        position = "returned" if entry.kind == "ticket.returned" else told.get("position")
        after = replace(
            before,
            service=told["service"],
            rank_at=datetime.fromisoformat(told["rank_at"]),
            lane=told["lane"],
            for_window=told["for_window"],
            placed=position if position in ("front", "back", "returned") else before.placed,
        )
        self.known[ticket] = after
        self.changes.append((entry.offset, ticket, self.waiting.get(ticket)))
        if told["state"] == "waiting":
            self.waiting[ticket] = after
        else:
            self.waiting.pop(ticket, None)

    def waiting_at(self, offset: int) -> dict[int, Standing]:
        """Who waited once the row of that offset was written."""
        if not self.changes or self.changes[-1][0] <= offset:
            return self.waiting
        then = dict(self.waiting)
        for changed, ticket, before in reversed(self.changes):
            if changed <= offset:
                break
            if before is None:
                then.pop(ticket, None)
            else:
                then[ticket] = before
        return then

    def moved_since(self, offset: int) -> set[str]:
        """The numbers of those whom an act touched after the row of that offset."""
        touched = set()
        for changed, ticket, _ in reversed(self.changes):
            if changed <= offset:
                break
            touched.add(self.known[ticket].number)
        return touched


@dataclass(slots=True)
class Judged:
    """What came of choosing every call again. `broken` names each call that the rules did not make; `let_go` those who were
    passed over while another act held them that in the end did not happen (its press had acted before)."""

    calls: int = 0
    broken: list[str] = field(default_factory=list)
    let_go: list[str] = field(default_factory=list)


def check(entries: Iterable[Entry]) -> Judged:
    """Choose every call of `next` again from the record up to what it had seen; `entries` from the first row of a hall."""
    floor, judged = Floor(), Judged()
    passed: dict[str, tuple[int, str]] = {}  # who was passed over as in other hands, and by which row
    for entry in entries:
        by = entry.data.get("by") or {}
        over = passed.pop(entry.data.get("ticket", ""), None) if entry.ticket is not None else None
        if over is not None and by.get("seen", 0) >= over[0]:
            judged.let_go.append(over[1])
        if entry.kind == "ticket.called" and "seen" in by:
            judged.calls += 1
            judged.broken += choose_again(floor, entry, by)
            moved = floor.moved_since(by["seen"])
            for number in by.get("skipped", ()):
                if number not in moved:
                    passed.setdefault(number, (entry.offset, f"offset {entry.offset}: {number}"))
        floor.fold(entry)
    return judged


def choose_again(floor: Floor, entry: Entry, by: dict[str, Any]) -> list[str]:
    """What is wrong with one call, in words; nothing when the rules make the same choice and give the same reason."""
    window = floor.lines.get(entry.window or "")
    if window is None:
        return [f"offset {entry.offset}: {entry.window} called {entry.data['ticket']} and is not open"]
    line = replace(
        window,
        help_after=by.get("help_after", 0),
        short_after=by.get("short_after"),
        since_booked=by.get("since", 0),
        since_quick=by.get("short_since", 0),
    )
    if "now" not in by:
        line = replace(line, helping=())
    now = datetime.fromisoformat(by["now"]) if "now" in by else entry.at
    turns = in_order(
        floor.waiting_at(by["seen"]).values(), line, now,
        every=by.get("every", 0), short_every=by.get("short_every", 1), fences=floor.fences,
    )  # fmt: skip
    skipped = set(by.get("skipped", ()))
    first = next((turn for turn in turns if turn.who.number not in skipped), None)
    if first is None or (first.who.number, first.rule) != (entry.data["ticket"], entry.data["rule"]):
        chosen = f"{first.who.number} by {first.rule}" if first else "nobody"
        line_up = [turn.who.number for turn in turns[:5]]
        return [
            f"offset {entry.offset}: {entry.window} called {entry.data['ticket']} by {entry.data['rule']},"
            f" the rules choose {chosen} of {line_up} passing over {sorted(skipped)}, seen {by['seen']}"
        ]
    before = [turn.who.number for turn in turns[: turns.index(first)]]
    wrong = skipped.difference(before)
    return [f"offset {entry.offset}: passed over {sorted(wrong)}, who were not before {first.who.number}"] if wrong else []
