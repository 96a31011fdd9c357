"""The promise itself, written from the very shapes that are served: for programs as OpenAPI 3.1, for people as a page."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from re import findall
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from floor.api.problems import JSON, Problem, reason, status_of
from floor.api.routes import Promised, Spec, acceptable, get
from floor.words import words

REF = "#/components/schemas/{name}"
ALWAYS = ("not_acceptable", "unavailable", "internal")
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "A repeat within 24 hours gives the first answer, with Idempotent-Replay: true.",
}
LANG = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "zh-Hans, zh-Hant or en: the language of sentences meant for people.",
}
ABOUT = (
    "Adding is free, changing breaks people: what is served here stays. Times are RFC 3339 with offset, business days "
    "YYYY-MM-DD. A refusal is application/problem+json, and its `code` never changes."
)


def document(promised: Sequence[Promised]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    specs = [route.spec for route in promised]
    schemas = components(specs)
    paths: dict[str, dict[str, Any]] = {}
    for spec in specs:
        paths.setdefault(spec.path, {})[spec.method.lower()] = operation(spec)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Service hall", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "device": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Device <id>:<secret>"},
            },
        },
    }


def components(specs: Iterable[Spec]) -> dict[str, Any]:
    """Every shape that is asked or answered."""
    shapes = {Problem: None}
    for spec in specs:
        shapes |= {shape: None for shape in (spec.body, *spec.answers.values()) if shape is not None}
    _, schemas = msgspec.json.schema_components(shapes, ref_template=REF)
    return schemas


def operation(spec: Spec) -> dict[str, Any]:
    """One method of one address."""
    told: dict[str, Any] = {
        "summary": spec.summary,
        "description": f"For: {spec.who}. {spec.notes}".strip(),
        "operationId": operation_id(spec),
        "parameters": parameters(spec),
        "responses": responses(spec),
        "security": [{}] if spec.who.startswith(("Anybody", "A machine with")) else [{"bearer": []}, {"device": []}, {}],
    }
    if spec.body is not None:
        told["requestBody"] = {
            "required": bool(required(spec.body)),
            "content": {"application/json": {"schema": schema(spec.body)}},
        }
    return told


def operation_id(spec: Spec) -> str:
    """A name per operation: method, the fixed words of the path, and the last gap of it."""
    root = [] if spec.path.startswith("/api/v1") else ["root"]
    fixed = [part for part in spec.path.removeprefix("/api/v1").strip("/").replace("-", "_").split("/") if "{" not in part]
    return "_".join([spec.method.lower(), *root, *fixed, *findall(r"{(\w+)}$", spec.path)]).replace(".", "_")


def required(shape: Any) -> list[str]:
    found: list[str] = [field.encode_name for field in msgspec.structs.fields(shape) if field.required]
    return found


def schema(shape: Any) -> dict[str, Any]:
    (told,), _ = msgspec.json.schema_components([shape], ref_template=REF)
    return told


def parameters(spec: Spec) -> list[dict[str, Any]]:
    """What is in the path, in the query and in headers."""
    told = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in findall(r"{(\w+)}", spec.path)
    ]
    if spec.query is not None:
        ((_, shape),) = msgspec.json.schema_components([spec.query], ref_template=REF)[1].items()
        told += [
            {"name": name, "in": "query", "required": name in shape.get("required", ()), "schema": field}
            for name, field in shape["properties"].items()
        ]
    return [*told, *([KEY] if spec.once else []), LANG]


def responses(spec: Spec) -> dict[str, Any]:
    """The answers, and under each status of a refusal the words that may come with it."""
    told: dict[str, Any] = {}
    for status, shape in spec.answers.items():
        told[str(status)] = {"description": reason(status)}
        if shape is not None:
            told[str(status)]["content"] = {spec.media: {"schema": schema(shape)}}
        if spec.once and status < 300:
            told[str(status)]["headers"] = {"Idempotent-Replay": {"schema": {"const": "true"}, "description": "On a repeat"}}
    for status, codes in by_status(refusals(spec)).items():
        told.setdefault(str(status), refused(status, codes))
    return told


def refusals(spec: Spec) -> list[str]:
    """Every word this address may answer with."""
    codes = [*spec.refusals, *ALWAYS]
    if spec.path.startswith("/api/") and "{" in spec.path:
        codes += ["not_found", "bad_input"]
    if spec.method != "GET":
        codes += ["malformed", "bad_input", "too_large"]
    if spec.query is not None:
        codes.append("bad_input")
    if spec.once:
        codes.append("key_reused")
    if not spec.who.startswith(("Anybody", "A machine with")):
        codes += ["not_signed_in", "not_allowed"]
    return codes


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    told: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        told.setdefault(status_of(code), []).append(code)
    return dict(sorted(told.items()))


def refused(status: int, codes: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": f"{reason(status)}: {', '.join(codes)}",
        "content": {JSON: {"schema": {"allOf": [schema(Problem), {"properties": {"code": {"enum": codes}}}]}}},
    }
    if status in (429, 503):
        told["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    return told


# --- the page ---------------------------------------------------------------------------------------------------

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Service hall, version 1</title><link rel="stylesheet" href="/static/docs.css">
<link rel="icon" href="/static/favicon.svg"></head>
<body><main><h1>Service hall, version 1</h1>
<p>{about} <a href="/api/v1/openapi.json">openapi.json</a></p>
<h2>Addresses</h2>{operations}<h2>Shapes</h2>{shapes}<h2>Words of refusal</h2><dl>{codes}</dl></main></body></html>"""


def page(promised: Sequence[Promised]) -> str:
    """The document as something to read, without a script."""
    told = document(promised)
    shapes = "".join(
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3>{described(shape)}</section>'
        for name, shape in told["components"]["schemas"].items()
    )
    operations = "".join(article(route.spec) for route in promised)
    return PAGE.format(about=escape(ABOUT), operations=operations, shapes=shapes, codes=glossary(promised))


def article(spec: Spec) -> str:
    """One address: what it does, for whom, what comes in and out."""
    rows = [f"<tr><td>{status}</td><td>{linked(shape)}</td></tr>" for status, shape in spec.answers.items()]
    rows += [
        f"<tr><td>{status}</td><td>{', '.join(f'<a href=#{code}>{code}</a>' for code in codes)}</td></tr>"
        for status, codes in by_status(refusals(spec)).items()
    ]
    asked = f"<p>Body: {linked(spec.body)}</p>" if spec.body is not None else ""
    return (
        f"<article><h3><code>{spec.method} {escape(spec.path)}</code></h3><p>{escape(spec.summary)}. For: {escape(spec.who)}. "
        f"{escape(spec.notes)}</p>{asked}<table>{''.join(rows)}</table></article>"
    )


def linked(shape: Any) -> str:
    name = escape(getattr(shape, "__name__", "no body"))
    return f'<a href="#{name}">{name}</a>' if isinstance(shape, type) and issubclass(shape, msgspec.Struct) else name


def described(shape: dict[str, Any]) -> str:
    """A shape's fields with their JSON Schema."""
    fields = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd><code>{escape(msgspec.json.encode(field).decode())}</code></dd>"
        for name, field in shape.get("properties", {}).items()
    )
    return f"<p>{escape(shape.get('description', ''))}</p><dl>{fields}</dl>"


def glossary(promised: Sequence[Promised]) -> str:
    say = words("en")
    codes = sorted({code for route in promised for code in refusals(route.spec)})
    return "".join(
        f'<dt id="{code}"><code>{code}</code> {status_of(code)}</dt><dd>{escape(say(f"problems.{code}"))}</dd>' for code in codes
    )


def served(promised: Sequence[Promised]) -> list[Promised]:
    """The routes, and the two addresses of the promise itself, which are part of it.

    It is written when it is first asked for, in a thread: a quarter of a second of processor that most starts never need.
    """

    @cache
    def as_json() -> bytes:
        return msgspec.json.encode(document(everything))

    @cache
    def as_page() -> str:
        return page(everything)

    async def machine_reads(request: Request) -> Response:
        acceptable(request)
        return Response(await asyncio.to_thread(as_json), media_type="application/json")

    async def person_reads(request: Request) -> Response:
        return HTMLResponse(await asyncio.to_thread(as_page))

    everything = [
        *promised,
        get("/api/v1/openapi.json", machine_reads, "This document", "Anybody", dict[str, Any]),
        get("/api/v1/docs", person_reads, "This document to read", "Anybody", str, media="text/html"),
    ]
    return everything
