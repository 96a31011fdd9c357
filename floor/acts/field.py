"""What a team does on its phone, each act once however often it is sent; and what a window does with the papers it brings."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request

from floor import doorstep_words as telling
from floor.acts.doorstep import envelopes_of
from floor.acts.ground import hall_by_id, pressed, ring
from floor.acts.visit_names import find
from floor.database import Db, acquire
from floor.jpeg import NO_PHOTO, plain_jpeg
from floor.people import find_user, verify_password
from floor.quality import ratings
from floor.refusals import BadPassword
from floor.signin import Person, current
from floor.words import language, words
from queueing.db import Press
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.matters import in_language, some
from scheduling import doorstep, field, receipts
from scheduling.doorstep import Done, Visit
from scheduling.envelopes import Sealed
from scheduling.errors import NotYourVisit, VisitIs

CONSENT_VERSION = "2026-11"  # of the text `field.consent_text`: a new wording is a new version
MOST_PHOTO = 900 * 1024  # bytes
MOST_DRAWN = 40 * 1024
LONGEST_AGO_S = 14 * 24 * 3600  # a phone that was forgotten over a holiday
PNG = b"\x89PNG\r\n\x1a\n"

T = TypeVar("T")
Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Text = Annotated[str, Meta(max_length=MOST_PHOTO * 2)]


class Pressed(Struct):
    """One act as the phone kept it. `id` was minted there; `ago_s` is how long ago it was pressed, by the phone's own count."""

    id: Id
    kind: Literal["sign_in", "depart", "arrive", "late", "consent", "paper", "discard", "complete", "rating", "hand_in"]
    visit: Annotated[str, Meta(max_length=64)] | None = None
    data: dict[str, Any] = {}
    ago_s: Annotated[int, Meta(ge=0, le=LONGEST_AGO_S)] = 0


class Late(Struct):
    minutes: int


class Consent(Struct):
    how: str
    version: Annotated[str, Meta(max_length=20)]
    text_lang: Literal["zh-Hans", "zh-Hant", "en"]
    picture: Annotated[str, Meta(max_length=MOST_DRAWN * 2)] | None = None


class Paper(Struct):
    paper: Id
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    image: Text


class Discard(Struct):
    paper: Id


class Complete(Struct):
    outcome: str
    delivery: str | None = None


class Rating(Struct):
    level: int
    reasons: Annotated[list[str], Meta(max_length=8)] = []
    comment: str | None = None


class HandIn(Struct):
    to: Annotated[str, Meta(max_length=8)]
    originals: int = 0


async def act(request: Request, hall: Hall, person: Person, sent: Pressed) -> Visit | None:
    """Do what was pressed on a team's phone; the visit as it stands then, None for an act on none.

    Raises what the act refuses; sent again it gives the same, whatever has happened since.
    """
    asked = (sent.kind, sent.visit, sent.data)
    once_only = pressed(request, person.actor, sent.id, asked)
    assert person.username is not None and once_only is not None
    if sent.kind == "sign_in":
        async with acquire(request.app.state.pool) as db:
            ago = timedelta(seconds=sent.ago_s)
            await field.sign_in(db, hall, person.username, actor=person.actor, ago=ago, press=once_only)
        ring(request, hall.id)
        return None
    of, visit = await find(request, sent.visit or "")
    if of.id != hall.id:
        raise NotFound(what="visit")
    async with acquire(request.app.state.pool) as db:
        done = await ACTS[sent.kind](Doing(request, db, hall, person, visit, sent, once_only))
        if done is not None and not done.replayed:
            await word_of(db, hall, sent.kind, done.visit)
        ring(request, hall.id)
        return await doorstep.by_key(db, visit.key)


async def word_of(db: Db, hall: Hall, kind: str, visit: Visit) -> None:
    """Owe who waits at home the word of it."""
    if kind != "late":
        await telling.tell(db, hall, visit)
        return
    expected = (await field.at_the_door(db, [visit.id]))[visit.id].expected_at
    if expected is not None:
        await telling.tell_late(db, hall, visit, expected)


class Doing(Struct):
    """One act on one visit, with all it stands on."""

    request: Request
    db: Db
    hall: Hall
    person: Person
    visit: Visit
    sent: Pressed
    press: Press

    @property
    def ago(self) -> timedelta:
        return timedelta(seconds=self.sent.ago_s)

    @property
    def by(self) -> dict[str, Any]:
        """Who did it, and how long ago, as the acts at the door take it."""
        return {"actor": self.person.actor, "member": self.person.username, "ago": self.ago, "press": self.press}

    async def done_before(self, states: Sequence[str], outcome: str | None) -> bool:
        """Whether the visit is in one of these states by a hand of this member's team: the other of the two pressed first, or
        this phone itself, too long ago for its press to be known."""
        now = await doorstep.by_key(self.db, self.visit.key)
        return (
            now.state in states and outcome in (None, now.outcome)
            and await doorstep.not_ours(self.db, self.hall, now, self.person.username, self.ago) is None
        )  # fmt: skip

    def read(self, shape: type[T]) -> T:
        """What was pressed, in the shape of its kind; BadInput."""
        try:
            return msgspec.convert(self.sent.data, shape)
        except msgspec.ValidationError as wrong:
            raise BadInput(field="data", message=str(wrong)) from wrong


async def once_for_both(doing: Doing, states: Sequence[str], act: Awaitable[Done], outcome: str | None = None) -> Done | None:
    """Two phones of one team say the same: the second changes nothing, and is no fault."""
    try:
        return await act
    except VisitIs:
        if await doing.done_before(states, outcome):
            return None
        raise


async def depart(doing: Doing) -> Done | None:
    act = doorstep.depart(doing.db, doing.hall, doing.visit.key, **doing.by)
    return await once_for_both(doing, ("on_the_way", "on_site", "completed"), act)


async def arrive(doing: Doing) -> Done | None:
    return await once_for_both(
        doing, ("on_site", "completed"), doorstep.arrive(doing.db, doing.hall, doing.visit.key, **doing.by)
    )


async def late(doing: Doing) -> Done | None:
    act = field.late(doing.db, doing.hall, doing.visit.key, doing.read(Late).minutes, **doing.by)
    return await once_for_both(doing, ("on_site", "completed"), act)


async def consent(doing: Doing) -> None:
    """The words are taken from the catalogue by version and language: what is kept is what the hall's page showed."""
    asked = doing.read(Consent)
    if asked.version != CONSENT_VERSION:
        raise BadInput(field="version", message=f"one of {CONSENT_VERSION}")
    drawn: Sealed | None = None
    if asked.picture is not None:
        picture = decoded(asked.picture, MOST_DRAWN)
        if not picture.startswith(PNG):
            raise BadInput(field="image", message=NO_PHOTO)
        drawn = envelopes_of(doing.request).wrap(picture, f"{doing.visit.key}:consent")
    await field.agree(
        doing.db, doing.hall, doing.visit, asked.how, version=asked.version, words=consent_text(doing.hall, asked.text_lang),
        drawn=drawn, **doing.by,
    )  # fmt: skip


def consent_text(hall: Hall, lang: str) -> str:
    """What the citizen is shown and agrees to."""
    return words(lang)("field.consent_text", days=hall.value(field.PAPER_DAYS))


async def paper(doing: Doing) -> None:
    asked = doing.read(Paper)
    photo = plain_jpeg(decoded(asked.image, MOST_PHOTO))
    sealed = envelopes_of(doing.request).wrap(photo, f"{doing.visit.key}:{asked.paper}")
    name = await own_name(doing.db, doing.hall, doing.visit, asked.name, language(doing.request))
    await field.photograph(doing.db, doing.hall, doing.visit, asked.paper, name, sealed, len(photo), **doing.by)


async def own_name(db: Db, hall: Hall, visit: Visit, name: str, lang: str) -> str:
    """What the hall itself calls a paper that was chosen in the phone's language; any other words stay as they are."""
    for matter in await some(db, hall, visit.matters):
        shown = in_language(lang, matter.materials, matter.materials_hant, matter.materials_en)
        if name in shown and len(shown) == len(matter.materials):
            return matter.materials[shown.index(name)]
    return name


def decoded(text: str, most: int) -> bytes:
    """BadInput for what is not base64, or too much."""
    try:
        plain = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadInput(field="image", message=NO_PHOTO) from None
    if len(plain) > most:
        raise BadInput(field="image", message=f"at most {most} characters")
    return plain


async def discard(doing: Doing) -> None:
    await field.discard(doing.db, doing.hall, doing.visit, doing.read(Discard).paper, **doing.by)


async def complete(doing: Doing) -> Done | None:
    asked = doing.read(Complete)
    act = doorstep.complete(doing.db, doing.hall, doing.visit.key, asked.outcome, delivery=asked.delivery, **doing.by)
    return await once_for_both(doing, ("completed",), act, asked.outcome)


async def rate(doing: Doing) -> None:
    """The citizen's own press on the phone that was handed over: theirs in the record, not the team's."""
    asked = doing.read(Rating)
    if not await doing.db.fetchval(receipts.WENT, doing.visit.id, doing.person.username):
        raise NotYourVisit()
    await ratings.rate(
        doing.db, doing.hall, "doorstep", doing.visit.id, level=asked.level, reasons=asked.reasons, comment=asked.comment or None,
        actor="citizen", channel="team_phone", press=doing.press,
    )  # fmt: skip


async def hand_in(doing: Doing) -> None:
    asked = doing.read(HandIn)
    await receipts.offer(
        doing.db, doing.hall, doing.visit, asked.to, asked.originals, actor=doing.person.actor,
        member=doing.person.username or "", press=doing.press,
    )  # fmt: skip


ACTS: dict[str, Callable[[Doing], Awaitable[Done | None]]] = {
    "depart": depart, "arrive": arrive, "late": late, "consent": consent, "paper": paper, "discard": discard,
    "complete": complete, "rating": rate, "hand_in": hand_in,
}  # fmt: skip


async def sign_in_partner(request: Request, hall: Hall, person: Person, username: str, password: str) -> None:
    """The other of the two signs in on the same phone, with their own password. BadPassword, TooFast, NotYourVisit."""
    rates = request.app.state.rates
    await rates.allow_signin(request, username)
    async with acquire(request.app.state.pool) as db:
        user = await find_user(db, username)
        mine = await field.team_of(db, hall, person.username or "")
    if not await verify_password(user, password) or user is None:
        await asyncio.sleep(await rates.note_failure(request, username))
        raise BadPassword()
    if mine is None or user.username not in mine.members:
        raise NotYourVisit()
    async with acquire(request.app.state.pool) as db:
        await field.sign_in(db, hall, user.username, actor=f"{user.roles[0]}:{user.username}")
    ring(request, hall.id)


async def photo(request: Request, hall: Hall, person: Person, paper: str) -> bytes:
    """The photo of a paper, for who may see it now; that they looked is on record. PaperGone."""
    async with acquire(request.app.state.pool) as db:
        sealed, key = await field.look(
            db, hall, paper, actor=person.actor, clerk=person.username or "", at_desk="desk" in person.roles
        )
    ring(request, hall.id)
    return envelopes_of(request).unwrap(sealed, f"{key}:{paper}")


async def withdraw(request: Request, key: str, press: str | None) -> None:
    """The citizen, who holds the key, agrees no longer: photos and drawn name go at once. NotFound, NoConsent, TooFast."""
    await request.app.state.rates.allow_citizen(request, await current(request))
    async with acquire(request.app.state.pool) as db:
        visit = await doorstep.by_key(db, key)
        hall = await hall_by_id(request, visit.hall)
        await field.withdraw(db, hall, visit, actor="citizen", press=pressed(request, "citizen", press, key))
    ring(request, hall.id)
