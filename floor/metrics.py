"""What the web process counts about itself, in the words of Prometheus."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import Scope

REGISTRY = CollectorRegistry()
REQUESTS = Counter("hall_http_requests", "Requests by route and status.", ("method", "route", "status"), registry=REGISTRY)
SECONDS = Histogram(
    "hall_http_seconds",
    "Seconds a request took, by route.",
    ("method", "route"),
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_children: dict[tuple[str, str, int], tuple[Any, Any]] = {}
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})


def route_of(scope: Scope) -> str:
    """The pattern of the address that was asked: a ticket's key in it is its holder's and is written nowhere."""
    return str(getattr(scope.get("route"), "path", "other"))


def note(scope: Scope, status: int, seconds: float) -> None:
    """Count a request under its route's pattern, never under the address itself: keys and tokens stay out."""
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    route = route_of(scope)
    key = (method, route, status)
    if key not in _children:
        _children[key] = (REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route))
    count, duration = _children[key]
    count.inc()
    duration.observe(seconds)


def text() -> bytes:
    """All figures in Prometheus' text format."""
    return generate_latest(REGISTRY)
