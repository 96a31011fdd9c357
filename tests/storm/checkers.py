"""The judges: one function per promise, each reading the evidence and naming what breaks it, with the rows involved."""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

from queueing import replay
from queueing.journal import Entry
from tests.storm.evidence import BoardRecord, Evidence, JobRow, JournalRow
from tests.storm.history import Op

Verdict = list[str]
ENDINGS = {"finished", "cancelled", "expired", "doorstep"}
AT_WINDOW = {"called", "serving"}
CALLS = ("ticket.called", "ticket.recalled")
CALM_S, WITHOUT_REDIS_S = 0.5, 1.5  # from commit to board
SETTLES_S = 6.0  # after a fault is over: boards back off and dial again


def no_number_twice(case: Evidence) -> Verdict:
    """1. No number is issued twice in a hall and business day, and no unmarked paper comes out twice."""
    numbers = Counter((row.day, row.number) for row in case.tickets)
    bad = [f"number {number} of {day} is on {n} tickets" for (day, number), n in numbers.items() if n > 1]
    jobs = Counter(job.ticket for job in case.jobs if job.kind == "print")  # the first is unmarked, each other a marked copy
    unmarked = Counter(job.ticket for job in case.jobs if job.kind == "print" and job.template == "ticket")
    bad += [f"{n} jobs for an unmarked paper of {ticket}" for ticket, n in unmarked.items() if n > 1]
    tickets = {row.key: f"tk_{row.id}" for row in case.tickets}
    jobs.update({tickets.get(alone.key, alone.key): alone.attempts for alone in case.alone})  # papers of its own, counted there
    papers = Counter(tickets.get(key, key) for key in case.papers)
    return bad + [f"{n} papers of {t} for {jobs[t]} jobs" for t, n in papers.items() if n > jobs[t]]


def every_acknowledged_ticket_exists_once(case: Evidence) -> Verdict:
    """2. Every acknowledged take is one ticket; a take of unknown outcome is at most one."""
    rows = {row.key: row for row in case.tickets}
    by_press: dict[str, set[str]] = defaultdict(set)
    bad = []
    for op in case.acts("take", outcome="ok"):
        by_press[op.press].add(op.answer["key"])
        row = rows.get(op.answer["key"])
        if row is None or row.number != op.answer["number"]:
            bad.append(f"acknowledged ticket {op.answer['number']} is {row}: {op}")
    bad += [f"press {press} made tickets {keys}" for press, keys in by_press.items() if len(keys) > 1]
    unknown = {op.press for op in case.acts("take", outcome="info")} - set(by_press)
    acknowledged = {key for keys in by_press.values() for key in keys} | {alone.key for alone in case.alone}
    extra = len(rows.keys() - acknowledged)
    if extra > len(unknown):
        bad.append(f"{extra} tickets nobody was told of, but only {len(unknown)} takes with unknown outcome")
    return bad


def every_ticket_ends_once(case: Evidence) -> Verdict:
    """3. After the day has rolled each ticket has exactly one ending, and its state is that ending."""
    endings: dict[int, list[JournalRow]] = defaultdict(list)
    for row in case.journal:
        if row.ticket is not None and row.kind.startswith("ticket.") and row.kind[7:] in ENDINGS:
            endings[row.ticket].append(row)
    bad = []
    for ticket in case.tickets:
        kinds = [row.kind[7:] for row in endings[ticket.id]]
        if kinds != [ticket.state]:
            bad.append(f"{ticket.number} of {ticket.day} is {ticket.state}, the journal ends it as {kinds}")
    return bad


def one_ticket_at_a_window(case: Evidence) -> Verdict:
    """4. A ticket is at one window at a time and a window has one ticket at a time, in the order of the journal."""
    at_window: dict[str, int] = {}
    place: dict[int, str] = {}
    bad = []
    for row in case.journal:
        if row.ticket is None or not row.kind.startswith("ticket."):
            continue
        window = row.data.get("window") if row.data.get("state") in AT_WINDOW else None
        left = place.get(row.ticket)
        if left is not None and left != window:
            at_window.pop(left, None)
            place.pop(row.ticket)
        if window is None:
            continue
        if at_window.get(window, row.ticket) != row.ticket:
            bad.append(f"offset {row.offset}: {row.kind} puts {row.ticket} at {window} beside {at_window[window]}")
        if left is not None and left != window and row.kind in CALLS:
            bad.append(f"offset {row.offset}: {row.ticket} is called to {window} while at {left}")
        at_window[window], place[row.ticket] = row.ticket, window
    return bad


def _identity(op: Op) -> tuple[object, ...]:
    body = op.answer
    ticket = body.get("ticket", body) if isinstance(body.get("ticket", body), dict) else body
    return op.status, ticket.get("key"), ticket.get("number"), (body.get("call") or {}).get("id")


def a_press_acts_once(case: Evidence) -> Verdict:
    """5. All answers to one press are the same, no call answers two presses, and no call comes without a press."""
    answers: dict[tuple[str, str, str], set[tuple[object, ...]]] = defaultdict(set)
    pressed: dict[str, set[str]] = defaultdict(set)
    for op in case.ops:
        if op.outcome == "ok" and op.press and op.status != 204:
            answers[op.who, op.act, op.press].add(_identity(op))
            call = (op.answer.get("call") or {}).get("id")
            if call:
                pressed[call].add(op.press)
    bad = [f"press {press}: {found}" for press, found in answers.items() if len(found) > 1]
    bad += [f"call {call} answered presses {found}" for call, found in pressed.items() if len(found) > 1]
    made = sum(row.kind in CALLS for row in case.journal)
    unknown = {op.press for op in case.acts("next", "recall", "call", outcome="info")}
    unknown -= {press for found in pressed.values() for press in found}
    if not len(pressed) <= made <= len(pressed) + len(unknown):
        bad.append(f"{made} calls in the journal, {len(pressed)} acknowledged and {len(unknown)} of unknown outcome")
    return bad


def the_journal_is_dense(case: Evidence) -> Verdict:
    """6. Offsets are 1, 2, 3 … in commit order; a reader at the tail never had to go back."""
    offsets = [row.offset for row in case.journal]
    bad = [f"offset {b} follows {a}" for a, b in pairwise([0, *offsets]) if b != a + 1]
    bad += [f"the tail reader saw {b} after {a}" for a, b in pairwise(case.tailed) if b != a + 1]
    bad += [f"offset {b.offset} is stamped before {a.offset}" for a, b in pairwise(case.journal) if b.at < a.at]
    return bad


def _calls_in_view(case: Evidence, board: BoardRecord) -> list[JournalRow]:
    zone = board.view.partition(":")[2]
    return [
        row
        for row in case.journal
        if row.kind in CALLS and (board.view == "hall" or case.zone_of_window[row.data["window"]] == zone)
    ]


def boards_follow_the_journal(case: Evidence) -> Verdict:
    """7. Each connected board shows each committed call once and in order; what it missed, a snapshot covered."""
    bad = []
    for board in case.boards:
        shown = [seen.offset for seen in board.seen if seen.kind in ("called", "recalled")]
        bad += [f"{board.name} showed offset {b} after {a}" for a, b in pairwise(shown) if b <= a]
        covered = _covered(board)
        for row in _calls_in_view(case, board):
            if row.offset not in shown and not any(low < row.offset <= high for low, high in covered):
                bad.append(f"{board.name} never showed offset {row.offset}, {row.data['ticket']} to {row.data['window']}")
        wrong = set(shown) - {row.offset for row in _calls_in_view(case, board)}
        bad += [f"{board.name} showed a call the journal does not have: {offset}" for offset in sorted(wrong)]
    return bad


def _covered(board: BoardRecord) -> list[tuple[int, int]]:
    """Spans of offsets a board skipped by taking a snapshot: (position before, position of the snapshot]."""
    spans, position = [], 0
    for seen in board.seen:
        if seen.kind == "snapshot":
            spans.append((position, seen.offset))
        position = max(position, seen.offset)
    return spans


def calls_reach_boards_in_time(case: Evidence) -> Verdict:
    """7. p99 from commit to board: half a second, a second and a half while Redis alone is gone."""
    calm, without_redis = latencies(case)
    bad = []
    for name, found, limit in (("calm", calm, CALM_S), ("without Redis", without_redis, WITHOUT_REDIS_S)):
        if found and quantile(found, 0.99) > limit:
            bad.append(f"{name}: p99 {quantile(found, 0.99):.3f} s of {len(found)} calls is over {limit} s")
    return bad


def latencies(case: Evidence) -> tuple[list[float], list[float]]:
    """Seconds from commit to board, of calls in calm weather and of calls while Redis alone was faulty.

    While another fault is on no time is promised, with Redis or without: only that the call comes once and in order, which
    stands above. A fault excuses a call if it was on at its commit, had ended less than six seconds before, or began before
    the call's time was up; one that began later found it late already.
    """
    committed = {row.offset: row.at.timestamp() for row in case.journal}
    calm: list[float] = []
    without_redis: list[float] = []
    for board in case.boards:
        for seen in board.seen:
            if seen.kind not in ("called", "recalled"):
                continue
            at = committed.get(seen.offset, 0.0)
            mute = any(fault.name.startswith("redis") for fault in case.faults_within(at, at + CALM_S))
            known = case.faults_within(at - SETTLES_S, at + (WITHOUT_REDIS_S if mute else CALM_S))
            if not known or (mute and all(fault.name.startswith("redis") for fault in known)):
                (without_redis if mute else calm).append(seen.at - at)
    return calm, without_redis


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def boards_end_up_right(case: Evidence) -> Verdict:
    """8. A board that was away shows the present state, and no call twice."""
    bad = [f"{b.name} shows {b.final}, the hall is {b.fresh}" for b in case.boards if b.final != b.fresh]
    for board in case.boards:
        twice = [o for o, n in Counter(s.offset for s in board.seen if s.kind != "snapshot").items() if n > 1]
        bad += [f"{board.name} applied offset {offset} twice" for offset in twice]
    return bad


def epochs_never_mix(case: Evidence) -> Verdict:
    """9. An event is applied only in the epoch of the snapshot before it."""
    bad = []
    for board in case.boards:
        for a, b in pairwise(board.seen):
            if b.kind != "snapshot" and a.epoch != b.epoch:
                bad.append(f"{board.name} applied {b} after {a}")
    return bad


def redis_changes_latency_only(case: Evidence) -> Verdict:
    """11. While Redis is away nothing is refused for it, and no request waits for it more than 200 ms."""
    inside = [op for op in case.ops if case.during("redis", op.began) and not _other_fault(case, op)]
    calm = [op.took for op in case.ops if op.outcome == "ok" and not case.during("", op.began, 3)]
    bad = [str(op) for op in inside if op.status >= 500 or op.outcome == "info"]
    took = [op.took for op in inside if op.outcome == "ok"]
    if took and calm and quantile(took, 0.5) > quantile(calm, 0.5) + 0.2:  # the middle: a tail is the machine's, not Redis's
        bad.append(f"p50 {quantile(took, 0.5):.3f} s without Redis, {quantile(calm, 0.5):.3f} s with it")
    return bad


def _other_fault(case: Evidence, op: Op) -> bool:
    return any(
        not fault.name.startswith("redis") and fault.began - 0.1 <= op.ended and op.began <= fault.ended + 3
        for fault in case.faults
    )


def postgres_outage_is_clear(case: Evidence) -> Verdict:
    """12. No act is acknowledged while Postgres is down, the refusal is 503 with Retry-After, and it heals in 5 s."""
    bad = []
    for fault in case.faults:
        if fault.name != "postgres restart":
            continue
        within = [op for op in case.ops if fault.began < op.began and op.ended < fault.ended and op.press]
        bad += [f"acknowledged while Postgres was down: {op}" for op in within if op.outcome == "ok"]
        refused = [op for op in within if op.status]
        bad += [f"unclear refusal: {op}" for op in refused if op.status != 503 or "retry-after" not in op.headers]
        back = [op.ended for op in case.ops if op.outcome == "ok" and op.began > fault.ended]
        if not back or min(back) - fault.ended > 5:
            bad.append(f"no act succeeded within 5 s of Postgres being back at {fault.ended:.1f}")
    return bad


def days_turn_by_the_hall(case: Evidence) -> Verdict:
    """13. Each ticket's day is the hall's own rule on its time, and numbers start again on the new day."""
    bad = [f"{t.number} is of {t.day}, by the rule of {t.day_by_rule}" for t in case.tickets if t.day != t.day_by_rule]
    days = sorted({t.day for t in case.tickets})
    if len(days) != 2:
        return [*bad, f"the day was rolled once, the tickets know the days {days}"]
    fresh = [t.number for t in sorted(case.tickets, key=lambda t: t.id) if t.day == days[1]]
    if fresh[0][-3:] != "001":
        bad.append(f"the first number of the new day is {fresh[0]}")
    return bad


def paper_or_an_alarm(case: Evidence) -> Verdict:
    """15. Every ticket asked on paper has its paper in the end; the alarm came within 10 s."""
    tickets = {row.key: f"tk_{row.id}" for row in case.tickets}
    printed = {tickets.get(key) for key in case.papers}
    asked = {job.ticket for job in case.jobs if job.kind == "print"}
    bad = [f"no paper for {ticket}" for ticket in sorted(filter(None, asked - printed))]
    if any(fault.name == "paper out" for fault in case.faults) and (case.paper_alarm_s or 99) > 10:
        bad.append(f"the alarm of the empty printer took {case.paper_alarm_s} s")
    return bad


def every_print_is_settled(case: Evidence) -> Verdict:
    """16. A paper that a power cut left uncertain has a marked copy after it; a dispenser's own papers have all ended."""
    bad = [f"the paper of {alone.printed} has not ended" for alone in case.alone if not alone.settled]
    by_ticket: dict[str | None, list[JobRow]] = defaultdict(list)
    for job in case.jobs:
        if job.kind == "print":
            by_ticket[job.ticket].append(job)
    for ticket, prints in by_ticket.items():
        if ticket and all(job.state == "uncertain" for job in prints):
            bad.append(f"nobody knows whether {ticket} has a paper, and no copy was printed")
    return bad


def offline_tickets_come_home(case: Evidence) -> Verdict:
    """18. What dispensers gave out alone stays inside their leases and arrives, each ticket once, none missing."""
    numbers = {row.key: row.number for row in case.tickets}
    given = {(row.device, row.seq): row for row in case.alone}
    have = {(row.device, row.seq): row for row in case.brought}
    bad = [f"the hall does not have {given[key]}" for key in sorted(given.keys() - have.keys())]
    bad += [f"no dispenser gave out {have[key]}" for key in sorted(have.keys() - given.keys())]
    if len(have) != len(case.brought):
        bad.append(f"{len(case.brought)} rows for {len(have)} tickets")
    for key in given.keys() & have.keys():
        mine, theirs = given[key], have[key]
        if theirs.disputed is None and (mine.printed, mine.key) != (theirs.ticket, theirs.key):
            bad.append(f"given out as {mine}, kept as {theirs}")
        if not theirs.inside or theirs.disputed is not None:
            bad.append(f"outside its lease: {theirs}")
    for device in {row.device for row in case.alone}:
        seqs = sorted(row.seq for row in case.alone if row.device == device)
        bad += [f"{device}: seq {b} follows {a}" for a, b in pairwise([0, *seqs]) if b != a + 1]
    unpapered = {row.printed for row in case.alone if row.key not in case.papers}
    bad += [f"no paper for {number}" for number in sorted(unpapered)]
    bad += [f"{number} was shown and is on no ticket" for number in case.touched if number not in numbers.values()]
    if case.alone and not case.used_up:
        bad.append("no lease was used up")
    if case.alone and len({row.device for row in case.alone}) < 2:
        bad.append("two dispensers were to go on alone")
    return bad


def a_sentence_sounds_once(case: Evidence) -> Verdict:
    """17. One announcement per call and speaker, none after its time."""
    jobs = {job.id: job for job in case.jobs}
    keys = Counter((said.speaker, jobs[said.job].key) for said in case.said if said.job in jobs)
    bad = [f"{speaker} said {key} {n} times" for (speaker, key), n in keys.items() if n > 1]
    for said in case.said:
        job = jobs.get(said.job)
        if job is None:
            bad.append(f"{said.speaker} said job {said.job}, which nobody owed")
        elif said.at > job.expires.timestamp():
            bad.append(f"{said.speaker} said {job.key} {said.at - job.expires.timestamp():.1f} s too late")
    return bad


def a_slow_board_harms_itself(case: Evidence) -> Verdict:
    """19. A board that stops reading is closed with 4002; the others are judged by 7."""
    return [f"{p.name} ended as {p.ended}" for p in case.probes if p.name == "never reads" and p.ended not in p.allowed]


def any_bytes_end_in_a_defined_close(case: Evidence) -> Verdict:
    """20. Whatever is thrown at the link ends as the protocol says, and nothing in a log looks like a crash."""
    bad = [f"{p.name} ended as {p.ended}, allowed {p.allowed}" for p in case.probes if p.ended not in p.allowed]
    bad += [f"answered with a server error: {op}" for op in case.ops if op.status in (500, 501, 502)]
    return bad + [f"a traceback: {line}" for line in case.tracebacks]


def strangers_stay_outside(case: Evidence) -> Verdict:
    """21. A pairing code lets one box in, once; guesses, old secrets and revoked boxes get nothing."""
    return [f"{p.name} ended as {p.ended}, allowed {p.allowed}" for p in case.strangers if p.ended not in p.allowed]


def every_call_follows_the_rules(case: Evidence) -> Verdict:
    """24. From what the hall knew when it called, the rules make the same choice again and give the same reason."""
    judged = replay.check(
        Entry(0, row.offset, row.at, row.kind, "", None, row.ticket, row.window, row.data) for row in case.journal
    )
    undone = sum(op.outcome != "ok" for op in case.ops if op.act == "next") + sum(op.act == "next" for op in case.ops) // 5
    if len(judged.let_go) > undone:  # a press sent twice takes a ticket and lets it go: every tenth is, on purpose
        return [*judged.broken, f"{len(judged.let_go)} passed over for nothing, {undone} presses undone: {judged.let_go[:5]}"]
    return judged.broken


def nobody_takes_more_than_the_limit(case: Evidence) -> Verdict:
    """3. No person has more numbers of a day than the hall allows, over all its web processes."""
    return [f"person {person} has {n} tickets of {day}" for person, day, n in case.persons if n > 4]


def one_rating_per_visit(case: Evidence) -> Verdict:
    """26. A rating belongs to one finished ticket, once, as it was given."""
    state = {row.id: row.state for row in case.tickets}
    counted = Counter(row.ticket for row in case.ratings)
    bad = [f"ticket {ticket} has {n} ratings" for ticket, n in counted.items() if n > 1]
    early = [row.ticket for row in case.ratings if state[row.ticket] != "finished"]
    bad += [f"ticket {ticket} is {state[ticket]} and rated" for ticket in early]
    given = {row.key: row.level for row in case.ratings}
    for op in case.acts("rate", outcome="ok"):
        if given.get(op.asked["key"]) != op.asked["level"]:
            bad.append(f"rated {op.asked}, kept {given.get(op.asked['key'])}: {op}")
    unknown = len({op.press for op in case.acts("rate", outcome="info")})
    told = {op.asked["key"] for op in case.acts("rate", outcome="ok")}
    if len(given.keys() - told) > unknown:
        bad.append(f"{len(given.keys() - told)} ratings nobody was told of, {unknown} of unknown outcome")
    return bad


CHECKS: tuple[Callable[[Evidence], Verdict], ...] = (
    no_number_twice,
    every_acknowledged_ticket_exists_once,
    every_ticket_ends_once,
    one_ticket_at_a_window,
    a_press_acts_once,
    the_journal_is_dense,
    boards_follow_the_journal,
    calls_reach_boards_in_time,
    boards_end_up_right,
    epochs_never_mix,
    redis_changes_latency_only,
    postgres_outage_is_clear,
    days_turn_by_the_hall,
    paper_or_an_alarm,
    every_print_is_settled,
    a_sentence_sounds_once,
    offline_tickets_come_home,
    a_slow_board_harms_itself,
    any_bytes_end_in_a_defined_close,
    strangers_stay_outside,
    every_call_follows_the_rules,
    nobody_takes_more_than_the_limit,
    one_rating_per_visit,
)
