"""The fortnight as it is played: every day from before its doors open until its strips are dark, noting what was seen."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial

from tests.fortnight import days
from tests.fortnight.days import FORTNIGHT, KINDS, OVERFLOW, POWER_CUT, SICK, Day, Session
from tests.fortnight.people import API, People
from tests.fortnight.stage import Stage

MINUTE = timedelta(minutes=1)
AN_HOUR_BACK, OVER_THE_ROLL = date(2026, 2, 24), date(2026, 2, 26)
CLOCKS_GONE, CLOCKS_BACK = date(2026, 3, 1), date(2026, 3, 2)
HOME = {"clerk01": "1", "clerk02": "2", "clerk03": "3", "clerk04": "4"}  # where each sits
ZONE_OF = {"1": "A", "2": "A", "3": "A", "4": "B"}
SERVES = {"1": ("A",), "2": ("A",), "3": ("A",), "4": ("B",)}
VISITORS = {"A": 2, "B": 1}  # who walk in during a session
CROWD = 24  # who stand before the dispenser on Friday just before the last ticket
EVENING = time(18, 0)


@dataclass
class Note:
    """What one day showed. `wrong`: where it was not what the calendar said."""

    day: Day
    wrong: list[str] = field(default_factory=list)
    walked_in: int = 0
    checked_in: int = 0
    turned_away: int = 0
    served: int = 0
    calls: int = 0
    opened: list[str] = field(default_factory=list)
    done_at: datetime | None = None

    def check(self, true: object, said: str) -> None:
        if not true:
            self.wrong.append(said)


@dataclass
class Booked:
    code: str
    service: str
    start: datetime
    comes: bool


@dataclass
class Play:
    """One run of the fortnight."""

    stage: Stage
    people: People
    notes: list[Note] = field(default_factory=list)
    bookings: dict[date, list[Booked]] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)  # window -> clerk
    left: list[str] = field(default_factory=list)  # numbers whose holders never came

    async def run(self) -> None:
        for n, day in enumerate(FORTNIGHT):
            note = self.begin(day)
            await self.morning(day, note)
            for session in day.sessions:
                await self.session(day, session, note)
            await self.evening(day, note, FORTNIGHT[n + 1] if n + 1 < len(FORTNIGHT) else None)

    def begin(self, day: Day) -> Note:
        self.notes.append(Note(day))
        return self.notes[-1]

    # ---- the manager prepares

    async def prepare(self) -> None:
        """Kinds of day, the rosters of both weeks: all on the manager's pages, on the Sunday before."""
        await self.people.sign_in("manager", "engineer")
        for code, (sessions, services, walk_in, accept_only, least) in KINDS.items():
            who = "booked" if not walk_in else "some" if any(it.booked for it in sessions) else "all"
            form: dict[str, object] = {"name": code, "who": who, "drain": "yes"}
            if tuple(services) != days.SERVICES:
                form |= {"which": "some", "services": list(services)}
            if accept_only:
                form["accept_only"] = "yes"
            for n, it in enumerate(sessions, start=1):
                form |= {f"opens_{n}": f"{it.opens:%H:%M}", f"last_ticket_{n}": f"{it.last:%H:%M}",
                         f"closes_{n}": f"{it.closes:%H:%M}", f"audience_{n}": "booked" if it.booked else "all"}  # fmt: skip
            await self.people.set_kind(code, form | {f"least_{zone}": str(n) for zone, n in least.items()})
        weeks = sorted({it.day - timedelta(it.day.weekday()) for it in FORTNIGHT if it.sessions})
        for week in weeks:
            for day in (it for it in FORTNIGHT if it.day - timedelta(it.day.weekday()) == week and it.sessions):
                for clerk in planned(day):
                    await self.place(day, clerk)
            await self.people.roster(week, "publish")

    async def place(self, day: Day, clerk: str) -> None:
        week = day.day - timedelta(day.day.weekday())
        hours = day.sessions if day.day != POWER_CUT else days.WEEKDAY  # nobody knows of the power cut yet
        pattern = f"{hours[0].opens:%H%M}_{hours[-1].closes:%H%M}"
        zone = ZONE_OF[HOME[clerk]]
        why = "人手不够"  # six days in a row, and more shifts than agreed
        await self.people.roster(week, "place", day=str(day.day), clerk=clerk, pattern=pattern, zone=zone, reason=why)

    # ---- a day

    async def morning(self, day: Day, note: Note) -> None:
        """Before the doors: nobody gets a number, staff sign in, machines wake a quarter of an hour ahead."""
        first = (day.at(day.sessions[0].opens) if day.sessions else day.at(time(10, 0))) - 5 * MINUTE
        await self.stage.move(first, clocks=day.day != CLOCKS_BACK)
        if day.day == CLOCKS_BACK:
            await self.stage.revive_clocks(first)
        await self.people.sign_in("manager", "kiosk", *day.clerks, *(["clerk02"] if day.day == SICK else []))
        await self.probe(day, note)
        if not day.sessions:
            return
        if day.kind in ("weekday", "make_up"):
            await self.pass_on(note)
        if day.day == SICK:
            refused = await self.people.at_window("clerk02", "2", "open")
            note.check(refused.status == 409, f"clerk02 is on leave and opened window 2: {refused.status}")
        for clerk in day.clerks:
            await self.open_window(clerk, HOME[clerk], note)

    async def pass_on(self, note: Note) -> None:
        """The desk passes on what was only taken in since the last working day."""
        waiting = [row["ticket"] for row in await self.stage.db.fetch("SELECT ticket FROM intakes WHERE passed_at IS NULL")]
        if waiting:
            desk = await self.people.at_desk("desk01")
            done = await desk.press("/demo/intakes/pass", {"ticket": [str(ticket) for ticket in waiting]})
            note.check(done.status_code == 303, f"papers could not be passed on: {done.status_code}")

    async def open_window(self, clerk: str, window: str, note: Note) -> None:
        answer = await self.people.at_window(clerk, window, "open")
        note.check(answer.status == 200, f"{clerk} is on the roster and can't open window {window}: {answer.body}")
        if answer.status == 200:
            self.open[window] = clerk
            note.opened.append(window)
            await self.stage.until(lambda: self.stage.strip(window) == "欢迎光临", f"strip {window} to say welcome")

    async def session(self, day: Day, session: Session, note: Note) -> None:
        """The doors are open: who may come comes and is served; at the last ticket and after, nobody gets one."""
        opens, last, closes = (day.at(it) for it in (session.opens, session.last, session.closes))
        await self.stage.move(opens + 10 * MINUTE)
        await self.probe(day, note)
        if not session.booked:
            for service in day.services:
                for _ in range(VISITORS[service]):
                    await self.walk_in(day, service, note)
        await self.come_booked(day, session, note)
        await self.serve_all(note)
        if day.day == AN_HOUR_BACK and session is day.sessions[-1]:
            await self.put_back(day, session, note)
        if day.day == CLOCKS_GONE:
            await self.stage.kill_clocks()
        if day.day == OVER_THE_ROLL and session is day.sessions[-1]:
            await self.never_comes(day, note)
        if day.day == OVERFLOW and session is day.sessions[-1]:
            await self.overflow(day, session, note)
            return
        for moment in (last + MINUTE, closes + MINUTE):
            await self.stage.move(moment, clocks=day.day != CLOCKS_GONE)
            await self.probe(day, note)

    async def put_back(self, day: Day, session: Session, note: Note) -> None:
        """Somebody puts the server's clock back an hour, and on again: each time the doors do what that hour says."""
        at = await self.stage.now()
        await self.stage.move(day.at(session.opens) - 50 * MINUTE)
        await self.probe(day, note)
        await self.stage.move(at + MINUTE)
        await self.probe(day, note)
        await self.walk_in(day, "A", note)
        await self.serve_all(note)

    async def never_comes(self, day: Day, note: Note) -> None:
        """Somebody takes a number and goes home: called twice, missed, and gone with the day."""
        await self.walk_in(day, "B", note)
        for _ in range(2):
            called = await self.people.at_window("clerk04", "4", "next")
            note.calls += called.status == 200
            await self.stage.move(await self.stage.now() + MINUTE, clocks=False)
            await self.people.at_window("clerk04", "4", "no-show")
        self.left.append(called.body["ticket"]["number"] if called.status == 200 else "nobody")

    async def come_booked(self, day: Day, session: Session, note: Note) -> None:
        """Those who booked a place of this session type their code; who is served first is judged from the journal."""
        for booked in self.bookings.get(day.day, []):
            if booked.comes and day.at(session.opens) <= booked.start < day.at(session.closes):
                number = await self.people.check_in(booked.code)
                note.check(number, f"a booking of {booked.start:%H:%M} could not be checked in")
                note.checked_in += bool(number)

    async def walk_in(self, day: Day, service: str, note: Note) -> bool:
        number = await self.people.touch(service)
        note.walked_in += bool(number)
        note.turned_away += not number
        should = day.may_take(service, await self.stage.now())
        note.check(
            bool(number) == should, f"{service}: {'gave ' + number if number else 'gave none'}, the calendar says {should}"
        )
        return bool(number)

    async def probe(self, day: Day, note: Note) -> None:
        """What the hall says of each service, and what the dispenser does where it should give nothing."""
        at = await self.stage.now()
        seen = (await self.people.act(None, "GET", API)).body["services"]
        for row in seen:
            wanted = day.status(row["code"], at)
            local = at.astimezone(days.ZONE)
            note.check(row["status"] == wanted, f"{local:%H:%M} {row['code']}: {row['status']}, the calendar says {wanted}")
            if wanted != "open":
                await self.walk_in(day, row["code"], note)

    async def serve_all(self, note: Note, minutes: float = 0) -> None:
        """Each window calls whoever is next until nobody waits; with `minutes` a visit lasts so long."""
        busy = True
        while busy:
            busy = False
            for window, clerk in self.open.items():
                busy |= await self.serve(window, clerk, note)
            if minutes and busy:
                await self.stage.move(await self.stage.now() + timedelta(minutes=minutes), clocks=False)

    async def serve(self, window: str, clerk: str, note: Note) -> bool:
        called = await self.people.at_window(clerk, window, "next")
        if called.status == 204:
            return False
        note.check(called.status == 200, f"window {window} can't call: {called.body}")
        if called.status != 200:
            return False
        note.calls += 1
        number = called.body["ticket"]["number"]
        said = f"请{number}到{window}号窗口"
        await self.stage.until(lambda: self.stage.strip(window) == said, f"strip {window} to say {said}")
        await self.people.at_window(clerk, window, "arrive")
        done = await self.people.at_window(clerk, window, "finish", {"outcome": "done"})
        note.check(done.status == 200, f"window {window} can't finish {number}: {done.body}")
        note.served += done.status == 200
        return True

    async def overflow(self, day: Day, session: Session, note: Note) -> None:
        """Just before the last ticket a crowd comes: the doors shut on time, and everybody who has a number is served."""
        await self.stage.move(day.at(session.last) - 2 * MINUTE)
        for n in range(CROWD):
            await self.walk_in(day, "B" if n % 4 == 3 else "A", note)
        await self.stage.move(day.at(session.last) + MINUTE)
        await self.probe(day, note)
        await self.stage.move(day.at(session.closes) + MINUTE)
        await self.probe(day, note)
        for window, clerk in self.open.items():
            refused = await self.people.at_window(clerk, window, "close")
            note.check(refused.code == "still_waiting", f"window {window} could close over people who wait: {refused.body}")
        await self.serve_all(note, minutes=6)

    async def evening(self, day: Day, note: Note, tomorrow: Day | None) -> None:
        """Windows close, strips go dark, tomorrow's places are looked at and booked."""
        note.done_at = await self.stage.now()
        for window, clerk in list(self.open.items()):
            closed = await self.people.at_window(clerk, window, "close")
            note.check(closed.status == 200, f"window {window} can't close: {closed.body}")
            del self.open[window]
        night = max(note.done_at, day.at(EVENING)) + MINUTE
        await self.stage.move(night, clocks=day.day != CLOCKS_GONE)
        for window in note.opened if day.day != CLOCKS_GONE else ():
            await self.stage.until(partial(self.is_dark, window), f"strip {window} to go dark")
        if day.day == SICK - timedelta(1):
            await self.report_sick(note)
        if day.day == SICK:
            await self.cut_power(note)
        if tomorrow is not None:
            await self.book(tomorrow, note)
        if day.day == OVER_THE_ROLL and tomorrow is not None:
            await self.over_the_roll(tomorrow, note)

    def is_dark(self, window: str) -> bool:
        return self.stage.strip(window) == ""

    async def over_the_roll(self, tomorrow: Day, note: Note) -> None:
        """The day rolls at four, the clock is put back before it and goes over it once more."""
        for at, today in ((time(4, 1), tomorrow), (time(3, 58), note.day), (time(4, 2), tomorrow)):
            await self.stage.move(tomorrow.at(at))
            told = {row["status"] for row in (await self.people.act(None, "GET", API)).body["services"]}
            wanted = {today.status("A", await self.stage.now())}
            note.check(told == wanted, f"at {at:%H:%M} the hall says {told}, the calendar {wanted}")

    async def report_sick(self, note: Note) -> None:
        """Clerk 2 asks for leave tomorrow, the manager agrees, is told that a window is missing, and puts clerk 3 there."""
        sick = next(it for it in FORTNIGHT if it.day == SICK)
        clerk = await self.people.at_desk("clerk02")
        asked = await clerk.press("/demo/shifts/leave", {"first": str(SICK), "kind": "sick"})
        assert asked.status_code == 303, asked.text[-400:]
        leave = await self.stage.db.fetchval("SELECT max(id) FROM leaves WHERE clerk = 'clerk02'")
        week = SICK - timedelta(SICK.weekday())
        await self.people.roster(week, "leave", leave=str(leave), answer="yes")
        missing = "综合受理区只排了 1 个窗口，最低要求 2 个"
        note.check(missing in await self.people.board(), "the manager is not told that clerk02 is missing tomorrow")
        await self.place(sick, "clerk03")
        note.check(missing not in await self.people.board(), "the manager is still told of clerk02 who was replaced")

    async def cut_power(self, note: Note) -> None:
        """A booking of tomorrow afternoon exists; then the hall hears of the power cut, and its holder is to be called."""
        afternoon = datetime.combine(POWER_CUT, time(15, 0), days.ZONE)
        made = await self.people.book("A", afternoon)
        note.check(made.status == 201, f"tomorrow at 15:00 can't be booked before the power cut: {made.body}")
        await self.people.set_day(POWER_CUT, "special", "停电")
        await self.stage.move(await self.stage.now() + 10 * MINUTE)

    async def book(self, tomorrow: Day, note: Note) -> None:
        """The places of tomorrow are where the calendar has them; two are taken, and one of these will be let fall."""
        mine = self.bookings.setdefault(tomorrow.day, [])
        for service in days.SERVICES:
            offered = {start: left for start, left in (await self.people.offered(service, tomorrow.day)).items() if left}
            staffed = [clerk for clerk in tomorrow.clerks if service in SERVES[HOME[clerk]]]
            wanted = tomorrow.times() if service in tomorrow.services and staffed else []
            told = [f"{start.astimezone(days.ZONE):%H:%M}" for start in sorted(offered)]
            note.check(
                sorted(offered) == wanted,
                f"{tomorrow.day} {service}: places at {told}, should be {[f'{it:%H:%M}' for it in wanted]}",
            )
            for start in (wanted[:1] + wanted[3:4]) if service == "A" else wanted[:1]:
                made = await self.people.book(service, start)
                note.check(made.status == 201, f"{service} {start:%H:%M} can't be booked: {made.body}")
                if made.status == 201:
                    mine.append(Booked(made.body["code"], service, start, comes=start == wanted[0]))


def planned(day: Day) -> tuple[str, ...]:
    """Who the roster of the Sunday before has on a day: nobody is sick yet."""
    return ("clerk01", "clerk02", "clerk04") if day.day == SICK else day.clerks
