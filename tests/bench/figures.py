"""One row of the bench: what was measured, its floor from the same run, the goal, and whether it is met."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`ratio` is product over floor, or the product alone where the goal is absolute. `met` None: nothing was promised."""

    goal: str  # P1 … P10
    what: str
    floor: str
    product: str
    ratio: float | None
    spread: str
    wanted: str
    met: bool | None
    note: str = ""
    raw: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Pair:
    """Interleaved runs of the floor and of the product; the middle of each and how far the runs were apart."""

    floor: Sequence[float]
    product: Sequence[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.product) / statistics.median(self.floor)

    @property
    def spread(self) -> str:
        """Lowest to highest ratio of neighbouring runs."""
        ratios = [b / a for a, b in zip(self.floor, self.product, strict=True)]
        return f"{min(ratios):.2f}–{max(ratios):.2f} of {len(ratios)}"

    def at_least(self, goal: str, what: str, limit: float, unit: str, note: str = "") -> Figure:
        return self._figure(goal, what, unit, f"≥ {limit:g} ×", self.ratio >= limit, note)

    def at_most(self, goal: str, what: str, limit: float, unit: str, note: str = "") -> Figure:
        return self._figure(goal, what, unit, f"≤ {limit:g} ×", self.ratio <= limit, note)

    def _figure(self, goal: str, what: str, unit: str, wanted: str, met: bool, note: str) -> Figure:
        floor, product = statistics.median(self.floor), statistics.median(self.product)
        return Figure(
            goal, what, amount(floor, unit), amount(product, unit), round(self.ratio, 3), self.spread, wanted, met, note,
            {"floor": list(self.floor), "product": list(self.product), "unit": unit},
        )  # fmt: skip


def absolute(goal: str, what: str, values: Sequence[float], limit: float, unit: str, note: str = "") -> Figure:
    """A goal without a floor: the middle of the values must stay under the limit."""
    middle = statistics.median(values)
    return Figure(
        goal, what, "–", amount(middle, unit), None, f"{min(values):.3g}–{max(values):.3g} of {len(values)}",
        f"≤ {amount(limit, unit)}", middle <= limit, note, {"product": list(values), "unit": unit},
    )  # fmt: skip


def amount(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(figures: Sequence[Figure]) -> str:
    """All figures as a text table, with a line under each goal that was missed."""
    heads = ("", "measure", "floor", "product", "ratio", "spread", "goal", "met")
    rows = [
        (f.goal, f.what, f.floor, f.product, "–" if f.ratio is None else f"{f.ratio:.2f}", f.spread, f.wanted,
         {True: "yes", False: "NO", None: "–"}[f.met])
        for f in figures
    ]  # fmt: skip
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]]
    notes = [f"{f.goal} {f.what}: {f.note}" for f in figures if f.note and f.met is not True]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:], *(["", "Where the time goes:"] if notes else []), *notes])
