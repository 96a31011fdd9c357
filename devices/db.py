"""How this room reaches the hall's database, and how a device's act gets into the hall's record."""

from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Db = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    Row = asyncpg.Record
else:
    Db = asyncpg.Connection
    Pool = asyncpg.Pool
    Row = asyncpg.Record

# What a database that is away, going or not yet there says of itself. InternalClientError: it went between two messages.
GONE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# The tail of every act of a device that the hall remembers. It follows `WITH … told AS (SELECT hall, kind, actor,
# window_no, data, rank FROM …)`: each row of `told` becomes one journal row, in the order of `rank`. The streams'
# rows are the last contested lock and are held to the commit; halls are locked in the order of their ids.
RECORD = """
, due AS (
    SELECT hall, count(*) AS n FROM told GROUP BY hall
), locked AS MATERIALIZED (
    SELECT s.hall FROM hall_streams s JOIN due USING (hall) ORDER BY s.hall FOR NO KEY UPDATE OF s
), stream AS (
    UPDATE hall_streams s SET top = top + due.n FROM due JOIN locked USING (hall)
    WHERE s.hall = due.hall RETURNING s.hall, s.top - due.n AS before
), recorded AS (
    INSERT INTO journal (hall, "offset", kind, actor, window_no, data)
    SELECT t.hall, s.before + row_number() OVER (PARTITION BY t.hall ORDER BY t.rank), t.kind, t.actor, t.window_no, t.data
    FROM told t JOIN stream s USING (hall)
    RETURNING hall
)
"""
