"""Every act a person can do, by whatever door it comes in: may they, do it once, ring the bell."""

from floor.acts.desk import count_question, precheck, reprint_slip, tell_once, undo_question
from floor.acts.ground import hall_by_id, hall_of, pressed, ring
from floor.acts.ratings import rate
from floor.acts.tickets import cancel, release, reprint, restore, take, ticket_of
from floor.acts.windows import (
    AT_WINDOWS,
    arrive,
    call_next,
    call_number,
    close,
    finish,
    hold,
    no_show,
    open_rating,
    open_window,
    pause,
    recall,
    resume,
    resume_held,
    take_back,
    transfer,
)

__all__ = [
    "AT_WINDOWS",
    "arrive",
    "call_next",
    "call_number",
    "cancel",
    "close",
    "count_question",
    "finish",
    "hall_by_id",
    "hall_of",
    "hold",
    "no_show",
    "open_rating",
    "open_window",
    "pause",
    "precheck",
    "pressed",
    "rate",
    "recall",
    "release",
    "reprint",
    "reprint_slip",
    "restore",
    "resume",
    "resume_held",
    "ring",
    "take",
    "take_back",
    "tell_once",
    "ticket_of",
    "transfer",
    "undo_question",
]
