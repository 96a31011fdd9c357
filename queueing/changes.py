"""What somebody could change on the floor: a window opened or closed, a clerk moved, a door shut earlier or kept longer."""

from dataclasses import dataclass, replace

from queueing.floors import Floor, Plan, Seat, endings


@dataclass(frozen=True, slots=True)
class Open:
    """A window begins to serve these services `after_s` seconds from now, with this clerk. One that is open serves them too,
    beside what it serves already."""

    window: str
    services: tuple[str, ...]
    clerk: str | None = None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Close:
    """A window stops calling `after_s` seconds from now; the visit in hand is finished."""

    window: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Serve:
    """An open window serves these services from now on, and no others."""

    window: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """The clerk of one window goes to another: after the visit in hand the one closes, `walk_s` later the other opens."""

    from_window: str
    to_window: str
    services: tuple[str, ...]
    walk_s: float = 120.0


@dataclass(frozen=True, slots=True)
class StopWalkIns:
    """A service gives no more tickets from `after_s` seconds after now on."""

    service: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Extend:
    """Windows that were planned to close stay open for `by_s` seconds more, and the doors give tickets as much longer. Less than
    nothing takes that back, where it is not too late for it."""

    by_s: float
    windows: tuple[str, ...] = ()  # none named: all
    tickets: bool = False  # whether the doors give tickets longer as well


Change = Open | Close | Serve | Move | StopWalkIns | Extend


def changed(floor: Floor, *changes: Change) -> Floor:
    """The floor as it would be. KeyError for a window that isn't there."""
    for change in changes:
        floor = _changed(floor, change)
    return floor


def _changed(floor: Floor, change: Change) -> Floor:
    match change:
        case Open():
            return _opened(floor, change)
        case Close():
            return _planned(floor, Plan(change.window, change.after_s, ()))
        case Serve():
            other = replace(_seat(floor, change.window), services=change.services)
            return replace(floor, seats=tuple(other if seat.window == change.window else seat for seat in floor.seats))
        case Move():
            clerk = _seat(floor, change.from_window).clerk
            closed = _planned(floor, Plan(change.from_window, 0.0, ()))
            return _opened(closed, Open(change.to_window, change.services, clerk, change.walk_s))
        case StopWalkIns():
            return replace(floor, last_ticket_s={**floor.last_ticket_s, change.service: change.after_s})
        case Extend():
            last = floor.last_ticket_s
            longer = {code: at + change.by_s for code, at in last.items()} if change.tickets else last
            put_off = endings(floor.plans)
            plans = tuple(
                replace(plan, at_s=plan.at_s + change.by_s)
                if plan in put_off and (not change.windows or plan.window in change.windows) and plan.at_s + change.by_s > 0
                else plan
                for plan in floor.plans
            )  # fmt: skip
            return replace(floor, last_ticket_s=longer, plans=plans)


def _opened(floor: Floor, change: Open) -> Floor:
    seat = _seat(floor, change.window)
    already = seat.services if seat.state not in ("closed", "paused") else ()
    services = tuple(dict.fromkeys((*already, *change.services)))
    clerk = change.clerk or seat.clerk
    if change.after_s > 0:
        return _planned(floor, Plan(change.window, change.after_s, services, clerk))
    state = seat.state if seat.busy_with is not None else "open"
    now = replace(seat, services=services, clerk=clerk, state=state)
    return replace(floor, seats=tuple(now if other is seat else other for other in floor.seats))


def _planned(floor: Floor, plan: Plan) -> Floor:
    """A plan of our own takes the place of what was planned for the window before that instant's end of the day."""
    _seat(floor, plan.window)
    kept = tuple(other for other in floor.plans if other.window != plan.window or other.at_s < plan.at_s)
    return replace(floor, plans=tuple(sorted((*kept, plan), key=lambda each: each.at_s)))


def _seat(floor: Floor, window: str) -> Seat:
    found = {seat.window: seat for seat in floor.seats}
    return found[window]
