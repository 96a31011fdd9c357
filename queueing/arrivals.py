"""Who will still come today: as many as on past days like this one, as far as today has gone like them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from queueing.floors import Expected

QUARTER = timedelta(minutes=15)
QUARTERS = 96
LIKE_PAST = 15.0  # as many people are seen before today counts as much as the past
RECENT = 4  # quarter hours by which a hall without a past is judged
HEAD_START_S = 1500.0


@dataclass(frozen=True, slots=True)
class Came:
    """People of a service in a quarter hour since the day's roll: of an average past day, or today. `credit` of them have
    a head start, `credit_s` seconds altogether."""

    service: str
    quarter: int
    people: float
    credit: float = 0.0
    credit_s: float = 0.0


def expect(past: Iterable[Came], today: Iterable[Came], began: datetime, now: datetime) -> tuple[Expected, ...]:
    """The people to come from now on, by service and quarter hour, those with a head start apart. `began`: the day's roll."""
    before, seen = list(past), list(today)
    passed = (now - began) / QUARTER  # quarter hours of the day that are over
    share, head_start = _credit([*before, *seen])
    found = []
    for service in sorted({came.service for came in (*before, *seen)}):
        usual = _smooth({came.quarter: came.people for came in before if came.service == service})
        counted = {came.quarter: came.people for came in seen if came.service == service}
        for quarter, people in _rest(usual, counted, passed).items():
            begins = began + quarter * QUARTER
            for part, credit_s in ((1 - share, 0.0), (share, head_start)):
                if people * part > 0:
                    found.append(Expected(service, begins, begins + QUARTER, people * part, credit_s))
    return tuple(found)


def _credit(came: list[Came]) -> tuple[float, float]:
    """The share of people who have a head start, and how many seconds it is."""
    people, credit = sum(each.people for each in came), sum(each.credit for each in came)
    seconds = sum(each.credit_s for each in came)
    return (credit / people if people else 0.0), (seconds / credit if credit and seconds else HEAD_START_S)


def _smooth(people: Mapping[int, float]) -> dict[int, float]:
    """A quarter hour of few days is ragged: a quarter of each goes to either side."""
    found: dict[int, float] = {}
    for quarter, many in people.items():
        for beside, part in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            at = min(QUARTERS - 1, max(0, quarter + beside))
            found[at] = found.get(at, 0.0) + part * many
    return found


def _rest(usual: Mapping[int, float], counted: Mapping[int, float], passed: float) -> dict[int, float]:
    """People per quarter hour from the one that is running on."""
    first = int(passed)
    if usual:
        due = sum(people * min(1.0, max(0.0, passed - quarter)) for quarter, people in usual.items())
        factor = (sum(counted.values()) + LIKE_PAST) / (due + LIKE_PAST)
        return {quarter: people * factor for quarter, people in usual.items() if quarter >= first}
    span = min(float(RECENT), passed - min(counted, default=first))
    rate = sum(people for quarter, people in counted.items() if quarter > passed - 1 - span) / max(span, 1.0)
    return dict.fromkeys(range(first, QUARTERS), rate) if rate else {}
