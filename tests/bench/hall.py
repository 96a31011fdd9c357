"""The demo hall as a bench that comes in by its front door meets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

PASSWORD = "bench-bench"
PATIENCE_S = 20.0


@contextmanager
def signed_in(address: str) -> Iterator[httpx2.Client]:
    """The interface of the hall at this address, as its manager."""
    with httpx2.Client(base_url=f"{address}/api/v1", timeout=10) as hall:
        signed = hall.post("/sessions", json={"username": "manager", "password": PASSWORD}).json()["token"]
        hall.headers["Authorization"] = f"Bearer {signed}"
        yield hall


def all_here(hall: httpx2.Client) -> bool:
    """Whether every machine of the demo has greeted the hall."""
    return all(machine["last_seen"] for machine in machines(hall) if not machine["revoked_at"])


def machines(hall: httpx2.Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = hall.get("/halls/demo/devices?limit=500").json()["items"]
    return listed


def ask(hall: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = hall.post(path, json=body)
    assert answer.is_success, f"{path}: {answer.text}"
    found: dict[str, Any] = answer.json()
    return found
