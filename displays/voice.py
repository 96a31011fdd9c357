"""How a hall sounds: its languages, its words, how often and how loud at which time of day. The engineer sets it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from displays.phrases import Lexicon
from queueing.db import Db, Row

LOUDEST = 100


@dataclass(frozen=True, slots=True)
class Voice:
    """One hall's voice. `volumes` are (from, percent) in the hall's own time, each until the next; 0 is silence.

    `zones` are the percents of it that zones want, `windows` those of the windows in such a zone.
    """

    langs: tuple[str, ...] = ("zh-Hans",)
    own_lang: bool = True
    hant: str = "zh-Hans"
    times: int = 2
    chime: bool = True
    volumes: tuple[tuple[time, int], ...] = ()
    lexicon: Lexicon = field(default_factory=Lexicon)
    time_zone: str = "Asia/Shanghai"
    zones: Mapping[str, int] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)

    def volume_at(self, at: datetime, *, window: str | None = None, zone: str | None = None) -> int:
        """How loud it is then, in percent, in the hall, a zone or at a window; the last of the day holds through the night."""
        share = self.windows.get(window or "", LOUDEST) * self.zones.get(zone or "", LOUDEST) // LOUDEST
        if not self.volumes:
            return share
        now = at.astimezone(ZoneInfo(self.time_zone)).time()
        earlier = [volume for begins, volume in sorted(self.volumes) if begins <= now]
        return (earlier[-1] if earlier else max(self.volumes)[1]) * share // LOUDEST

    def own(self, lang: str) -> str | None:
        """The voice of a ticket in this language, None where the hall speaks only its own."""
        return (self.hant if lang == "zh-Hant" else lang) if self.own_lang else None


VOICE = """
SELECT h.time_zone, v.langs, v.own_lang, v.hant, v.one, v.times, v.chime,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(to_char(from_time, 'HH24:MI'), volume) ORDER BY from_time), '[]')
     FROM voice_volumes WHERE hall = h.id) AS volumes,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(kind, lang, written, spoken) ORDER BY written), '[]')
     FROM voice_words WHERE hall = h.id) AS words,
    (SELECT coalesce(jsonb_object_agg(code, volume), '{}') FROM zones WHERE hall = h.id AND volume IS NOT NULL) AS zones,
    (SELECT coalesce(jsonb_object_agg(w.no, z.volume), '{}') FROM windows w JOIN zones z ON (z.hall, z.code) = (w.hall, w.zone)
     WHERE w.hall = h.id AND z.volume IS NOT NULL) AS windows
FROM halls h LEFT JOIN voices v ON v.hall = h.id WHERE h.id = $1
"""


async def load(db: Db, hall_id: int) -> Voice:
    """The hall's voice as it is set now; the usual one for a hall that never set it."""
    return from_row(await db.fetchrow(VOICE, hall_id))


def from_row(row: Row | None) -> Voice:
    """A row of VOICE as the voice it tells of."""
    if row is None or row["langs"] is None:
        return Voice(time_zone=row["time_zone"], zones=row["zones"], windows=row["windows"]) if row else Voice()
    words: dict[str, dict[str, dict[str, str]]] = {"prefix": {}, "reading": {}}
    for kind, lang, written, spoken in row["words"]:
        words[kind].setdefault(lang, {})[written] = spoken
    return Voice(
        tuple(row["langs"]), row["own_lang"], row["hant"], row["times"], row["chime"],
        tuple((time.fromisoformat(begins), volume) for begins, volume in row["volumes"]),
        Lexicon(row["one"], words["prefix"], words["reading"]), row["time_zone"], row["zones"], row["windows"],
    )  # fmt: skip
