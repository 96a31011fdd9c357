"""How long visits take here: what was measured of each service, clerk, hour and matter, trusted as far as there is of it.

Lengths are kept as logarithms, since a visit is as easily twice as long as half as long. Each factor is a mean drawn
towards 1 by as many imaginary visits as its kind is usually worth: five visits of a new clerk say little, two hundred say
nearly all. The shape of a service's visits is what was counted, together with a few imaginary ones of the planned length.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from queueing.floors import GRID, Habits, Pace

# Lengths are counted in BINS bins, each 1.2 times as long as the one before, from 2 s to three and a half hours.
BINS, FIRST_S, STEP = 48, 2.0, 1.2
MIDDLES = log(FIRST_S) + log(STEP) * (np.arange(BINS) + 0.5)
POINTS = np.linspace(0.0, 1.0, GRID)

Floats = npt.NDArray[np.float64]

# How many visits of one's own weigh as much as what is usual: the variance of one visit (0.25, that is a spread of half
# its length) over the variance from clerk to clerk, hour to hour … (tuned on days that the bench does not judge by).
PLANNED = 4.0
CLERK, CLERK_HERE, HOUR, MATTER, TODAY, TODAY_HALL = 6.0, 20.0, 25.0, 8.0, 15.0, 10.0
USUAL_SPREAD = 0.5
FADES_H = 1.0  # what was measured today counts half after as many hours
TODAY_SPREAD = 0.12  # one day differs from another by so much

NO_SHOW = (1.0, 19.0)  # one in twenty, until twenty calls are known


@dataclass(frozen=True, slots=True)
class Count:
    """`n` visits of a service that share a key, and the sum of the logarithms of their seconds.

    `kind`: all, clerk, hour, matter; bin (key: which), absent (a call nobody answered). Of the hall, service "": walk,
    gap and react, counted in bins; returned and missed of those who did not come. Past days weigh by their age.
    """

    service: str
    kind: str
    key: str
    n: float
    log_sum: float = 0.0


@dataclass(frozen=True, slots=True)
class Residual:
    """How far visits were from what was expected: their number and the sum of the differences of logarithms."""

    n: float = 0.0
    sum: float = 0.0

    def __add__(self, other: "Residual") -> "Residual":
        return Residual(self.n + other.n, self.sum + other.sum)

    def drawn(self, imaginary: float) -> float:
        """The mean, drawn towards nothing by so many imaginary visits."""
        return self.sum / (self.n + imaginary)


def learn(
    past: Iterable[Count], today: Iterable[Count], planned: Mapping[str, float], hour: int,
    matters: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Pace]:  # fmt: skip
    """The pace of every service of `planned` (minutes of a visit) at this hour, from past days and today so far.

    `matters` are the planned minutes of matters, by service: what is not measured yet is taken from there.
    """
    before, now = _by_kind(past), _by_kind(today)
    both = _added(before, now)
    middles = {code: _middle(code, minutes, both) for code, minutes in planned.items()}
    clerks = _clerks(both, middles)
    shares = {
        code: {name: log(own / planned[code]) for name, own in ((matters or {}).get(code) or {}).items()} for code in planned
    }
    usual = {code: _usual(code, middles[code], before, both, clerks, shares[code]) for code in planned}
    seen = {code: _today(_of(now, code, "clerk"), _of(now, code, "hour"), usual[code], hour) for code in planned}
    everywhere = sum(seen.values(), Residual()).drawn(TODAY_HALL)
    return {code: _pace(code, minutes, both, usual[code], seen[code], everywhere) for code, minutes in planned.items()}


Kinds = Mapping[tuple[str, str], Mapping[str, Residual]]  # (service, kind) -> key -> n and sum of logarithms


def _by_kind(counts: Iterable[Count]) -> Kinds:
    found: dict[tuple[str, str], dict[str, Residual]] = defaultdict(dict)
    for count in counts:
        mine = found[count.service, count.kind]
        mine[count.key] = mine.get(count.key, Residual()) + Residual(count.n, count.log_sum)
    return found


def _added(one: Kinds, other: Kinds) -> Kinds:
    found: dict[tuple[str, str], dict[str, Residual]] = defaultdict(dict)
    for kinds in (one, other):
        for kind, keys in kinds.items():
            for key, value in keys.items():
                found[kind][key] = found[kind].get(key, Residual()) + value
    return found


def _of(kinds: Kinds, service: str, kind: str) -> Mapping[str, Residual]:
    return kinds.get((service, kind), {})


def _middle(code: str, minutes: float, both: Kinds) -> float:
    """The logarithm of a usual visit: the measured mean, drawn towards the planned minutes."""
    measured = _of(both, code, "all").get("", Residual())
    usual = log(60 * minutes) - USUAL_SPREAD**2 / 2
    return (measured.sum + PLANNED * usual) / (measured.n + PLANNED)


def _clerks(both: Kinds, middles: Mapping[str, float]) -> dict[str, float]:
    """Each clerk's own speed over all services, as a logarithm."""
    found: dict[str, Residual] = defaultdict(Residual)
    for code, middle in middles.items():
        for clerk, measured in _of(both, code, "clerk").items():
            found[clerk] += Residual(measured.n, measured.sum - measured.n * middle)
    return {clerk: residual.drawn(CLERK) for clerk, residual in found.items()}


@dataclass(frozen=True, slots=True)
class Usual:
    """A service on a usual day, all as logarithms: the middle, and how clerks, hours and matters differ from it."""

    middle: float
    clerks: Mapping[str, float]
    hours: Mapping[int, float]
    matters: Mapping[str, float]


def _usual(
    code: str, middle: float, before: Kinds, both: Kinds, clerks: Mapping[str, float], shares: Mapping[str, float]
) -> Usual:
    """Hours are learnt from past days alone: an hour that is slow today is today's, and the next one will be too."""
    known = _of(both, code, "matter")
    return Usual(
        middle,
        {clerk: own + _drawn(_of(both, code, "clerk").get(clerk), middle + own, CLERK_HERE) for clerk, own in clerks.items()},
        {int(key): _drawn(value, middle, HOUR) for key, value in _of(before, code, "hour").items()},
        {key: shares.get(key, 0.0) + _drawn(known.get(key), middle + shares.get(key, 0.0), MATTER) for key in {*known, *shares}},
    )


def _pace(code: str, minutes: float, both: Kinds, usual: Usual, today: Residual, everywhere: float) -> Pace:
    measured = _of(both, code, "all").get("", Residual())
    shift = everywhere + Residual(today.n, today.sum - today.n * everywhere).drawn(TODAY)
    shape, spread = _shape(both, code, usual.middle, minutes)
    absent = _of(both, code, "absent").get("", Residual()).n
    return Pace(
        seconds=tuple(np.exp(shape + shift).tolist()),
        clerks={clerk: exp(value) for clerk, value in usual.clerks.items()},
        hours={key: exp(value) for key, value in usual.hours.items()},
        matters={key: exp(value) for key, value in usual.matters.items()},
        doubt=sqrt(spread**2 / (measured.n + PLANNED) + 1 / (1 / TODAY_SPREAD**2 + today.n / spread**2)),
        no_show=(absent + NO_SHOW[0]) / (absent + measured.n + sum(NO_SHOW)),
        measured=round(measured.n),
    )


def _drawn(measured: Residual | None, middle: float, imaginary: float) -> float:
    if measured is None:
        return 0.0
    return Residual(measured.n, measured.sum - measured.n * middle).drawn(imaginary)


def _today(by_clerk: Mapping[str, Residual], by_hour: Mapping[str, Residual], usual: Usual, hour: int) -> Residual:
    """By how much the service's visits of today differ from the usual ones, the last hours most.

    What today's clerks and hours explain is not today's: the clerks' share is taken out as a mean over the day.
    """
    seen = sum(value.n for value in by_clerk.values())
    explained = sum(value.n * usual.clerks.get(clerk, 0.0) for clerk, value in by_clerk.items()) / seen if seen else 0.0
    found = Residual()
    for key, value in by_hour.items():
        fresh = 0.5 ** (((hour - int(key)) % 24) / FADES_H)
        expected = usual.middle + explained + usual.hours.get(int(key), 0.0)
        found += Residual(fresh * value.n, fresh * (value.sum - value.n * expected))
    return found


def _shape(both: Kinds, code: str, middle: float, minutes: float) -> tuple[Floats, float]:
    """Quantiles of the logarithm of a visit's seconds, and their spread; the planned shape counts as PLANNED visits."""
    planned = np.exp(-0.5 * ((MIDDLES - middle) / USUAL_SPREAD) ** 2)
    counted = _bins(_of(both, code, "bin"))
    weights = counted + PLANNED * planned / planned.sum()
    spread = sqrt(float(np.average((MIDDLES - np.average(MIDDLES, weights=weights)) ** 2, weights=weights)))
    return quantiles(weights), max(spread, 0.05)


def _bins(keys: Mapping[str, Residual]) -> Floats:
    counted = np.zeros(BINS)
    for key, value in keys.items():
        counted[min(BINS - 1, max(0, int(key)))] += value.n
    return counted


def quantiles(weights: Floats) -> Floats:
    """GRID quantiles of a logarithm counted in bins, spread evenly over each bin. The outermost thousandth is cut off."""
    edges = log(FIRST_S) + log(STEP) * np.arange(BINS + 1)
    reached = np.concatenate(([0.0], np.cumsum(weights) / weights.sum()))
    found: Floats = np.interp(np.clip(POINTS, 0.001, 0.999), reached, edges)
    return found


# Until a hall has measured its own: twenty seconds to walk, a minute and a half until a no-show is given up, a quarter of an
# hour's pause, eight seconds from one visit's end to the next call, six until a free clerk calls. Quantiles of log-normal
# lengths of that median.
def _around(median: float, spread: float) -> Floats:
    weights: Floats = np.exp(-0.5 * ((MIDDLES - log(median)) / spread) ** 2)
    shares: Floats = weights / weights.sum()
    return shares


WALK, ABSENT, PAUSE, GAP, REACT = _around(20, 0.5), _around(90, 0.35), _around(900, 0.7), _around(8, 0.6), _around(6, 0.7)
OWN = 30.0  # as many of the hall's own count as much as these


def habits(past: Iterable[Count], today: Iterable[Count]) -> Habits:
    """What holds for the whole hall: walking, giving up, pausing, and the gap between visits."""
    both = _added(_by_kind(past), _by_kind(today))

    def seconds(kind: str, usual: Floats) -> tuple[float, ...]:
        return tuple(np.exp(quantiles(_bins(_of(both, "", kind)) + OWN * usual)).tolist())

    def many(kind: str) -> float:
        return _of(both, "", kind).get("", Residual()).n

    gap = float(np.minimum(seconds("gap", GAP), 180).mean())
    returns = (many("returned") + 5) / (many("returned") + many("missed") + 10)
    return Habits(
        seconds("walk", WALK), seconds("absent", ABSENT), seconds("pause", PAUSE), seconds("react", REACT), gap, returns
    )  # fmt: skip
