"""One machine: how it is and was today, what it confirmed and did, what it is set to, and what can be done with it."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import health, jobs, pairing, pulse, registry, settings
from devices.clock import now as instant
from devices.errors import BadInput, BadRange, Refused
from devices.registry import Device
from displays import announce, voice
from floor import acts
from floor.database import Db, acquire
from floor.pages import plots, render
from floor.pages.calendar import moment_of
from floor.pages.fleet import KEEPERS, kept_machine, tell, told_code, whispered
from floor.pages.fleet import TOLD as WHISPER
from floor.pages.machines import alarm_word, part_word, place_of, standing_of
from floor.pages.staffed import clock, elapsed, now_of, reason_of
from floor.pages.wording import zone_name
from floor.people import find_user
from floor.refusals import CannotTest, NotAllowed
from floor.signin import KIOSK_COOKIE, Person, open_kiosk, set_cookie
from floor.words import Words, language, words
from queueing import journal
from queueing.errors import NotFound
from queueing.halls import Hall, business_day, zones

TEST_LASTS = timedelta(minutes=1)
SHOWN_S = 15.0  # how long a test line stands
SCREENS = ("led", "tv", "evaluator")
CALLS = ("led", "tv", "speaker")
LIST, FLAGS = ("zones", "languages"), ("counts", "notice", "qr")  # fields of a form that are not one text


async def show(request: Request) -> Response:
    """The page; what the last act had to tell is told once and not again on reload."""
    hall, _, device = await kept_machine(request)
    answer = await draw(request, hall, device, "machine.html", **whispered(request))
    answer.delete_cookie(WHISPER, path=f"/{hall.code}/fleet")
    return answer


async def part(request: Request) -> Response:
    """What changes by itself; the forms stay as somebody is filling them in."""
    hall, _, device = await kept_machine(request)
    return await draw(request, hall, device, "_machine.html")


async def draw(request: Request, hall: Hall, device: Device, template: str, **told: Any) -> Response:
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        seen = await look(db, hall, device, say)
        seen["areas"] = [(zone.code, zone_name(say, zone)) for zone in await zones(db, hall)]
    own = settings.complete(device.kind, device.config)
    return render(request, template, hall=hall, set=own, **{"code": None, "said": None, "error": None, **told}, **seen)


async def look(db: Db, hall: Hall, device: Device, say: Words) -> dict[str, Any]:
    """All the page shows of it."""
    now = await now_of(db)
    day = plots.Day(hall, await begin_of_day(db, hall), device.paired_at, now)
    past = await health.alarms_of(db, device.id, day.begins)
    line, top = plots.line(day, await pulse.samples(db, device.id, day.begins))
    gone = {"lost": ("fault", say["fleet.part_link_lost"])}
    paper = {state: (tone, say[f"fleet.part_printer_{state}"]) for state, tone in plots.PAPER.items()}
    live = [alarm for alarm in past if alarm.cleared_at is None]
    place = place_of(device, say)
    return {
        "now": now, "device": device, "place": place, "named": "" if device.name in place else device.name,
        "standing": standing_of(device, live, now, say), "works": device.kind not in ("led", "tv", "keypad"),
        "facts": facts(device, hall, say), "shown": await shown(db, hall, device, now, say),
        "parts": [part_row(name, part, hall, say) for name, part in sorted(device.parts.items()) if part.get("state")],
        "day": day, "line": line, "top": top,
        "gone": day.bands([alarm for alarm in past if alarm.part == "link" and alarm.state in gone], gone),
        "paper": day.bands([alarm for alarm in past if alarm.part == "printer" and alarm.state in paper], paper),
        "past": [past_row(alarm, hall, now, say) for alarm in reversed(past)],
        "jobs": [job_row(job, hall, say) for job in await jobs.last_of(db, device.id)],
        "screens": device.kind in SCREENS, "calls": device.kind in CALLS, "sample": sample_text(device, say),
    }  # fmt: skip


async def begin_of_day(db: Db, hall: Hall) -> datetime:
    """When the hall's present day began, by its own clock."""
    return datetime.combine(await business_day(db, hall), hall.day_starts, ZoneInfo(hall.time_zone))


def facts(device: Device, hall: Hall, say: Words) -> list[tuple[str, str]]:
    """Who it is and how it is connected, as rows of two."""
    link = device.parts.get("link", {})
    rtt, offset = link.get("rtt_ms"), link.get("offset_ms")
    answered = device.config_taken >= device.config_rev
    taken = say["machine.config_none"] if not device.config_rev else (
        say("machine.config_refused", why=device.config_refused) if answered and device.config_refused
        else say("machine.config_taken", rev=device.config_rev, at=clock(device.config_taken_at, hall, seconds=True)) if answered
        else say("machine.config_waits", rev=device.config_rev)
    )  # fmt: skip
    secret = say["machine.secret_renewing"] if device.renewing else say["machine.secret_ok"]
    rows = {
        "id": device.id, "model": device.model or "", "agent": device.agent or "", "fw": device.fw or "",
        "paired": f"{device.paired_at.astimezone(ZoneInfo(hall.time_zone)):%Y-%m-%d %H:%M}" if device.paired_at else "",
        "seen": clock(device.last_seen, hall, seconds=True),
        "rtt": "" if rtt is None else f"{rtt:.0f} ms", "offset": "" if offset is None else f"{round(offset):+d} ms",
        "power": say["machine.asleep" if device.asleep else "machine.awake"], "config": taken,
        "secret": secret if device.paired_at else "",
    }  # fmt: skip
    return [(say[f"machine.fact_{name}"], value) for name, value in rows.items() if value]


async def shown(db: Db, hall: Hall, device: Device, now: datetime, say: Words) -> dict[str, Any] | None:
    """What a board has confirmed, and how far behind it is; None for a machine that follows nothing."""
    if device.view is None:
        return None
    last, top = await health.shown_last(db, device.id), await journal.top(db, hall.id)
    behind = say("machine.behind", n=device.behind, age=elapsed(device.behind_since, now)) if device.behind_since else None
    if last is None or last[0] != top.epoch:
        return {"last": say["machine.shown_nothing"], "behind": behind, "since": device.behind_since}
    told = say("machine.shown", offset=last[1], top=top.offset, at=clock(last[2], hall, seconds=True))
    return {"last": told, "behind": behind, "since": device.behind_since}


def part_row(name: str, part: Any, hall: Hall, say: Words) -> dict[str, Any]:
    """One part as it reported itself."""
    well = part["state"] in health.WELL
    since = datetime.fromisoformat(part["since"]) if part.get("since") else None
    return {
        "name": say.get(f"machine.part_{name}", name), "since": clock(since, hall),
        "detail": say.get(f"machine.detail_{part['detail']}", part["detail"]) if part.get("detail") else "",
        "tone": "serving" if well else "fault", "symbol": "check" if well else "alert",
        "word": say.get(f"machine.state_{part['state']}", part["state"]) if well else part_word(name, part["state"], say),
    }  # fmt: skip


def past_row(alarm: health.Alarm, hall: Hall, now: datetime, say: Words) -> dict[str, str]:
    """One trouble of today: what, from when, for how long."""
    return {
        "word": alarm_word(alarm, say), "from": clock(alarm.since, hall, seconds=True),
        "to": clock(alarm.cleared_at, hall, seconds=True), "lasted": elapsed(alarm.since, alarm.cleared_at or now),
    }  # fmt: skip


TONES = {"done": "serving", "failed": "fault", "uncertain": "called", "expired": "called", "refused": "fault"}


def job_row(job: jobs.Job, hall: Hall, say: Words) -> dict[str, Any]:
    """One thing it was asked to do, and what came of it; done means printed for a paper, said for a sentence."""
    state = f"{job.kind}_done" if job.state == "done" else job.state
    what = job.data.get("ticket") or " ".join(sentence["text"] for sentence in job.data.get("sentences", ()))
    return {
        "id": job.id, "kind": say[f"machine.job_{job.kind}"], "what": what, "tone": TONES.get(job.state, "waiting"),
        "word": say[f"machine.job_is_{state}"], "reason": why(job.reason, say) if job.reason else "",
        "at": clock(job.owed_at, hall, seconds=True),
        "ended": clock(job.ended_at, hall, seconds=True),
    }  # fmt: skip


def why(reason: str, say: Words) -> str:
    """Why a job did not end well: in a word of its own, as the printer was, or as the device put it."""
    return str(say.get(f"machine.reason_{reason}", say.get(f"fleet.part_printer_{reason}", reason)))


def sample_text(device: Device, say: Words) -> str:
    """The line of a test call, for a window the machine could really be calling to."""
    return say("machine.sample", number="A001", window=device.window or "1")


# --- acts -------------------------------------------------------------------------------------------------------


async def pairing_state(request: Request) -> Response:
    """Whether the box has used the code that was drawn at `since`; asked again and again by the page that shows it."""
    hall, _, device = await kept_machine(request)
    since = moment_of(request.query_params.get("since", ""))
    async with acquire(request.app.state.pool) as db:
        now = await now_of(db)
    is_paired = device.paired_at is not None and device.paired_at >= since
    late = not is_paired and now >= since + timedelta(minutes=pairing.CODE_MINUTES)
    return render(request, "_pairing.html", hall=hall, device=device, since=since, is_paired=is_paired, late=late)


async def act(request: Request) -> Response:
    """A new code for another box, another secret, a test, other settings, the end, or a kiosk page in this very browser."""
    hall, person, device = await kept_machine(request)
    say, form = words(language(request)), await request.form()
    here = f"/{hall.code}/fleet/{device.id}"
    place = place_of(device, say)
    try:
        async with acquire(request.app.state.pool) as db:
            match request.path_params["act"]:
                case "code":
                    code, expires = await pairing.new_code(db, device.id)
                    return tell(hall, here, code=told_code(device, code, expires, hall, say))
                case "rotate":
                    await registry.ask_rotation(db, device.id)
                    return tell(hall, here, said=say("machine.said_rotate", place=place))
                case "test" | "call" as what:
                    await try_out(db, device, person, what, str(form.get("text") or "").strip(), say)
                    acts.ring(request, hall.id)
                    return tell(hall, here, said=say("fleet.said_test", place=place))
                case "settings":
                    async with db.transaction():
                        if device.kind == "dispenser":
                            await registry.set_range(db, device.id, typed_range(form))
                        await registry.configure(db, device.id, typed_settings(device.kind, form))
                    return tell(hall, here, said=say("machine.said_settings", place=place))
                case "revoke":
                    await registry.revoke(db, device.id, actor=person.actor)
                    acts.ring(request, hall.id)
                    return tell(hall, said=say("fleet.said_revoke", place=place))
                case "kiosk":
                    return await kiosk_here(request, db, hall, person, device)
    except BadInput as wrong:
        name = say[f"machine.set_{wrong.details['field']}"]
        return tell(hall, here, error=say("machine.bad_setting", name=name, why=reason_of(wrong, say)))
    except (Refused, CannotTest) as refused:
        return tell(hall, here, error=reason_of(refused, say))
    raise NotFound(what="page")


async def try_out(db: Db, device: Device, person: Person, what: str, text: str, say: Words) -> None:
    """Let a dispenser print, a speaker speak, a screen show a line; `call` is what a call would look and sound like."""
    if device.paired_at is None or (what == "call" and device.kind not in CALLS) or device.kind == "keypad":
        raise CannotTest()
    if device.kind in SCREENS:
        await registry.show_test(db, device.id, (text or sample_text(device, say))[:80], SHOWN_S)
        return
    data: dict[str, Any] = {"by": person.name}
    if what == "call":
        sound = await voice.load(db, device.hall)
        said = announce.call_sentences("A001", device.window or "1", "zh-Hans", sound)
        data |= {"sentences": said, "times": 1, "chime": sound.chime}
    now = instant().wall
    kind = "print_test" if device.kind == "dispenser" else "sound_test"
    await jobs.owe(db, [jobs.NewJob(device.hall, device.id, kind, f"test:{now.timestamp():.6f}", now + TEST_LASTS, data)])


def typed_settings(kind: str, form: FormData) -> dict[str, Any]:
    """What somebody filled in, as the settings of a kind; an unticked box is false, an empty wording the usual one."""
    typed: dict[str, Any] = {}
    for name in settings.KINDS[kind].__struct_fields__:
        if name in LIST:
            typed[name] = [str(value) for value in form.getlist(name)]
        elif name in FLAGS:
            typed[name] = name in form
        elif name == "screen_text":
            own = {state: str(form.get(f"screen_text.{state}") or "").strip() for state in ("open", "paused", "closed")}
            typed[name] = {state: text for state, text in own.items() if text}
        elif name in form:
            typed[name] = str(form[name]).strip()
    return typed


def typed_range(form: FormData) -> int | None:
    """Where a dispenser's own numbers begin, as somebody typed it; nothing typed: it has none. BadRange."""
    typed = str(form.get("first_offline") or "").strip()
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) <= 9):
        raise BadRange(field="first_offline")
    return int(typed) if typed else None


async def kiosk_here(request: Request, db: Db, hall: Hall, person: Person, device: Device) -> Response:
    """Make this browser the kiosk page of a dispenser; the sign-in of whoever opened it may end."""
    user = await find_user(db, person.username or "")
    if user is None or device.kind != "dispenser":
        raise NotAllowed()
    answer = RedirectResponse(f"/{hall.code}/kiosk", 303)
    set_cookie(answer, request, KIOSK_COOKIE, await open_kiosk(db, user, device.id))
    return answer


ROUTES = [
    Route("/{hall}/fleet/{device}", show, methods=["GET"]),
    Route("/{hall}/fleet/{device}/part", part, methods=["GET"]),
    Route("/{hall}/fleet/{device}/pairing", pairing_state, methods=["GET"]),
    Route("/{hall}/fleet/{device}/{act}", act, methods=["POST"]),
]
__all__ = ["KEEPERS", "ROUTES"]
