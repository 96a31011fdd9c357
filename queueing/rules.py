"""Who goes first, as one ordered list of rules, and the same choice in plain Python: to explain it, check it and try it out."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# Within a queue the order is rank_at: the moment someone joined, less the credit of their category in minutes. A credit is a
# head start: who has 30 minutes overtakes those who joined in the last 30 minutes and nobody else, so nobody starves.
# A call is named after the first of these that made it. The sentence of each is `rules.because.<name>` in the catalogues.
RULES = (
    "special",  # a window called this very number, out of order
    "for_window",  # it was sent to this window, and only this window calls it
    "interleave",  # one booked visitor, then k others
    "short",  # the short line had waited too long
    "help",  # another service had waited too long, and this window helps with it
    "front",  # the desk or a window put it first
    "returned",  # it had not come when called and stands behind the next few
    "booked",  # its place is the booked time less the head start of the booked
    "credit",  # its category has a head start
    "order",  # it joined first
)

WALK_IN, BOOKED, QUICK = 0, 1, 2  # tickets.lane


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody in line, as the rules see them. `fenced`: their matters, where one of them is for some windows only."""

    ticket: int
    number: str
    service: str
    rank_at: datetime
    joined_at: datetime
    lane: int = WALK_IN
    credit: int = 0
    for_window: str | None = None
    placed: str | None = None
    fenced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A window's side: what it serves and helps with, in minutes how long others wait first, and its calls since the last
    booking and the last short job."""

    no: str
    services: tuple[str, ...]
    helping: tuple[str, ...] = ()
    help_after: int = 0
    short_after: int | None = None
    since_booked: int = 1_000_000
    since_quick: int = 1_000_000
    clerk: str | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """The only windows and clerks that serve a matter."""

    windows: frozenset[str]
    clerks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Turn:
    """One place in a window's line: who, and the rule that would be named. `place` 0 is due, 1 in order, 2 not yet."""

    who: Standing
    rule: str
    place: int


def in_order(
    waiting: Iterable[Standing],
    line: Line,
    now: datetime,
    *,
    every: int = 0,
    short_every: int = 1,
    fences: Mapping[str, Fence] | None = None,
) -> list[Turn]:
    """Everybody this window may call, in the order it would: the same choice as the statement of calls.py makes.

    `every` others between two booked, `short_every` between two of the short line.
    """
    turns = []
    for who in waiting:
        turn = _turn(who, line, now, every, short_every)
        if turn is not None and all(_inside(fence, line) for fence in _fences(who.fenced, fences)):
            turns.append(turn)
    return sorted(turns, key=lambda turn: (turn.place, turn.who.rank_at, turn.who.ticket))


def coming(
    waiting: Iterable[Standing],
    line: Line,
    now: datetime,
    n: int,
    *,
    every: int = 0,
    short_every: int = 1,
    fences: Mapping[str, Fence] | None = None,
) -> list[Turn]:
    """The next `n` this window would call, should nothing else happen: after each call the counts go on."""
    left, turns = list(waiting), list[Turn]()
    while len(turns) < n:
        order = in_order(left, line, now, every=every, short_every=short_every, fences=fences)
        if not order:
            break
        turns.append(order[0])
        left.remove(order[0].who)
        line = replace(
            line,
            since_booked=0 if order[0].who.lane == BOOKED else line.since_booked + 1,
            since_quick=0 if order[0].rule == "short" else line.since_quick + 1,
        )
    return turns


def _turn(who: Standing, line: Line, now: datetime, every: int, short_every: int) -> Turn | None:
    if who.for_window is not None:
        return Turn(who, "for_window", 1) if who.for_window == line.no else None
    own, helped = who.service in line.services, who.service in line.helping
    if (own or helped) and _short_is_due(who, line, now, short_every):
        return Turn(who, "short", 0)
    if who.lane == BOOKED and every > 0:
        due = line.since_booked >= every and who.rank_at <= now
        return Turn(who, "interleave" if due else reason_of(who), 0 if due else 2) if own else None
    if own:
        return Turn(who, reason_of(who), 1)
    if helped and who.rank_at <= now - timedelta(minutes=line.help_after):
        return Turn(who, "help", 1)
    return None


def _short_is_due(who: Standing, line: Line, now: datetime, short_every: int) -> bool:
    return (
        who.lane == QUICK
        and line.short_after is not None
        and line.since_quick >= short_every
        and who.rank_at <= now - timedelta(minutes=line.short_after)
    )


def reason_of(who: Standing) -> str:
    """Why somebody stands where they stand, by the one key alone."""
    if who.placed in ("front", "returned"):
        return who.placed
    if who.rank_at >= who.joined_at:
        return "order"
    return "booked" if who.lane == BOOKED else "credit"


def _fences(matters: Collection[str], fences: Mapping[str, Fence] | None) -> list[Fence]:
    return [fences[matter] for matter in matters if fences and matter in fences]


def _inside(fence: Fence, line: Line) -> bool:
    return line.no in fence.windows or line.clerk in fence.clerks


def most_overtaken(credits: Mapping[str, int]) -> dict[str, int]:
    """By category, in minutes: who joins later than this after somebody never goes before them by a head start.

    The bound is the largest credit less one's own. Beyond it, interleave lets one booked visitor go before every k others, and
    the short line one short job before every k: those are counted in people, not minutes.
    """
    largest = max(credits.values(), default=0)
    return {code: max(0, largest - minutes) for code, minutes in credits.items()}
