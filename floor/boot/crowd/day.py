"""What a day in a hall looks like: when people come, how long a matter takes, how many never hear their number."""

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")

OPENS_MIN, CLOSES_MIN = 9 * 60, 17 * 60

# People through the door per hour at these minutes of the day, a straight line between them: a peak at half past nine
# and a lower one at half past two, a trough at lunch. 24 windows manage about 170 an hour, so the peaks make a queue.
ARRIVALS = (
    (9 * 60, 120),
    (9 * 60 + 30, 205),
    (10 * 60 + 30, 185),
    (11 * 60 + 30, 110),
    (12 * 60 + 15, 50),
    (13 * 60 + 15, 80),
    (14 * 60 + 30, 190),
    (15 * 60 + 30, 140),
    (16 * 60 + 30, 50),
    (17 * 60, 0),
)

# Typical minutes at the window and share of the day's visitors, by the service's letter.
MINUTES = {"A": 6, "B": 11, "C": 7, "D": 8, "E": 10, "F": 12, "G": 7, "H": 5}
SHARES = {"A": 0.16, "B": 0.09, "C": 0.14, "D": 0.12, "E": 0.10, "F": 0.08, "G": 0.13, "H": 0.18}
SPREAD = 0.45  # sigma of the log-normal service time: one visit in twenty takes more than twice the typical time

TWO_SERVICES = 0.05
GIVES_UP = 0.03
DEAF_TO_CALLS = 0.06  # of those called, never come
COMES_ON_RECALL = 0.04
HELD = 0.03
TRANSFERRED = 0.03
COMES_BACK_TO_DESK = 0.5  # of the missed
RATES = 0.6
LEVELS = ((5, 0.66), (4, 0.27), (3, 0.04), (2, 0.02), (1, 0.01))
OUTCOMES = (("done", 0.78), ("accepted", 0.14), ("consulted", 0.05), ("not_ready", 0.03))
REASONS = {
    5: ("510", "511", "514", "516", "517"),
    4: ("406", "408", "411", "412", "413"),
    3: ("307", "309", "310", "314"),
    2: ("207", "208", "209", "213", "214"),
    1: ("109", "110", "113", "114", "115"),
}
LANGUAGES = (("zh-Hans", 0.95), ("en", 0.03), ("zh-Hant", 0.02))


def people_per_hour(minute: float) -> float:
    """Expected arrivals per hour at this minute of the day; none outside the hours."""
    for (left, low), (right, high) in pairwise(ARRIVALS):
        if left <= minute < right:
            return low + (high - low) * (minute - left) / (right - left)
    return 0.0


@dataclass(frozen=True)
class Chance:
    """One seeded source of luck for the whole crowd."""

    luck: random.Random

    def happens(self, share: float) -> bool:
        return self.luck.random() < share

    def pick(self, shares: tuple[tuple[T, float], ...]) -> T:
        return self.luck.choices([item for item, _ in shares], [share for _, share in shares])[0]

    def gap_s(self, minute: float) -> float:
        """Simulated seconds to the next arrival (Poisson); a minute of quiet when nobody is expected."""
        rate = people_per_hour(minute)
        return self.luck.expovariate(rate / 3600) if rate > 0 else 60.0

    def services(self, open_now: list[str]) -> list[str]:
        """What a visitor came for, among the services that give tickets now; empty when none does."""
        shares = [SHARES.get(code, 0.05) for code in open_now]
        if not open_now:
            return []
        first = self.luck.choices(open_now, shares)[0]
        rest = [code for code in open_now if code != first]
        return [first, self.luck.choice(rest)] if rest and self.happens(TWO_SERVICES) else [first]

    def service_s(self, service: str) -> float:
        """Simulated seconds a visit takes at the window."""
        typical = MINUTES.get(service[:1], 5.0) * 60
        return typical * self.luck.lognormvariate(0, SPREAD)

    def patience_s(self) -> float:
        return 60 * self.luck.lognormvariate(3.2, 0.6)

    def between(self, low: float, high: float) -> float:
        return self.luck.uniform(low, high)

    def reasons(self, level: int) -> list[str]:
        """A satisfied rater seldom says why, a dissatisfied one always does."""
        if level >= 3 and not self.happens(0.3):
            return []
        return self.luck.sample(REASONS[level], self.luck.choice((1, 1, 2)))
