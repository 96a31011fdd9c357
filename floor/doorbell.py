"""The bell that tells the link something happened in a hall; when it is broken, a look every second does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

CHANNEL = "hall:rings"
RING_S = 0.2  # the longest a ring may hold a connection to Redis
SWEEP_S = 1.0  # how often a listener looks without having been rung
PENDING = 256  # rings on their way at once: past it they are dropped, the sweep finds what they meant
QUIET_S = 5.0  # of silence, and a listener asks whether Redis is still there
QUIET_LOG_S = 30.0

log = structlog.get_logger("doorbell")


def open_redis(url: str) -> "Redis":
    """A client that gives up within RING_S and never tries a second time: nothing that matters waits for Redis."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=RING_S,
        socket_connect_timeout=RING_S,
        retry=Retry(NoBackoff(), 0),
        max_connections=32,
        health_check_interval=0,
    )


class Doorbell:
    """Rings after a commit and wakes whoever listens. It carries hall ids and nothing else."""

    def __init__(self, redis: "Redis") -> None:
        self.redis = redis
        self.rings: set[asyncio.Task[None]] = set()
        self.complained_at = float("-inf")

    def ring(self, hall_id: int) -> None:
        """Say that a hall's journal has grown. Returns at once; a failure is logged and costs at most one sweep."""
        if len(self.rings) >= PENDING:
            self.complain("too many rings on their way")
            return
        task = asyncio.create_task(self.send(hall_id))
        self.rings.add(task)
        task.add_done_callback(self.rings.discard)

    async def send(self, hall_id: int) -> None:
        try:
            async with asyncio.timeout(RING_S):
                await self.redis.publish(CHANNEL, str(hall_id))
        except (RedisError, OSError, TimeoutError) as reason:
            self.complain(str(reason) or type(reason).__name__)

    def complain(self, reason: str) -> None:
        """Once in 30 s is enough: an hour without Redis is one fault, not a hundred thousand lines."""
        now = asyncio.get_running_loop().time()
        if now - self.complained_at >= QUIET_LOG_S:
            self.complained_at = now
            log.warning("doorbell_silent", reason=reason)

    async def listen(self) -> AsyncIterator[int]:
        """Hall ids as they ring, through every restart of Redis, which is tried anew each second.

        Silence is never peace: a Redis that restarted may raise nothing, so the listener looks each SWEEP_S anyway.
        """
        while True:
            subscription = self.redis.pubsub()
            try:
                await subscription.subscribe(CHANNEL)
                while True:
                    hall_id = await heard(subscription)
                    if hall_id is not None:
                        yield hall_id
            except (RedisError, OSError, TimeoutError) as reason:
                self.complain(str(reason) or type(reason).__name__)
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await subscription.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(SWEEP_S)

    async def close(self) -> None:
        """Let the last rings go out."""
        if self.rings:
            await asyncio.wait(self.rings, timeout=RING_S)


async def heard(subscription: "PubSub") -> int | None:
    """The next ring, None for anything else; after QUIET_S of silence a ping finds out whether Redis is still there.

    The ping's own answer comes back as a message of another type: taken for silence it would be pinged again, for ever.
    """
    message = await subscription.get_message(timeout=QUIET_S)
    if message is None:
        await subscription.ping()
        return None
    rung = str(message["data"])
    return int(rung) if message["type"] == "message" and rung.isascii() and rung.isdigit() else None
