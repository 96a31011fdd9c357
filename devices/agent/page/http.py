"""Just enough of HTTP for one browser on this computer: short requests, one answer each, nothing kept open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

log = structlog.get_logger()

HEAD, BODY = 16 * 1024, 4 * 1024  # bytes at most
PATIENCE_S = 5.0
AT_ONCE = 16  # requests; a browser needs six


class Unreadable(Exception):
    """No request, or one too long."""


@dataclass(frozen=True)
class Request:
    """One request; header names are lower case, of a repeated one the last counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    content: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def in_json(document: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document, ensure_ascii=False).encode(), "application/json")


async def serve(host: str, port: int, act: Callable[[Request], Awaitable[Answer]]) -> asyncio.Server:
    """Listen until closed. OSError when the port is taken."""
    room = asyncio.Semaphore(AT_ONCE)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), room:
                writer.write(_bytes(await _answered(reader, act)))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as gone:
            log.debug("page request broke off", reason=repr(gone))
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=HEAD)


async def _answered(reader: asyncio.StreamReader, act: Callable[[Request], Awaitable[Answer]]) -> Answer:
    try:
        request = await _read(reader)
    except (Unreadable, asyncio.LimitOverrunError, ValueError):
        return Answer(400, b"This is no request.\n")
    try:
        return await act(request)
    except Exception:
        log.exception("page failed", path=request.path)
        return Answer(500, b"The page failed.\n")


async def _read(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= BODY or "transfer-encoding" in headers:
        raise Unreadable
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Request(method, parts.path, query, headers, await reader.readexactly(length))


def _bytes(answer: Answer) -> bytes:
    headers = {
        "Content-Type": answer.kind, "Content-Length": str(len(answer.content)), "Connection": "close",
        "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
        **answer.headers,
    }  # fmt: skip
    head = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode("latin-1") + answer.content
