"""How often someone may ask: counted in Redis for all processes, in this process alone while Redis is away."""

import asyncio
import time
from typing import Any

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute, WindowStats
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection

from floor.refusals import TooFast
from floor.settings import Settings
from floor.signin import Person

log = structlog.get_logger("limits")

REDIS_S = 0.15  # the longest a request waits for Redis here; the whole request never more than 200 ms
AWAY_S = 5.0  # how long Redis is left alone after it failed

ACTS_OF_ADDRESS = RateLimitItemPerMinute(60)  # cancel, rate: acts of whoever holds a key
WRONG_PASSWORDS = RateLimitItemPerMinute(10)  # for one name from one address
WRONG_SIGNINS = RateLimitItemPerMinute(60)  # from one address, whatever the names
DOOR_CODES = RateLimitItemPerMinute(20, 30)  # one code of the door from one address, for as long as a code can live
WRONG_PAPERS = RateLimitItemPerMinute(5, 10)  # guesses at the minute printed beside one number
WRONG_QUOTES = RateLimitItemPerHour(20)  # numbers of visits with the wrong telephone, from one address
WRONG_OF_ONE = RateLimitItemPerHour(10)  # and for one visit, from wherever
SLOWEST_S = 2.0


def address(request: HTTPConnection) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"


class Rates:
    """Moving windows of a minute, one per credential and kind of act."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.takes_of_device = RateLimitItemPerMinute(settings.takes_per_device)
        self.takes_of_address = RateLimitItemPerMinute(settings.takes_per_address)
        self.shared = MovingWindowRateLimiter(open_storage(redis))
        self.alone = MovingWindowRateLimiter(MemoryStorage())
        self.away_until = 0.0

    async def count(self, item: RateLimitItem, *who: str) -> None:
        """Count one act; TooFast, with the seconds to wait, when it is one too many."""
        if not await self.ask("hit", item, *who):
            raise TooFast(await self.seconds_left(item, *who))

    async def check(self, item: RateLimitItem, *who: str) -> None:
        """TooFast when the next act would be one too many; counts nothing."""
        if not await self.ask("test", item, *who):
            raise TooFast(await self.seconds_left(item, *who))

    async def ask(self, verb: str, item: RateLimitItem, *who: str) -> bool:
        """This process counts along, so that losing Redis in the middle of a minute forgets nothing it has seen itself."""
        if not await getattr(self.alone, verb)(item, *who):
            return False
        if time.monotonic() >= self.away_until:
            try:
                async with asyncio.timeout(REDIS_S):
                    return bool(await getattr(self.shared, verb)(item, *who))
            except (RedisError, OSError, TimeoutError) as reason:
                self.away_until = time.monotonic() + AWAY_S
                log.warning("limits_alone", reason=str(reason) or type(reason).__name__)
        return True

    async def seconds_left(self, item: RateLimitItem, *who: str) -> int:
        """Whole seconds, at least one, until the window has room again."""
        window = await self.window(item, *who)
        return max(1, round(window.reset_time - time.time()))

    async def window(self, item: RateLimitItem, *who: str) -> WindowStats:
        """The fuller of the two windows: this process's own, or the one all share while Redis answers."""
        own = await self.alone.get_window_stats(item, *who)
        if own.remaining == 0 or time.monotonic() < self.away_until:
            return own
        try:
            async with asyncio.timeout(REDIS_S):
                return await self.shared.get_window_stats(item, *who)
        except (RedisError, OSError, TimeoutError):
            return own

    async def allow_take(self, request: HTTPConnection, person: Person | None) -> None:
        """Takes: so many a minute for a device, fewer for an address nobody signed in from, no limit for staff."""
        if person is None:
            await self.count(self.takes_of_address, "take", address(request))
        elif person.device:
            await self.allow_device(person.device)

    async def allow_door(self, request: HTTPConnection, code: str) -> None:
        """One scan of a code at the door, or one take with it: shared on, it opens for one address only so often."""
        await self.count(DOOR_CODES, "door", code.strip().upper(), address(request))

    async def allow_device(self, device: str) -> None:
        """One take by a device, over HTTP or by a press on its line."""
        await self.count(self.takes_of_device, "take", device)

    async def allow_citizen(self, request: HTTPConnection, person: Person | None) -> None:
        """Acts of those who hold a ticket's key; no limit for staff and machines."""
        if person is None:
            await self.count(ACTS_OF_ADDRESS, "act", address(request))

    async def allow_guess(self, hall: str, number: str) -> None:
        """TooFast while somebody has guessed at the paper of this number too often."""
        await self.check(WRONG_PAPERS, "paper", hall, number)

    async def note_guess(self, hall: str, number: str) -> None:
        """Count a time that is not on the paper of this number."""
        await self.ask("hit", WRONG_PAPERS, "paper", hall, number)

    async def allow_quoting(self, request: HTTPConnection, number: str) -> None:
        """TooFast while this address has quoted wrongly too often within the hour, or anybody this number."""
        await self.check(WRONG_QUOTES, "quote", address(request))
        await self.check(WRONG_OF_ONE, "quoted", number)

    async def note_quoting(self, request: HTTPConnection, number: str) -> None:
        """Count a number that was quoted with the wrong telephone."""
        await self.ask("hit", WRONG_QUOTES, "quote", address(request))
        await self.ask("hit", WRONG_OF_ONE, "quoted", number)

    async def allow_signin(self, request: HTTPConnection, username: str) -> None:
        """TooFast while this address, or this name from it, has failed too often in the last minute."""
        await self.check(WRONG_PASSWORDS, "password", address(request), username)
        await self.check(WRONG_SIGNINS, "signin", address(request))

    async def note_failure(self, request: HTTPConnection, username: str) -> float:
        """Count a wrong password; the seconds to keep the answer back, doubling with each failure."""
        await self.ask("hit", WRONG_SIGNINS, "signin", address(request))
        await self.ask("hit", WRONG_PASSWORDS, "password", address(request), username)
        window = await self.window(WRONG_PASSWORDS, "password", address(request), username)
        return min(SLOWEST_S, 0.05 * 2.0 ** (WRONG_PASSWORDS.amount - window.remaining))


def open_storage(redis: Redis) -> Storage:
    """Counters in Redis over the connections the hall has anyway; the address is theirs."""
    options: dict[str, Any] = {"connection_pool": redis.connection_pool}
    return RedisStorage("async+redis://", implementation="redispy", **options)
