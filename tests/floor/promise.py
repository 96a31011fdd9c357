"""Holds every answer against the OpenAPI document that is served with it."""

import re
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

from floor.api.openapi import document
from floor.api.v1 import ROUTES

DOCUMENT = document(ROUTES)
PATHS = {path: re.compile("^" + re.sub(r"{\w+}", "[^/]+", path) + "$") for path in DOCUMENT["paths"]}
seen: set[tuple[str, str, str]] = set()  # method, path and status that the tests of this run have met


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The promise an address falls under; the longest pattern wins, as `pair` is no device's id."""
    fitting = [
        (template, DOCUMENT["paths"][template][method.lower()])
        for template, pattern in PATHS.items()
        if pattern.match(path) and method.lower() in DOCUMENT["paths"][template]
    ]
    return min(fitting, key=lambda found: found[0].count("{")) if fitting else None


async def kept(response: httpx2.Response) -> None:
    """Fail unless the status, the media type and the body are what the document says."""
    request = response.request
    found = operation_of(request.method, request.url.path)
    if found is None:
        return  # a page, or an address nobody promised
    path, operation = found
    await response.aread()
    told = operation["responses"].get(str(response.status_code))
    assert told is not None, f"{request.method} {path} answered {response.status_code}, which is not promised: {response.text}"
    seen.add((request.method, path, str(response.status_code)))
    if "content" not in told:
        assert response.content == b"", f"{request.method} {path} {response.status_code} promised no body"
        return
    media = response.headers["content-type"].partition(";")[0]
    assert [media] == list(told["content"]), f"{request.method} {path} {response.status_code} came as {media}"
    if media.endswith("json"):
        schema = {**told["content"][media]["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(response.json())
