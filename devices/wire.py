"""Everything the hall and its machines say to each other: every message, its limits, and why a line is closed.

`decode_from_device` and `decode_from_hall` turn one text frame into one message, `encode` turns a message into the
bytes of one text frame. Decoding is strict about types and lenient about novelty: an unknown field is ignored, an
unknown type is named (`UnknownType`), anything else unreadable is a `BadFrame`. Times are aware datetimes, offsets and
ids whole numbers a browser can hold (below 2**53), tickets and windows the printed ones. Nothing personal has a field.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

VERSION = "hall.v1"
VERSIONS = (VERSION,)  # what the gateway offers, newest first

FRAME = 16 * 1024  # bytes of one inbound frame
ISSUED_FRAME = 64 * 1024  # bytes of one inbound `issued` frame
RATE, BURST = 20, 60  # inbound frames per second, and how many at once
UNFINISHED_JOBS = 4  # jobs a device holds at a time; the rest wait in the database
BEAT_S = 10  # seconds between beats
SILENT_S = 25  # seconds without a frame after which a side counts the other as gone
HELLO_S = 5  # seconds a new connection has for its hello
REDELIVER_S = 15  # seconds without `accepted` after which a job is sent again
FLASH_S = 20  # a call older than this neither flashes nor sounds
RESUME_EVENTS = 200  # a device further behind gets a snapshot
GOT_S, GOT_EVENTS = 2, 20  # `got` is due after this many seconds, or events

Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Number = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
Word = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=500)]
At = Annotated[datetime, Meta(tz=True)]
JobState = Literal["accepted", "started", "done", "failed", "expired", "refused", "uncertain"]
ENDINGS: frozenset[str] = frozenset({"done", "failed", "expired", "refused", "uncertain"})
JOB_KINDS = ("print", "say", "ask_rating", "sound_test", "print_test")
EVENT_KINDS = (
    "called", "recalled", "arrived", "cleared", "waiting", "notice",
    "window_opened", "window_paused", "window_resumed", "window_closed",
)  # fmt: skip
ERRORS = (
    "bad_frame", "unknown_type", "too_big", "too_fast", "id_reuse",
    "not_allowed", "not_in_that_state", "expired", "try_later",
)  # fmt: skip


class Close(IntEnum):
    """Why a line was closed. 4000-4499 mean come back, 4500 and up stay away; `AFTER` says how."""

    TOO_BIG = 1009
    DRAINING = 4000
    SERVER_ERROR = 4001
    TOO_SLOW = 4002
    NO_BEAT = 4003
    BAD_POSITION = 4004
    TOO_FAST = 4005
    NO_HELLO = 4006
    REVOKED = 4501
    REPLACED = 4502
    BAD_VERSION = 4503
    BROKEN_FRAMES = 4504

    @property
    def reason(self) -> str:
        """The words that go with the code, in a bye and in the close frame."""
        return AFTER[self].reason


@dataclass(frozen=True, slots=True)
class After:
    """What a device does after a close: back off if `wait_s` is None, else wait so long, or for good if it `stops`."""

    reason: str
    wait_s: float | None = None
    stops: bool = False
    forgets_feed: bool = False
    alarms: bool = False


AFTER: dict[Close, After] = {
    Close.TOO_BIG: After("frame over the limit", wait_s=60),
    Close.DRAINING: After("the hall is being updated", wait_s=0),  # plus random 0..retry_s of the bye
    Close.SERVER_ERROR: After("server error"),
    Close.TOO_SLOW: After("too slow to read"),
    Close.NO_BEAT: After("no beat"),
    Close.BAD_POSITION: After("greet again without a position", forgets_feed=True),
    Close.TOO_FAST: After("too many frames", wait_s=30),
    Close.NO_HELLO: After("no hello in time"),
    Close.REVOKED: After("not paired", stops=True),
    Close.REPLACED: After("replaced by a newer connection", wait_s=60),
    Close.BAD_VERSION: After("update needed", stops=True),
    Close.BROKEN_FRAMES: After("broken frames", wait_s=300, alarms=True),
}


def _require_plain(value: object, depth: int = 0) -> None:
    """Free-form data stays storable: at most 8 deep, whole numbers below 2**53. ValueError otherwise."""
    if depth > 8:
        raise ValueError("nested too deep")
    if isinstance(value, int) and abs(value) >= 2**53:
        raise ValueError("number too big")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_plain(inner, depth + 1)


def _require_year(at: datetime) -> None:
    if not 2000 <= at.year < 2200:
        raise ValueError("a time no clock of a hall shows")


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One frame. Its `type` is the tag; optional fields are left out when they are not set."""


class Position(Struct, frozen=True):
    """A place in a feed. Offsets of different epochs can't be compared."""

    epoch: Word
    offset: Offset


class Recovered(Struct, frozen=True):
    """Where the feed stands after a greeting, and whether the missed events follow (else a snapshot does)."""

    epoch: Word
    offset: Offset
    recovered: bool


class Limits(Struct, frozen=True):
    """What the hall takes: bytes a frame, unfinished jobs."""

    frame: int = FRAME
    jobs: int = UNFINISHED_JOBS


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one part of a device is; `link` has the round trip and the clock's offset in ms instead."""

    state: Word | None = None
    since: At | None = None
    rtt_ms: float | None = None
    offset_ms: float | None = None
    detail: Line | None = None


class IssuedTicket(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number a dispenser gave out alone: `seq` grows for ever, `at` is by its own clock, `up_ms` its time since boot.

    `key` is the ticket's own handle where the dispenser has printed one, `lang` what its visitor reads.
    """

    seq: Id
    lease: Word
    number: Id
    at: At
    up_ms: Offset
    key: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{22}$")] | None = None
    lang: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"

    def __post_init__(self) -> None:
        _require_year(self.at)


# ---- from the device


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """The first frame: who runs here, what it can do, where it stopped reading, which jobs it has begun."""

    id: Id
    boot: Word
    agent: Word
    caps: Annotated[list[Word], Meta(max_length=32)]
    at: At
    fw: Word | None = None
    feed: Position | None = None
    open: Annotated[list[Word], Meta(max_length=64)] = msgspec.field(default_factory=list)
    issued: Offset | None = None


class Got(Message, frozen=True, kw_only=True, tag="got"):
    """Everything in the feed up to here has been shown."""

    offset: Offset


class Resync(Message, frozen=True, kw_only=True, tag="resync"):
    """A gap: send the whole board."""

    id: Id


class JobReport(Message, frozen=True, kw_only=True, tag="job_report"):
    """How far a job is."""

    id: Id
    job: Word
    state: JobState
    at: At
    detail: dict[str, Any] | None = None
    reason: Line | None = None

    def __post_init__(self) -> None:
        _require_plain(self.detail)
        _require_year(self.at)


class Issued(Message, frozen=True, kw_only=True, tag="issued"):
    """Numbers given out while the hall was away, in order."""

    id: Id
    tickets: Annotated[list[IssuedTicket], Meta(max_length=1000)]


class Press(Message, frozen=True, kw_only=True, tag="press"):
    """A citizen or clerk touched something: `rating`, `take`, `card`, or a clerk's key. `press` is minted once per touch."""

    id: Id
    press: Annotated[str, Meta(min_length=1, max_length=64)]
    what: Word
    data: dict[str, Any]

    def __post_init__(self) -> None:
        _require_plain(self.data)


class Beat(Message, frozen=True, kw_only=True, tag="beat"):
    """I am alive, at this time of mine; the round trip and the hall's clock less mine, in ms, as last measured."""

    id: Id
    sent: At
    state: Word
    offset: Offset | None = None
    parts_rev: Offset | None = None
    rtt_ms: Annotated[float, Meta(ge=0)] | None = None
    offset_ms: float | None = None


class Health(Message, frozen=True, kw_only=True, tag="health"):
    """How my parts are; sent when one changed and after each hello."""

    id: Id
    parts: Annotated[dict[Word, Part], Meta(max_length=32)]


class Rotated(Message, frozen=True, kw_only=True, tag="rotated"):
    """The new secret is stored."""

    re: Id


# ---- from the hall


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """You are in: `gen` is this connection's number; `pending` means no place has been given to this device yet."""

    re: Id
    gen: Offset
    status: Literal["live", "pending"]
    at: At
    beat_s: float
    issued: Offset | None = None
    config_rev: Offset | None = None
    feed: Recovered | None = None
    retry_s: float | None = None
    limits: Limits


class Snapshot(Message, frozen=True, kw_only=True, tag="snapshot"):
    """The whole board at an offset; never spoken, never flashed."""

    epoch: Word
    offset: Offset
    board: dict[str, Any]


class Event(Message, frozen=True, kw_only=True, tag="event"):
    """One change of a board. `prev` is the offset of the event before it in this feed."""

    prev: Offset
    offset: Offset
    kind: Word
    at: At
    data: dict[str, Any]


class Job(Message, frozen=True, kw_only=True, tag="job"):
    """Do this once: `key` names the effect, `expires` is the last moment it makes sense, `attempt` counts sendings."""

    gen: Offset
    job: Word
    kind: Word
    key: str
    expires: At
    attempt: int
    data: dict[str, Any]


class Lease(Message, frozen=True, kw_only=True, tag="lease"):
    """Numbers a dispenser may give out alone, from `opens` to `until`; `data` is what their paper says besides."""

    gen: Offset
    lease: Word
    service: Word
    day: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    first: Id
    last: Id
    until: At
    opens: At | None = None
    data: dict[str, Any] | None = None


class IssuedOk(Message, frozen=True, kw_only=True, tag="issued_ok"):
    """The hall has every offline ticket up to here."""

    re: Id
    through: Offset


class BeatOk(Message, frozen=True, kw_only=True, tag="beat_ok"):
    """The hall heard the beat at `recv` and answers at `sent`."""

    re: Id
    recv: At
    sent: At


class Config(Message, frozen=True, kw_only=True, tag="config"):
    """Settings of this device: volume, languages, screen text."""

    id: Id
    gen: Offset
    rev: Offset
    data: dict[str, Any]


class Rotate(Message, frozen=True, kw_only=True, tag="rotate"):
    """Store this secret; the old one works until you have come back with it."""

    id: Id
    secret: Word


class Bye(Message, frozen=True, kw_only=True, tag="bye"):
    """The line is closed with this code right after."""

    code: int
    reason: Line
    retry_s: float | None = None


# ---- from either side


class Ok(Message, frozen=True, kw_only=True, tag="ok"):
    """Done; `data` is the answer where there is one."""

    re: Id
    data: dict[str, Any] | None = None


class Error(Message, frozen=True, kw_only=True, tag="error"):
    """Not done. `re` is null for a frame that can't be read; `retry` says whether the same frame may work later."""

    re: Id | None
    code: Word
    message: Line
    retry: bool
    data: dict[str, Any] | None = None


FromDevice = Hello | Got | Resync | JobReport | Issued | Press | Beat | Health | Rotated | Ok | Error
FromHall = Welcome | Snapshot | Event | Job | Lease | IssuedOk | BeatOk | Config | Rotate | Bye | Ok | Error


class BadFrame(ValueError):
    """A frame that can't be read. `re` is its id where that much was readable."""

    def __init__(self, message: str, re: int | None = None) -> None:
        super().__init__(message)
        self.re = re


class UnknownType(ValueError):
    """A readable frame of a type this version does not know. `opt` says that it may be ignored."""

    def __init__(self, kind: str, re: int | None = None, opt: bool = False) -> None:
        super().__init__(f"no such type: {kind[:64]}")
        self.re, self.opt = re, opt


class _Head(Struct):
    type: Any = None
    id: Any = None
    opt: Any = False


_encoder = msgspec.json.Encoder()
_from_device: msgspec.json.Decoder[FromDevice] = msgspec.json.Decoder(FromDevice)
_from_hall: msgspec.json.Decoder[FromHall] = msgspec.json.Decoder(FromHall)
_head = msgspec.json.Decoder(_Head)
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


def encode(message: Message) -> bytes:
    """The UTF-8 bytes of one text frame."""
    return _encoder.encode(message)


def decode_from_device(frame: str | bytes) -> FromDevice:
    """Read a frame as the hall does. BadFrame, UnknownType."""
    message: FromDevice = _decode(_from_device, get_args(FromDevice), frame)
    return message


def decode_from_hall(frame: str | bytes) -> FromHall:
    """Read a frame as a device does. BadFrame, UnknownType."""
    message: FromHall = _decode(_from_hall, get_args(FromHall), frame)
    return message


def _decode(decoder: msgspec.json.Decoder[Any], known: tuple[type[Message], ...], frame: str | bytes) -> Any:
    if (b"\\u0000" if isinstance(frame, bytes) else "\\u0000") in frame:  # type: ignore[operator]
        raise BadFrame("a NUL has no place in a text")
    try:
        return decoder.decode(frame)
    except _UNREADABLE as broken:
        raise _named(frame, known, broken) from broken


def _named(frame: str | bytes, known: tuple[type[Message], ...], broken: Exception) -> BadFrame | UnknownType:
    """Say what is wrong with an unreadable frame, as precisely as it lets itself be read."""
    try:
        head = _head.decode(frame)
    except _UNREADABLE:
        return BadFrame("not a JSON object" if isinstance(broken, RecursionError) else str(broken)[:200])
    re = head.id if type(head.id) is int and 1 <= head.id < 2**53 else None
    if isinstance(head.type, str) and head.type not in {message.__struct_config__.tag for message in known}:
        return UnknownType(head.type, re, head.opt is True)
    return BadFrame(str(broken)[:200], re)


def describe() -> dict[str, Any]:
    """The protocol as a document: JSON Schemas of all messages, who sends which, limits and close codes."""
    messages = [*get_args(FromDevice), *get_args(FromHall)]
    (_, schemas) = msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Device link", "version": VERSION},
        "x-from-device": [kind.__struct_config__.tag for kind in get_args(FromDevice)],
        "x-from-hall": [kind.__struct_config__.tag for kind in get_args(FromHall)],
        "x-limits": {
            "frame": FRAME,
            "issued_frame": ISSUED_FRAME,
            "frames_per_s": RATE,
            "burst": BURST,
            "jobs": UNFINISHED_JOBS,
        },
        "x-close-codes": [{"code": int(c), "reason": after.reason, "stops": after.stops} for c, after in AFTER.items()],
        "components": {"schemas": schemas},
    }
