"""How the hall sounds, for those who set it: languages, words, volume by the hour; to be heard before anybody else does."""

import asyncio
import sys
from datetime import datetime, time
from typing import Any

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from displays import broadcast, phrases, recordings, tuning, voice
from displays.voice import Voice
from floor import acts
from floor.database import acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.staffed import now_of, reason_of
from floor.refusals import CannotSpeak
from floor.signin import Person, require
from floor.words import language, words
from queueing.errors import BadInput
from queueing.halls import Hall, services, zones
from queueing.windows import list_windows

KEEPERS = ("engineer", "manager")
STEPS = 6  # rows for a time of day
LISTEN_S = 15.0
SAID = ("saved", "told", "silent", "nobody")
LISTENING = asyncio.Semaphore(2)  # speech processes of pages that are heard at the same time


async def show(request: Request) -> Response:
    """The settings as they are; `number` and `window` in the address are a call to listen to."""
    hall, _ = await kept(request)
    async with acquire(request.app.state.pool) as db:
        sound = await voice.load(db, hall.id)
    said = request.query_params.get("said")
    return await draw(request, hall, sound, said=said if said in SAID else None)


async def kept(request: Request) -> tuple[Hall, Person]:
    hall = await acts.hall_of(request, request.path_params["hall"])
    return hall, await require(request, *KEEPERS, hall=hall.id)


async def draw(request: Request, hall: Hall, sound: Voice, form: FormData | None = None, **told: Any) -> Response:
    """The page; with a `form` that was refused, as somebody had filled it in."""
    async with acquire(request.app.state.pool) as db:
        windows, areas, offered = await list_windows(db, hall), await zones(db, hall), await services(db, hall)
        now = await now_of(db)
    number = request.query_params.get("number", "").strip().upper()[:12] or f"{offered[0].prefix if offered else 'A'}012"
    window = request.query_params.get("window", "")[:6] or (windows[0].no if windows else "1")
    field = Filled(sound, form)
    return render(
        request, "voice.html", hall=hall, sound=sound, voices=phrases.VOICES, windows=windows, zones=areas, number=number,
        window=window, heard=[phrases.say_call(number, window, lang, sound.lexicon) for lang in recordings.languages(sound)],
        field=field, ones=tuning.ONES, most=tuning.TIMES[1], volume=sound.volume_at(now), longest=broadcast.LONGEST,
        **{"said": None, "error": None, **told},
    )  # fmt: skip


class Filled:
    """What stands in each field: what somebody typed and may correct, else what is set."""

    def __init__(self, sound: Voice, form: FormData | None) -> None:
        self.sound, self.form = sound, form

    def one(self, name: str, now: object) -> str:
        return str(now) if self.form is None else text(self.form, name) or ""

    def ticked(self, name: str, value: str, now: bool) -> bool:
        return now if self.form is None else value in self.form.getlist(name)

    def steps(self) -> list[tuple[str, str]]:
        """Rows of a time and a volume, the free ones last."""
        known = [(f"{begins:%H:%M}", str(volume)) for begins, volume in self.sound.volumes]
        if self.form is not None:
            known = list(zip(map(str, self.form.getlist("from")), map(str, self.form.getlist("volume")), strict=True))
        filled = [step for step in known if step[0]]
        return [*filled, *[("", "")] * max(1, STEPS - len(filled))]

    def lexicon(self, name: str, lang: str) -> str:
        """A lexicon as it is typed: a word, a space, how it is said."""
        known = self.sound.lexicon.prefixes if name == "prefixes" else self.sound.lexicon.readings
        now = "\n".join(f"{written} {spoken}" for written, spoken in known.get(lang, {}).items())
        return self.one(f"{name}_{lang}", now)


async def save(request: Request) -> Response:
    """Keep it all, or show the page again with what was typed and the one thing that is wrong."""
    hall, _ = await kept(request)
    form = await request.form()
    async with acquire(request.app.state.pool) as db:
        before = await voice.load(db, hall.id)
        try:
            await tuning.save(db, hall.id, as_typed(form, before))
        except BadInput as wrong:
            return await draw(request, hall, before, form=form, error=reason_of(wrong, words(language(request))))
    return RedirectResponse(f"/{hall.code}/voice?said=saved", 303)


def as_typed(form: FormData, before: Voice) -> Voice:
    """The form as a voice. BadInput for a time, a number or a line that can't be read."""
    begins, loud = form.getlist("from"), form.getlist("volume")
    steps = [(str(at), str(volume).strip()) for at, volume in zip(begins, loud, strict=True) if str(at)]
    return Voice(
        tuning.ordered([str(lang) for lang in form.getlist("langs")]), "own_lang" in form, text(form, "hant") or before.hant,
        whole(typed(form, "times"), "times"), "chime" in form,
        tuple(sorted((time_of_day(at), whole(volume, "volumes")) for at, volume in steps)),
        phrases.Lexicon(text(form, "one") or before.lexicon.one, lexicon(form, "prefixes"), lexicon(form, "readings")),
        before.time_zone,
    )  # fmt: skip


def whole(typed: str, field: str) -> int:
    if not typed.isascii() or not typed.isdigit() or len(typed) > 3:
        raise BadInput(field=field, message="0 to 100")
    return int(typed)


def time_of_day(typed: str) -> time:
    try:
        return datetime.strptime(typed, "%H:%M").time()
    except ValueError as error:
        raise BadInput(field="volumes", message="a time of day like 08:30") from error


def lexicon(form: FormData, name: str) -> dict[str, dict[str, str]]:
    """By language, the lines of a lexicon; a reading that is left out is suggested. BadInput."""
    known: dict[str, dict[str, str]] = {}
    for lang in phrases.VOICES:
        for line in (text(form, f"{name}_{lang}") or "").splitlines():
            written, _, spoken = line.strip().partition(" ")
            if written and not spoken and name == "readings":
                spoken = tuning.suggested(written)
            if written and not spoken:
                raise BadInput(field=name, message="a word, a space and how it is said")
            if written:
                known.setdefault(lang, {})[written.upper() if name == "prefixes" else written] = spoken.strip()
    return known


async def tell(request: Request) -> Response:
    """Say something now, in a zone or everywhere."""
    hall, person = await kept(request)
    form = await request.form()
    async with acquire(request.app.state.pool) as db:
        sound, now, urgent = await voice.load(db, hall.id), await now_of(db), "urgent" in form
        try:
            told = await broadcast.broadcast(
                db, hall, sound, text(form, "text") or "", lang=typed(form, "lang"), zone=text(form, "zone"), urgent=urgent,
                key=typed(form, "press")[:64], by=person.actor, now=now,
            )  # fmt: skip
        except BadInput as wrong:
            return await draw(request, hall, sound, error=reason_of(wrong, words(language(request))))
    acts.ring(request, hall.id)
    silent = not urgent and not sound.volume_at(now, zone=text(form, "zone"))
    return RedirectResponse(f"/{hall.code}/voice?said={'silent' if silent else 'told' if told else 'nobody'}", 303)


async def listen(request: Request) -> Response:
    """A call as this hall says it, as sound."""
    hall, _ = await kept(request)
    asked = request.query_params
    if asked.get("lang") not in phrases.VOICES:
        raise BadInput(field="lang", message=f"one of {', '.join(phrases.VOICES)}")
    async with acquire(request.app.state.pool) as db:
        sound = await voice.load(db, hall.id)
    said = phrases.say_call(asked.get("number", "")[:12], asked.get("window", "")[:6], asked["lang"], sound.lexicon)
    async with LISTENING:
        wav = await spoken(msgspec.json.encode({"sentences": [said.wire()], "chime": sound.chime}))
    return Response(wav, media_type="audio/wav", headers={"cache-control": "no-store"})


async def spoken(asked: bytes) -> bytes:
    """The announcement, made by a process of its own. CannotSpeak."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devices.drivers.voice.listen", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(LISTEN_S):
            wav, _ = await process.communicate(asked)
    except TimeoutError as hangs:
        raise CannotSpeak() from hangs
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CannotSpeak()
    return wav


async def script(request: Request) -> Response:
    """What to read aloud for a voice pack of this hall: a line each, its language, a tab, the words."""
    hall, _ = await kept(request)
    async with acquire(request.app.state.pool) as db:
        takes = recordings.takes(await recordings.calls(db, hall, await voice.load(db, hall.id)))
    return PlainTextResponse(
        "".join(f"{lang}\t{said}\n" for lang, said in takes),
        headers={"content-disposition": f'attachment; filename="{hall.code}-voice.txt"', "cache-control": "no-store"},
    )


ROUTES = [
    Route("/{hall}/voice", show, methods=["GET"]),
    Route("/{hall}/voice", save, methods=["POST"]),
    Route("/{hall}/voice/say", tell, methods=["POST"]),
    Route("/{hall}/voice/call.wav", listen, methods=["GET"]),
    Route("/{hall}/voice/script.txt", script, methods=["GET"]),
]
