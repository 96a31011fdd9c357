"""A preview of rules as a person reads it: waits before and after by service and category, and who is called when."""

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from floor.words import Words
from queueing.halls import Hall
from queueing.preview import Came, Hour, Played

CALLS = 60  # calls of the list; the rest of an hour adds nothing to see


@dataclass(frozen=True, slots=True)
class Bar:
    """Waits of one group in minutes, with the share of the longest for the plot."""

    word: str
    people: int
    before: float
    after: float
    before_90: float
    after_90: float


@dataclass(frozen=True, slots=True)
class Row:
    """One call: when it would come, and by how many minutes that is earlier or later than with the rules of now."""

    number: str
    service: str
    window: str
    at: str
    was: str
    shift: int | None
    because: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The whole preview. `recorded` and `replayed` are the mean waits that were and that the same rules give: how far it is to
    be believed. `whole` is false where it had to stop early."""

    start: str
    end: str
    people: int
    services: list[Bar]
    categories: list[Bar]
    longest: float
    calls: list[Row]
    moved: int
    recorded: float
    replayed: float
    whole: bool


def compared(
    hour: Hour, before: Played, after: Played, services: dict[str, str], categories: dict[str, str], hall: Hall, say: Words
) -> Seen:
    """Both runs side by side. Only those who were called in both count, and of them those who came within the hour or waited."""
    both = [who for who in hour.came if who.ticket in before.waits and who.ticket in after.waits]
    by_service = groups(both, before, after, lambda who: f"{who.service} {services.get(who.service, '')}")
    by_category = groups(both, before, after, lambda who: categories.get(who.category or "", services[""]))
    zone = ZoneInfo(hall.time_zone)
    was = {call.who.ticket: call for call in before.calls}
    rows = []
    for call in after.calls[:CALLS]:
        old = was.get(call.who.ticket)
        shift = round((call.at - old.at).total_seconds() / 60) if old else None
        rows.append(Row(
            call.who.number, call.who.service, call.window, f"{call.at.astimezone(zone):%H:%M}",
            f"{old.at.astimezone(zone):%H:%M}" if old else "–", shift, say[f"rules.name.{call.rule}"],
        ))  # fmt: skip
    called = [who for who in both if who.called_at is not None]
    real = [(who.called_at - who.joined_at).total_seconds() for who in called if who.called_at is not None]
    return Seen(
        f"{hour.start.astimezone(zone):%H:%M}", f"{hour.end.astimezone(zone):%H:%M}", len(both), by_service, by_category,
        max([bar.before_90 for bar in by_service + by_category] + [bar.after_90 for bar in by_service + by_category] + [1.0]),
        rows, sum(row.shift not in (0, None) for row in rows), mean(real), mean([before.waits[who.ticket] for who in called]),
        before.whole and after.whole,
    )  # fmt: skip


def groups(people: list[Came], before: Played, after: Played, word: Callable[[Came], str]) -> list[Bar]:
    """Waits by what `word` says of each."""
    of: dict[str, list[Came]] = {}
    for who in people:
        of.setdefault(word(who), []).append(who)
    bars = []
    for name in sorted(of):
        old, new = ([run.waits[who.ticket] for who in of[name]] for run in (before, after))
        bars.append(Bar(name, len(of[name]), mean(old), mean(new), tenth(old), tenth(new)))
    return bars


def mean(seconds: list[float]) -> float:
    """In minutes."""
    return sum(seconds) / len(seconds) / 60 if seconds else 0.0


def tenth(seconds: list[float]) -> float:
    """The minutes that nine of ten waited at most."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.9))] / 60
