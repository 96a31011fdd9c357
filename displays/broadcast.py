"""Something said aloud because a person typed it: a notice, or what can't wait for the calls in front of it."""

from datetime import datetime, timedelta

from devices.jobs import NewJob, owe
from displays import phrases
from displays.announce import EMERGENCY, NOTICE
from displays.voice import LOUDEST, Voice
from queueing.db import Db
from queueing.errors import BadInput
from queueing.halls import Hall

LONGEST = 120  # characters: half a minute of speech
LASTS = timedelta(minutes=2)  # later than that it may no longer be true

SPEAKERS = """
SELECT id, coalesce('zone:' || zone, 'hall') AS room FROM devices
WHERE hall = $1 AND kind = 'speaker' AND window_no IS NULL AND revoked_at IS NULL AND paired_at IS NOT NULL
    AND ($2::text IS NULL OR zone = $2) ORDER BY n
"""


async def broadcast(
    db: Db, hall: Hall, voice: Voice, text: str, *, lang: str, zone: str | None, urgent: bool, key: str, by: str, now: datetime
) -> int:
    """Have the speakers of a zone, or of the whole hall, say this; gives how many were told. Once per `key`. BadInput.

    A notice waits for the sentence being said and goes before the calls; in silent hours it is not said. What is urgent
    goes before everything, in any hour, as loud as the speakers are.
    """
    if not text or len(text) > LONGEST:
        raise BadInput(field="text", message=f"at most {LONGEST} characters" if text else "it is empty")
    if lang not in phrases.VOICES:
        raise BadInput(field="lang", message=f"one of {', '.join(phrases.VOICES)}")
    volume = LOUDEST if urgent else voice.volume_at(now, zone=zone)
    if not volume:
        return 0
    data = {
        "sentences": [phrases.sentence(text, lang, voice.lexicon).wire()], "times": 2, "chime": True, "volume": volume,
        "order": EMERGENCY if urgent else NOTICE, "by": by,
    }  # fmt: skip
    speakers = await db.fetch(SPEAKERS, hall.id, zone)
    jobs = [NewJob(hall.id, s["id"], "say", f"notice:{key}", now + LASTS, data | {"room": s["room"]}) for s in speakers]
    await owe(db, jobs)
    return len(jobs)
