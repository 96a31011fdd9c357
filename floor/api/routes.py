"""How one address of the interface is written down: what it takes, what it answers, and what it may refuse."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from floor.api.faults import Fault, fault_of
from floor.api.problems import Invalid, Malformed, NotAcceptable

T = TypeVar("T")
Answer = Callable[[Request], Awaitable[Response]]
ENCODER = msgspec.json.Encoder()
NOT_KEPT = {"cache-control": "no-store"}  # a number, a name or a token is for who asked, now


@dataclass(frozen=True, slots=True)
class Spec:
    """The promise of one address. `answers` maps a status to the shape of its body (None: no body)."""

    method: str
    path: str
    summary: str
    who: str
    answers: Mapping[int, Any]
    body: Any = None
    query: Any = None
    refusals: tuple[str, ...] = ()
    once: bool = False  # honours Idempotency-Key
    media: str = "application/json"
    notes: str = field(default="")


class Promised(Route):
    """A route with its promise."""

    def __init__(self, endpoint: Answer, spec: Spec) -> None:
        super().__init__(spec.path, endpoint, methods=[spec.method])
        self.spec = spec


def get(path: str, endpoint: Answer, summary: str, who: str, answer: Any, **more: Any) -> Promised:
    """An address that changes nothing."""
    return Promised(endpoint, Spec("GET", path, summary, who, more.pop("answers", {200: answer}), **more))


def post(path: str, endpoint: Answer, summary: str, who: str, answers: Mapping[int, Any], **more: Any) -> Promised:
    """An act. It honours Idempotency-Key unless it says otherwise."""
    return Promised(endpoint, Spec("POST", path, summary, who, answers, **{"once": True, **more}))


def delete(path: str, endpoint: Answer, summary: str, who: str, **more: Any) -> Promised:
    """An act that ends something."""
    return Promised(endpoint, Spec("DELETE", path, summary, who, {204: None}, **more))


class Shut:
    """What answers a method that an address doesn't know, before a page's wider address can."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(405)


def shut(promised: Iterable[Promised]) -> list[Route]:
    """Each address of the interface once more, for all methods that are not promised. They come after all the promised."""
    return [Route(path, Shut()) for path in dict.fromkeys(route.path for route in promised)]


# --- reading what is asked --------------------------------------------------------------------------------------


DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of a shape, made once."""
    if shape not in DECODERS:
        DECODERS[shape] = msgspec.json.Decoder(shape)
    return DECODERS[shape]


async def asked(request: Request, shape: type[T]) -> T:
    """The body in the shape it must have; nothing at all counts as {}. Malformed, Invalid."""
    acceptable(request)
    body = await request.body()
    try:
        value: T = decoder(shape).decode(body or b"{}")
    except msgspec.ValidationError as wrong:
        raise Invalid(fault_of(wrong, shape)) from wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise Malformed(reason=str(broken)) from broken
    return value


def queried(request: Request, shape: type[T], media: str = "application/json") -> T:
    """The query string in the shape it must have. Invalid."""
    acceptable(request, media)
    try:
        return msgspec.convert(dict(request.query_params), shape, strict=False)
    except msgspec.ValidationError as wrong:
        raise Invalid(fault_of(wrong, shape)) from wrong


def acceptable(request: Request, media: str = "application/json") -> None:
    """NotAcceptable when the Accept header rules out what is served here."""
    accept = request.headers.get("accept", "").lower()
    if not accept.strip() or "*/*" in accept or media in accept:
        return
    kind = media.partition("/")[0]
    offered = {part.partition(";")[0].strip() for part in accept.split(",") if "q=0," not in part.replace(" ", "") + ","}
    if not offered & {"*/*", f"{kind}/*", media, "application/problem+json"}:
        raise NotAcceptable()


def press_of(request: Request) -> str | None:
    """The Idempotency-Key of an act: 1 to 200 visible characters."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= 200 and key.isascii() and key.isprintable()):
        raise Invalid(Fault("Idempotency-Key", "1 to 200 visible ASCII characters"))
    return key


# --- answering --------------------------------------------------------------------------------------------------


def answer(value: object, status: int = 200, *, replayed: bool = False) -> Response:
    """A value as JSON."""
    response = Response(ENCODER.encode(value), status, NOT_KEPT, "application/json")
    return marked(response, replayed)


def nothing(*, replayed: bool = False) -> Response:
    """204."""
    return marked(Response(status_code=204), replayed)


def marked(response: Response, replayed: bool) -> Response:
    if replayed:
        response.headers["idempotent-replay"] = "true"
    return response
