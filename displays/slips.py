"""What the paper that tells once says: all that is missing, who said so and when, and the code by which it is found again."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from queueing.db import Db

KINDS = ("slip.told", "slip.reprinted")

SLIP = """
SELECT s.id, s.code, s.at, s.lacking, s.note, s.lang, s.good_until, s.teller, s.copies, h.code AS hall, h.name AS hall_name,
       h.time_zone,
       (SELECT array_agg(CASE s.lang WHEN 'zh-Hant' THEN coalesce(m.name_hant, m.name) WHEN 'en' THEN coalesce(m.name_en, m.name)
                         ELSE m.name END ORDER BY n)
        FROM unnest(s.matters) WITH ORDINALITY AS asked (code, n)
        JOIN matters m ON m.hall = s.hall AND m.code = asked.code) AS names,
       (SELECT CASE WHEN s.lang = 'zh-Hant' AND m.mistakes_hant <> '{}' THEN m.mistakes_hant
                    WHEN s.lang = 'en' AND m.mistakes_en <> '{}' THEN m.mistakes_en ELSE m.mistakes END
        FROM matters m WHERE m.hall = s.hall AND m.code = s.matters[1]) AS mistakes
FROM slips s JOIN halls h ON h.id = s.hall WHERE s.id = ANY ($1)
"""


async def papers(db: Db, ids: Sequence[int], pages: str) -> dict[int, dict[str, Any]]:
    """What these slips say, by id. `pages` is where the hall's own pages are. Who told is named: one may ask for them again."""
    return {
        row["id"]: {
            "hall": row["hall_name"],
            "lang": row["lang"],
            "matters": row["names"] or [],
            "lacking": row["lacking"],
            "mistakes": row["mistakes"] or [],
            "note": row["note"],
            "teller": row["teller"],
            "code": row["code"],
            "until": row["good_until"].isoformat(),
            "at": row["at"].astimezone(ZoneInfo(row["time_zone"])).isoformat("T", "seconds"),
            "url": f"{pages}/{row['hall']}/slip/{row['code']}",
        }
        for row in (await db.fetch(SLIP, list(ids)) if ids else ())
    }
