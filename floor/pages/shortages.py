"""Where a week lacks people, for who must find them: windows needed and staffed by day, and each gap with its reasons."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from floor.pages.calendar import day_word
from floor.words import Words
from queueing.halls import Zone
from scheduling.roster.planned import clock
from scheduling.roster.problem import Part, Pattern, Problem, Shift, Short, parts
from scheduling.roster.why import Why

FEW = 12  # lines that are all shown at once; of more the days after the first are folded


def needs(
    asked: Problem, worked: Sequence[Shift], areas: Iterable[Zone], named: dict[str, str], say: Words
) -> list[list[dict[str, Any]]]:
    """For each day and zone the windows needed and staffed at its tightest: `look` is ok, lunch (breaks in turn) or lacking."""
    shapes = {pattern.code: pattern for pattern in asked.patterns}
    cut, found = parts(asked), []
    for day in asked.days:
        bars = []
        for zone in areas:
            own = [part for part in cut if (part.day, part.zone) == (day, zone.code) and part.wanted]
            if own:
                people = [shapes[it.pattern] for it in worked if (it.day, it.zone) == (day, zone.code)]
                bars.append(bar(zone.code, own, people, named, say))
        found.append(bars)
    return found


def bar(zone: str, own: Sequence[Part], people: Sequence[Pattern], named: dict[str, str], say: Words) -> dict[str, Any]:
    """A zone's day in one line: the tightest part of it that no break explains, else the tightest."""

    def rank(part: Part) -> tuple[int, int, int]:
        lacks = part.wanted - covered(people, part)
        return lacks if not at_lunch(people, part) else 0, lacks, part.wanted

    tight = max(own, key=rank)
    there = covered(people, tight)
    look = "ok" if there >= tight.wanted else "lunch" if at_lunch(people, tight) else "lacking"
    told = say(
        f"roster.demand_{look}", zone=named[zone], begins=clock(tight.begins), ends=clock(tight.ends), wanted=tight.wanted,
        there=there,
    )  # fmt: skip
    return {"code": zone, "wanted": tight.wanted, "there": there, "look": look, "said": told}


def covered(people: Iterable[Pattern], part: Part) -> int:
    return sum(pattern.covers(part.begins, part.ends) for pattern in people)


def at_lunch(people: Iterable[Pattern], part: Part) -> bool:
    """Whether enough are on shift then, and it is their breaks that leave windows empty."""
    on = sum(pattern.begins <= part.begins and part.ends <= pattern.ends for pattern in people)
    return covered(people, part) < part.wanted <= on


# --- gaps with their reasons --------------------------------------------------------------------------------------


def joined(missing: Iterable[Why]) -> list[Why]:
    """Gaps that touch, of one zone with the same number missing for the same reasons, as one."""
    found: list[Why] = []
    for why in sorted(missing, key=lambda it: (it.short.day, it.short.zone, it.short.begins)):
        last, short = found[-1] if found else None, why.short
        if last is not None and same(last, why):
            kept = last.short
            whole = Short(kept.day, kept.zone, kept.begins, short.ends, kept.missing, kept.least)
            found[-1] = Why(whole, last.skilled, last.kept)
        else:
            found.append(why)
    return found


def same(one: Why, then: Why) -> bool:
    def what(why: Why) -> tuple[object, ...]:
        return why.short.day, why.short.zone, why.short.missing, why.short.least, why.skilled, dict(why.kept)

    return one.short.ends == then.short.begins and what(one) == what(then)


def by_day(missing: Iterable[Why], named: dict[str, str], say: Words) -> list[dict[str, Any]]:
    """Each day that lacks people with its stretches, each stretch with its zones."""
    lines = sorted(joined(missing), key=lambda it: (it.short.day, it.short.begins, it.short.ends, it.short.zone))
    found = []
    for n, (day, of_day) in enumerate(groupby(lines, key=lambda it: it.short.day)):
        mine = list(of_day)
        stretches = [
            {"time": f"{clock(begins)}–{clock(ends)}", "zones": [line(why, named, say) for why in same_time]}
            for (begins, ends), same_time in groupby(mine, key=lambda it: (it.short.begins, it.short.ends))
        ]
        least = any(why.short.least for why in mine)
        found.append(
            {"word": day_word(day, say), "stretches": stretches, "least": least, "open": n == 0 or len(lines) <= FEW,
             "sum": say("roster.short_day", n=len(stretches), hours=person_hours(mine))}
        )  # fmt: skip
    return found


def line(why: Why, named: dict[str, str], say: Words) -> dict[str, Any]:
    """One zone's gap, and what keeps each of those who could serve there."""
    comma = ", " if say.lang == "en" else "、"
    reasons = comma.join(say(f"roster.why_{reason}", n=n) for reason, n in why.kept.items())
    told = say("roster.skilled", n=why.skilled, reasons=reasons) if why.skilled else say["roster.skilled_none"]
    return {"zone": named.get(why.short.zone, why.short.zone), "n": why.short.missing, "least": why.short.least, "why": told}


def person_hours(missing: Iterable[Why]) -> str:
    """How much work is missing in all, as hours of one person."""
    hours = sum(why.short.missing * (why.short.ends - why.short.begins) for why in missing) / 60
    return f"{hours:g}" if hours == round(hours, 1) else f"{hours:.1f}"


def summary(missing: Sequence[Why], named: dict[str, str], say: Words) -> str:
    """The whole week in one sentence, with where it is worst."""
    if not missing:
        return say["roster.short_none"]
    lines = joined(missing)
    worst = max(lines, key=lambda it: (it.short.least, it.short.missing, it.short.ends - it.short.begins)).short
    return say(
        "roster.short_sum", days=len({why.short.day for why in lines}), hours=person_hours(lines), day=day_word(worst.day, say),
        begins=clock(worst.begins), ends=clock(worst.ends), zone=named.get(worst.zone, worst.zone), n=worst.missing,
    )  # fmt: skip
