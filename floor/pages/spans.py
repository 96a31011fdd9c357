"""The days a report is asked for: from and to in its address, the last week where nobody says."""

from datetime import date, timedelta

from starlette.requests import Request

from floor.words import Words

DAYS = 7  # shown before anybody asks
MOST = 366  # days of one look


def asked_days(request: Request, today: date, say: Words) -> tuple[date, date, str | None]:
    """First day, last day, and what is wrong with those asked for; then the usual ones."""
    asked, usual = request.query_params, (today - timedelta(DAYS - 1), today)
    first, last = day_of(asked.get("from"), usual[0]), day_of(asked.get("to"), today)
    wrong = None if first is not None and last is not None else say["one_number.unreadable"]
    if first and last and not timedelta(0) <= last - first < timedelta(MOST):
        wrong = say["one_number.backwards"] if first > last else say("one_number.too_long", n=MOST)
    return (*usual, wrong) if wrong or first is None or last is None else (first, last, None)


def day_of(word: str | None, usual: date) -> date | None:
    """A day of the address; the usual one where none is asked for, None for nonsense."""
    if not word:
        return usual
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None
