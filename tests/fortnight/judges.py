"""What the record, the papers and the boards say afterwards, held against the calendar of `days`. One function a promise."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from tests.fortnight.days import FORTNIGHT, OVERFLOW, ZONE, day_of
from tests.fortnight.play import HOME, Play
from tests.fortnight.stage import Stage
from tests.storm.boards import CALLS
from tests.storm.evidence import BoardRecord, Evidence
from tests.storm.gather import read_logs, read_paper

PROMISE = timedelta(minutes=10)
OPENING = time(8, 0)
JOURNAL = """
SELECT j."offset", j.at, j.kind, j.actor, j.window_no, j.data, t.number, t.service, t.key, t.day, a.start AS booked
FROM journal j LEFT JOIN tickets t ON t.id = j.ticket LEFT JOIN appointments a ON a.ticket_key = t.key ORDER BY j."offset"
"""
APPOINTMENTS = "SELECT a.id, a.code, a.service, a.start, a.state, a.checked_in_at FROM appointments a ORDER BY a.id"
LEFT = "SELECT number, state::text FROM tickets WHERE state NOT IN ('finished', 'expired') ORDER BY number"
OWED = "SELECT kind, state::text, count(*)::int AS n FROM jobs WHERE state <> 'done' GROUP BY 1, 2"
STRIKES = "SELECT appointment FROM booking_strikes ORDER BY 1"
OVERTIME = "SELECT clerk, day, minutes FROM overtime ORDER BY day, clerk"
TWICE = "SELECT rule FROM ticks GROUP BY rule, minute, subject HAVING count(*) > 1"


@dataclass
class Case:
    """All that is looked at."""

    play: Play
    journal: list[dict[str, Any]] = field(default_factory=list)
    appointments: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    owed: list[dict[str, Any]] = field(default_factory=list)
    strikes: list[int] = field(default_factory=list)
    overtime: list[dict[str, Any]] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    papers: list[str] = field(default_factory=list)
    boards: list[BoardRecord] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [row for row in self.journal if row["kind"] in kinds]


async def judge(stage: Stage, play: Play) -> list[str]:
    """Every difference, in a line each."""
    case = Case(play)
    for name, query in (
        ("journal", JOURNAL),
        ("appointments", APPOINTMENTS),
        ("left", LEFT),
        ("owed", OWED),
        ("overtime", OVERTIME),
    ):
        setattr(case, name, [dict(row) for row in await stage.db.fetch(query)])
    case.strikes = [row["appointment"] for row in await stage.db.fetch(STRIKES)]
    case.twice = [row["rule"] for row in await stage.db.fetch(TWICE)]
    seen = Evidence()
    read_paper(stage.hall, seen)
    read_logs(stage.hall, seen)
    case.papers, case.crashes = seen.papers, seen.tracebacks
    case.boards = [board.record for board in stage.boards]
    return [line for check in CHECKS for line in check(case)]


def clock(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%m-%d %H:%M}"


def numbers_are_given_when_the_calendar_says(case: Case) -> list[str]:
    """Every number was given in a session that is for whoever got it."""
    wrong = []
    for row in case.of("ticket.taken"):
        day = day_of(row["at"])
        allowed = day.may_check_in if row["booked"] else day.may_take
        if day.day != row["day"] or not allowed(row["service"], row["at"]):
            wrong.append(f"{row['number']} was given at {clock(row['at'])}: {day.hours}")
    return wrong


def every_number_given_was_seen_at_the_dispenser(case: Case) -> list[str]:
    """As many numbers as people were given one, by day; from 001 on, without gaps."""
    wrong = []
    for note in case.play.notes:
        mine = [row for row in case.of("ticket.taken") if row["day"] == note.day.day]
        if len(mine) != note.walked_in + note.checked_in:
            wrong.append(f"{note.day.day}: {len(mine)} tickets, {note.walked_in + note.checked_in} people got one")
        for letter in sorted({row["number"][0] for row in mine}):
            counted = [int(row["number"][1:]) for row in mine if row["number"][0] == letter]
            if counted != list(range(1, len(counted) + 1)):
                wrong.append(f"{note.day.day}: numbers of {letter} run {counted}")
    return wrong


def every_ticket_ended_once(case: Case) -> list[str]:
    """Finished, or expired where somebody left; each once, however the clock was moved."""
    ends = Counter(row["number"] + str(row["day"]) for row in case.of("ticket.finished", "ticket.expired", "ticket.cancelled"))
    taken = {row["number"] + str(row["day"]) for row in case.of("ticket.taken")}
    wrong = [f"{row['number']} is still {row['state']}" for row in case.left]
    wrong += [f"{name} ended {n} times" for name, n in ends.items() if n != 1] + [
        f"{name} never ended" for name in taken - set(ends)
    ]
    gone = [row["number"] for row in case.of("ticket.expired")]
    return wrong + ([] if gone == case.play.left else [f"expired: {gone}, left in the hall: {case.play.left}"])


def every_ticket_has_its_paper(case: Case) -> list[str]:
    """One paper a ticket, and nothing owed to a machine was lost."""
    given, printed = sorted(row["key"] for row in case.of("ticket.taken")), sorted(case.papers)
    ours = len(set(given) & set(printed))
    wrong = [] if given == printed else [f"{len(given)} tickets, {len(printed)} papers, {ours} of them of these tickets"]
    return wrong + [f"{row['n']} {row['kind']} jobs ended {row['state']}" for row in case.owed if row["kind"] == "print"]


def windows_were_open_as_rostered(case: Case) -> list[str]:
    """Each clerk of the day's roster at the own window, nobody else, and every window shut again on the same day."""
    wrong, open_now = [], dict[str, datetime]()
    for row in case.of("window.opened", "window.closed"):
        day, no = day_of(row["at"]), row["window_no"]
        if row["kind"] == "window.opened":
            open_now[no] = row["at"]
            if row["actor"].removeprefix("clerk:") not in day.clerks:
                wrong.append(f"{row['actor']} opened window {no} on {day.day}; the roster has {day.clerks}")
        elif day_of(open_now.pop(no)).day != day.day:
            wrong.append(f"window {no} stayed open over the night to {day.day}")
    for day in FORTNIGHT:
        opened = sorted(row["window_no"] for row in case.of("window.opened") if day_of(row["at"]).day == day.day)
        if opened != sorted(HOME[clerk] for clerk in day.clerks):
            wrong.append(f"{day.day}: windows {opened} were open, the roster has {day.clerks}")
    return wrong + [f"window {no} was never closed" for no in open_now]


def windows_closed_over_nobody(case: Case) -> list[str]:
    """Nobody who had a number was left: the last call of a day comes before the last window closes (延时)."""
    wrong = []
    for day in FORTNIGHT:
        calls = [row["at"] for row in case.of("ticket.called") if row["day"] == day.day]
        closings = [row["at"] for row in case.of("window.closed") if day_of(row["at"]).day == day.day]
        if calls and max(calls) > max(closings, default=calls[-1]):
            wrong.append(f"{day.day}: called at {clock(max(calls))} after the last window had closed")
        if day.day == OVERFLOW and max(calls, default=day.at(OPENING)) < day.at(day.sessions[-1].closes):
            wrong.append(f"{day.day} did not overflow: the last call was at {clock(max(calls))}")
    return wrong


def who_stayed_has_it_in_the_ledger(case: Case) -> list[str]:
    """On the overflowing Friday every clerk of the day worked longer, and it is written down; on no other working day."""
    wrong = []
    for day in (it for it in FORTNIGHT if it.kind in ("weekday", "make_up")):
        stayed = tuple(row["clerk"] for row in case.overtime if row["day"] == day.day and row["minutes"] >= 30)
        if stayed != (day.clerks if day.day == OVERFLOW else ()):
            wrong.append(f"{day.day}: overtime of {stayed}; the roster has {day.clerks}")
    return wrong


def boards_showed_every_call(case: Case) -> list[str]:
    """The board of each area showed the calls of its windows, each once and in order."""
    wrong = []
    for board in case.boards:
        windows = {"zone:A": ("1", "2", "3"), "zone:B": ("4", "5", "6")}[board.view]
        called = [
            (row["offset"], row["number"]) for row in case.of("ticket.called", "ticket.recalled") if row["window_no"] in windows
        ]
        shown = [(seen.offset, seen.ticket) for seen in board.seen if seen.kind in CALLS]
        if shown != called:
            missing = [number for n, number in called if (n, number) not in shown]
            wrong.append(f"{board.view} showed {len(shown)} of {len(called)} calls; not {missing[:5]}")
    return wrong


def who_booked_does_not_queue(case: Case) -> list[str]:
    """Whoever checked in a booking was called within ten minutes of the booked time, or of coming if that was later."""
    wrong, came = [], {row["id"]: row for row in case.appointments if row["state"] == "checked_in"}
    first = dict[str, datetime]()
    for row in case.of("ticket.called"):
        first.setdefault(row["key"], row["at"])
    for row in case.of("ticket.taken"):
        if row["booked"] and first[row["key"]] > max(row["booked"], row["at"]) + PROMISE:
            wrong.append(f"{row['number']}, booked for {clock(row['booked'])}, was called at {clock(first[row['key']])}")
    return wrong + ([] if came else ["no booking was ever checked in"])


def bookings_ended_as_they_should(case: Case) -> list[str]:
    """Who came is checked in, who did not is let fall once; nobody is blamed for a time the hall was shut at."""
    wrong = []
    told = Counter(row["data"]["appointment"] for row in case.of("appointment.no_show"))
    comes = {booked.code: booked.comes for mine in case.play.bookings.values() for booked in mine}
    for row in case.appointments:
        shut = row["code"] not in comes
        wanted = "cancelled" if shut else "checked_in" if comes[row["code"]] else "no_show"
        fell = int(wanted == "no_show")
        if (row["state"], told[row["id"]], case.strikes.count(row["id"])) != (wanted, fell, fell):
            wrong.append(
                f"booking of {clock(row['start'])} is {row['state']}, told {told[row['id']]} times; it should be {wanted}"
            )
    return wrong


def papers_are_taken_in_where_nothing_is_decided(case: Case) -> list[str]:
    """On days that only take papers in every visit ends so, has a receipt, and was passed on next working day; on no other."""
    wrong, passed = [], [receipt for row in case.of("intake.passed") for receipt in row["data"]["receipts"]]
    for row in case.of("ticket.finished"):
        only = day_of(row["at"]).accept_only
        if row["data"]["outcome"] != ("accepted" if only else "done"):
            wrong.append(f"{row['number']} of {row['day']} ended {row['data']['outcome']}")
        known = passed.count(f"{row['day']:%Y%m%d}-{row['number']}")
        last = row["day"] == FORTNIGHT[-1].day  # no working day of the fortnight comes after it
        if known != int(only and not last):
            wrong.append(f"{row['number']} of {row['day']} was passed on {known} times")
    return wrong


def the_clock_acted_once(case: Case) -> list[str]:
    """No rule acted twice in its period, though two clocks ran and time was put back."""
    return [f"{rule} acted twice in a period" for rule in case.twice]


def nothing_crashed(case: Case) -> list[str]:
    """No process wrote of an error."""
    return case.crashes


CHECKS: tuple[Callable[[Case], list[str]], ...] = (
    numbers_are_given_when_the_calendar_says, every_number_given_was_seen_at_the_dispenser, every_ticket_ended_once,
    every_ticket_has_its_paper, windows_were_open_as_rostered, windows_closed_over_nobody, who_stayed_has_it_in_the_ledger,
    boards_showed_every_call,
    who_booked_does_not_queue, bookings_ended_as_they_should, papers_are_taken_in_where_nothing_is_decided,
    the_clock_acted_once, nothing_crashed,
)  # fmt: skip
