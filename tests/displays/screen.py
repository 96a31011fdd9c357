"""A board as the protocol tells anybody to build one: snapshot, then events chained by `prev`."""

from typing import Any

from devices.wire import Event, Snapshot


class Gap(Exception):
    """An event that does not follow the one before it."""


class Screen:
    """`lines` newest call first, as (ticket, window, state)."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.offset = snapshot.offset
        self.lines = [(line["ticket"], line["window"], line["state"]) for line in snapshot.board["lines"]]
        self.waiting: dict[str, int] = dict(snapshot.board["waiting"])
        self.windows: dict[str, str] = dict(snapshot.board["windows"])
        self.heard: list[tuple[int, str]] = []

    def apply(self, event: Event) -> None:
        if event.offset <= self.offset:
            return
        if event.prev != self.offset:
            raise Gap(f"at {self.offset}, got {event}")
        self.offset = event.offset
        self.heard.append((event.offset, event.kind))
        self._show(event.kind, event.data)
        self.waiting |= event.data.get("waiting", {})

    def _show(self, kind: str, data: dict[str, Any]) -> None:
        place = next((i for i, line in enumerate(self.lines) if line[0] == data.get("ticket")), 0)
        match kind:
            case "called" | "recalled":
                self._drop(data["ticket"])
                self.lines.insert(0, (data["ticket"], data["window"], "called"))
            case "arrived":
                self._drop(data["ticket"])
                self.lines.insert(place, (data["ticket"], data["window"], "serving"))
            case "cleared":
                self._drop(data["ticket"])
            case "waiting":
                self.waiting[data["service"]] = data["count"]
            case "window_opened" | "window_resumed" | "window_paused" | "window_closed":
                self.windows[data["window"]] = {"opened": "open", "resumed": "open"}.get(kind[7:], kind[7:])

    def _drop(self, ticket: str) -> None:
        self.lines = [line for line in self.lines if line[0] != ticket]

    def shown(self) -> tuple[Any, ...]:
        return self.lines, self.waiting, self.windows
