"""Every refusal as an answer: its status, its word that never changes, and a sentence in the reader's language."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match
from starlette.types import ExceptionHandler

from devices import errors as machine
from floor.api.faults import Fault, told
from floor.database import Unavailable
from floor.metrics import route_of
from floor.refusals import NotSignedIn
from floor.words import Words, language, said_in, words
from queueing.errors import BadInput, Refused

log = structlog.get_logger("web")

Refusal = Refused | machine.Refused  # the queue's and the floor's, and the machines'

JSON = "application/problem+json"
RETRY_S = 2  # Postgres is back within seconds of a restart

# The only place that decides an HTTP status. A refusal that is not named here is a conflict with the hall as it stands.
STATUS = {
    "malformed": 400,
    "not_signed_in": 401,
    "not_allowed": 403,
    "not_found": 404,
    "bad_code": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "too_large": 413,
    "bad_input": 422,
    "unknown_service": 422,
    "key_reused": 422,
    "too_fast": 429,
    "internal": 500,
    "unavailable": 503,
}
CONFLICT = 409
OF_STATUS = {status: code for code, status in STATUS.items() if code not in ("bad_code", "unknown_service", "key_reused")}


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457. `code` never changes; title and detail are for people. Other members tell what the sentence tells."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault] = []


class Malformed(Refused):
    """The body is not JSON."""

    code = "malformed"


class NotAcceptable(Refused):
    """This is served as JSON only."""

    code = "not_acceptable"


class Invalid(Refused):
    """The request has values that can't be used."""

    code = "bad_input"

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        super().__init__()


def status_of(code: str) -> int:
    """The HTTP status that goes with a word."""
    return STATUS.get(code, CONFLICT)


def sentence(refused: Refusal, say: Words) -> str:
    """What a person reads when the hall says no, in their language."""
    key = f"problems.{type(refused).__name__}"
    return say(key, **translated(refused.details, say)) if key in say else say(f"problems.{refused.code}")


class _Gaps(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


def translated(details: Mapping[str, object], say: Words) -> dict[str, object]:
    """The gaps of a sentence: the hall's own words (waiting, ticket) are said in the reader's language."""
    gaps = _Gaps({"what": "", "state": "", "seconds": "", "count": "", "service": "", "window": "", "ticket": ""})
    for name, value in details.items():
        gaps[name] = say.get(f"problems.{name}.{value}", value)
    return gaps


def problem(request: Request, refused: Refusal) -> Response:
    """A refusal as problem+json."""
    say = words(language(request))
    status = status_of(refused.code)
    body = {name: value for name, value in refused.details.items() if value is not None and name != "message"} | {
        "type": f"/api/v1/docs#{refused.code}",
        "title": say(f"problems.{refused.code}"),
        "status": status,
        "detail": sentence(refused, say),
        "code": refused.code,
    }
    if faults := faults_of(refused, say):
        body["errors"] = faults
    return Response(msgspec.json.encode(body), status, headers_of(refused) | said_in(say.lang), JSON)


def faults_of(refused: Refusal, say: Words) -> list[Fault]:
    """The fields that can't be used, each with its sentence."""
    if isinstance(refused, Invalid):
        return [Fault(fault.field, told(fault.message, say)) for fault in refused.faults]
    if isinstance(refused, machine.BadInput) and "message" not in refused.details:
        return [Fault(str(refused.details.get("field", "")), say[f"problems.fault.{type(refused).__name__}"])]
    if isinstance(refused, BadInput | machine.BadInput):
        return [Fault(str(refused.details.get("field", "")), told(str(refused.details.get("message", "")), say))]
    return []


def headers_of(refused: Refusal) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if refused.code == "not_signed_in":
        headers["www-authenticate"] = 'Bearer realm="hall"'
    if refused.code == "too_fast":
        headers["retry-after"] = str(refused.details.get("seconds", 1))
    return headers


def plain(request: Request, code: str, status: int, **headers: str) -> Response:
    """A problem that is no refusal of the hall: a wrong method, an unknown address, a database that is away."""
    say = words(language(request))
    body = {
        "type": f"/api/v1/docs#{code}",
        "title": say(f"problems.{code}"),
        "status": status,
        "detail": say(f"problems.{code}"),
        "code": code,
    }
    return Response(msgspec.json.encode(body), status, {"cache-control": "no-store", **said_in(say.lang), **headers}, JSON)


# --- the handlers -----------------------------------------------------------------------------------------------


async def on_refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refusal)
    if not wants_page(request):
        return problem(request, refused)
    if isinstance(refused, NotSignedIn) and request.method == "GET":
        return RedirectResponse(f"/signin?next={quote(request.url.path)}", 303)
    return page(request, refused.code, status_of(refused.code), sentence(refused, words(language(request))))


async def on_http(request: Request, raised: Exception) -> Response:
    """What the router refused: an unknown address, a method an address doesn't know, a body past the limit."""
    assert isinstance(raised, HTTPException)
    code = OF_STATUS.get(raised.status_code, "bad_input" if raised.status_code < 500 else "internal")
    headers = {"allow": allowed(request, raised)} if raised.status_code == 405 else {}
    if wants_page(request):
        answer = page(request, code, raised.status_code, words(language(request))(f"problems.{code}"))
        answer.headers.update(headers)
        return answer
    return plain(request, code, raised.status_code, **headers)


async def on_unavailable(request: Request, gone: Exception) -> Response:
    """Postgres is away: a clear refusal, nothing half done, and the way back is to ask again."""
    log.warning("database_away", route=route_of(request.scope), reason=repr(gone.__cause__))
    retry = {"retry-after": str(RETRY_S)}
    if wants_page(request):
        answer = page(request, "unavailable", 503, words(language(request))("problems.unavailable"))
        answer.headers.update(retry)
        return answer
    return plain(request, "unavailable", 503, **retry)


async def on_unusable(request: Request, raised: Exception) -> Response:
    """A text the database can't hold (a NUL, half a character): the sender's mistake, found late."""
    log.info("unusable_text", route=route_of(request.scope), reason=type(raised).__name__)
    return problem(request, Invalid(Fault("", "a text has characters that can't be kept")))


async def on_fault(request: Request, raised: Exception) -> Response:
    """A mistake of ours: written down in full for us, told in one plain sentence to everybody else."""
    log.error("fault", route=route_of(request.scope), method=request.method, exc_info=raised)
    if wants_page(request):
        return page(request, "internal", 500, words(language(request))("problems.internal"))
    return plain(request, "internal", 500)


def allowed(request: Request, raised: HTTPException) -> str:
    """The methods an address knows; behind a mount only whoever refused knows them."""
    methods: set[str] = set()
    for route in request.app.routes:
        matched, _ = route.matches(request.scope)
        if matched is Match.FULL:
            break  # here the address was shut: a wider one behind it has no say
        if matched is Match.PARTIAL:
            methods |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(methods)) or (raised.headers or {}).get("Allow", "")


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks for a whole page; programs, fragments and scripts get problem+json."""
    path = request.url.path
    if path.startswith(("/api/", "/devices/")) or request.headers.get("hx-request") == "true":
        return False
    return "text/html" in request.headers.get("accept", "")


def page(request: Request, code: str, status: int, detail: str) -> Response:
    from floor.pages import render

    return render(request, "problem.html", status, code=code, detail=detail)


def handlers() -> dict[Any, ExceptionHandler]:
    """What the web process does with everything that is raised."""
    from asyncpg import CharacterNotInRepertoireError, UntranslatableCharacterError

    return {  # the first that fits the raised error's own line of classes
        Refused: on_refused,
        machine.Refused: on_refused,
        HTTPException: on_http,
        Unavailable: on_unavailable,
        UnicodeEncodeError: on_unusable,
        CharacterNotInRepertoireError: on_unusable,
        UntranslatableCharacterError: on_unusable,
        Exception: on_fault,
    }


def reason(status: int) -> str:
    """The standard's own words for a status."""
    return HTTPStatus(status).phrase
