"""The rules of a hall as a manager edits them: every value by its name, what it may be, and one act that changes several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from queueing import journal
from queueing.db import Db
from queueing.errors import BadInput, ChangedMeanwhile
from queueing.halls import Hall
from queueing.settings import SETTINGS, Setting, choose, chosen
from queueing.windows import BARRED, TOLD

CLASSES = ("legal", "natural", "consult", "complaint")
EVIDENCE = ("paper", "age", "booking", "slip", "word")


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `name` is where it stands: `set.interleave`, `hall.min_call_s`, `window.3.helps`. `kind`: number, flag,
    choice, codes (several, of `allowed` where that is not empty) or text of at most `high` characters."""

    name: str
    kind: str
    value: Any = None
    low: int = 0
    high: int = 0
    allowed: tuple[str, ...] = ()
    unit: str = ""
    empty: bool = False

    @property
    def column(self) -> str:
        """The last part of the name: a column, or a setting's own name."""
        return self.name.rpartition(".")[2]

    def read(self, typed: str) -> Any:
        """What somebody typed, as a value this may have; BadInput."""
        typed = typed.strip()
        if self.kind == "flag":
            return typed == "1"
        if self.kind == "codes":
            return self._codes(typed)
        if not typed:
            if self.empty:
                return None
            raise BadInput(field=self.name, message="it is empty")
        if self.kind == "number":
            if not typed.isascii() or not typed.isdigit() or len(typed) > 9 or not self.low <= int(typed) <= self.high:
                raise BadInput(field=self.name, message=f"{self.low} to {self.high}")
            return int(typed)
        if self.kind == "choice" and typed not in self.allowed:
            raise BadInput(field=self.name, message=f"one of {', '.join(self.allowed)}")
        if self.kind == "text" and len(typed) > self.high:
            raise BadInput(field=self.name, message=f"at most {self.high} characters")
        return typed

    def _codes(self, typed: str) -> list[str]:
        codes = list(dict.fromkeys(typed.replace("，", " ").replace("、", " ").replace(",", " ").split()))
        if len(codes) > 40 or any(len(code) > 40 for code in codes):
            raise BadInput(field=self.name, message="at most 40 characters")
        if self.allowed and (wrong := [code for code in codes if code not in self.allowed]):
            raise BadInput(field=self.name, message=f"one of {', '.join(self.allowed)}" if wrong else "")
        return codes


@dataclass(frozen=True, slots=True)
class Change:
    """A value that shall be another."""

    name: str
    was: Any
    now: Any


CLASS = Value("class", "choice", allowed=CLASSES, empty=True)
ONLY = (Value("only_windows", "codes"), Value("only_clerks", "codes"))
# By the first part of a name: the table, the column that names a row, and the columns a manager edits.
TABLES: dict[str, tuple[str, str, tuple[Value, ...]]] = {
    "hall": ("halls", "id", (
        Value("calls_before_missed", "number", low=1, high=20, unit="calls"),
        Value("min_call_s", "number", high=600, unit="seconds"),
        Value("return_after", "number", high=100, unit="people"), Value("one_live_ticket", "flag"),
        Value("skills_required", "flag"), Value("rating_days", "number", low=1, high=60, unit="days"),
        Value("ticket_line", "text", high=60), Value("offline_minutes", "number", high=1440, unit="minutes"))),
    "category": ("categories", "code", (
        Value("name", "text", high=40), Value("name_hant", "text", high=40, empty=True),
        Value("name_en", "text", high=60, empty=True),
        Value("credit_minutes", "number", high=100_000, unit="minutes"), Value("evidence", "choice", allowed=EVIDENCE),
        Value("from_age", "number", low=1, high=120, unit="years", empty=True), Value("papers", "codes"),
        Value("needs_evidence", "flag"), Value("offered", "flag"))),
    "service": ("services", "code", (
        CLASS, Value("quick", "flag"), Value("real_name", "choice", allowed=("none", "optional", "required")),
        Value("person_limit", "number", low=1, high=50, unit="tickets", empty=True), *ONLY)),
    "window": ("windows", "no", (
        CLASS, Value("whole_zone", "flag"), Value("helps", "codes"), Value("help_after", "number", high=600, unit="minutes"),
        Value("short_after", "number", high=600, unit="minutes", empty=True))),
    "matter": ("matter_rules", "matter", (Value("quick", "flag"), *ONLY, Value("decides", "codes"))),
}  # fmt: skip
ORDERED = {"categories": "credit_minutes DESC, code", "services": "rank, code", "windows": "rank, no", "matter_rules": "matter"}


async def read(db: Db, hall: Hall, more: Sequence[Setting[Any]] = ()) -> dict[str, Value]:
    """Every value of the hall as it stands, by name; `more` are settings of other rooms."""
    own = await chosen(db, hall.id)
    values = [of_setting(setting, setting.of(own)) for setting in (*SETTINGS, *more)]
    for part, (table, key, columns) in TABLES.items():
        names = ", ".join(column.name for column in columns)
        if part == "hall":
            row = await db.fetchrow(f"SELECT {names} FROM halls WHERE id = $1", hall.id)
            assert row is not None
            values += [replace(column, name=f"hall.{column.name}", value=row[column.name]) for column in columns]
            continue
        rows = await db.fetch(f"SELECT {key} AS key, {names} FROM {table} WHERE hall = $1 ORDER BY {ORDERED[table]}", hall.id)
        for row in rows:
            values += [replace(c, name=f"{part}.{row['key']}.{c.name}", value=row[c.name]) for c in columns]
    services = tuple(dict.fromkeys(value.name.split(".")[1] for value in values if value.name.startswith("service.")))
    known = (replace(value, allowed=services) if value.column == "helps" else value for value in values)
    return {value.name: value for value in known}


def of_setting(setting: Setting[Any], value: Any) -> Value:
    """A setting as one of the values."""
    kind = "flag" if isinstance(setting.usual, bool) else "number" if isinstance(setting.usual, int) else "choice"
    return Value(f"set.{setting.name}", kind, value, setting.low, setting.high, setting.allowed, setting.unit)


def changes(values: Mapping[str, Value], typed: Mapping[str, str]) -> tuple[list[Change], list[BadInput]]:
    """What differs between what stands and what was typed, and what of it can't be used."""
    made: list[Change] = []
    wrong: list[BadInput] = []
    for name, text in typed.items():
        if name not in values:
            continue
        try:
            now = values[name].read(text)
        except BadInput as refused:
            wrong.append(refused)
            continue
        if now != values[name].value:
            made.append(Change(name, values[name].value, now))
    new = {change.name: change.now for change in made}
    for name, value in values.items():
        if value.column == "evidence":
            of_age = name.replace(".evidence", ".from_age")
            if (new.get(name, value.value) == "age") != (new.get(of_age, values[of_age].value) is not None):
                wrong.append(BadInput(field=of_age, message="an age belongs to a category by age, and to no other"))
    return made, wrong


LOCK = "SELECT id FROM halls WHERE id = $1 FOR NO KEY UPDATE"
# What a window helps with is what whoever sits there may do: see windows.OPEN.
HELPING = f"""
UPDATE windows m SET helping = (
    SELECT coalesce(array_agg(x.code ORDER BY x.rank, x.code), '{{}}') FROM services x, windows w
    JOIN halls h ON h.id = w.hall CROSS JOIN LATERAL (SELECT w.clerk AS name) clerk
    WHERE w.hall = m.hall AND w.no = m.no AND x.hall = w.hall AND x.code = ANY(w.helps) AND NOT x.code = ANY(w.services)
      AND {BARRED} IS NULL)
WHERE m.hall = $1 AND m.no = $2 AND m.state <> 'closed' RETURNING {TOLD} AS told
"""


async def apply(db: Db, hall: Hall, made: Iterable[Change], *, actor: str, more: Sequence[Setting[Any]] = ()) -> None:
    """Make all changes or none, and record them. ChangedMeanwhile when somebody else was faster; BadInput."""
    made = list(made)
    async with db.transaction():
        await db.fetchval(LOCK, hall.id)
        stand = await read(db, hall, more)
        for change in made:
            if change.name not in stand or stand[change.name].value != change.was:
                raise ChangedMeanwhile(field=change.name)
            await _write(db, hall, change, more)
        await _record(db, hall, made, actor)


async def _write(db: Db, hall: Hall, change: Change, more: Sequence[Setting[Any]]) -> None:
    part, _, rest = change.name.partition(".")
    if part == "set":
        (setting,) = [setting for setting in (*SETTINGS, *more) if setting.name == rest]
        await choose(db, hall.id, setting, change.now)
        return
    table, key, columns = TABLES[part]
    row, _, column = rest.rpartition(".")
    assert column in {known.name for known in columns}
    if part == "hall":
        await db.execute(f"UPDATE halls SET {column} = $2 WHERE id = $1", hall.id, change.now)
    else:
        await db.execute(f"UPDATE {table} SET {column} = $3 WHERE hall = $1 AND {key} = $2", hall.id, row, change.now)


async def _record(db: Db, hall: Hall, made: list[Change], actor: str) -> None:
    """Windows that changed while they were open and fences tell where they stand, so that a call can be explained later."""
    for no in dict.fromkeys(change.name.split(".")[1] for change in made if change.name.startswith("window.")):
        if (told := await db.fetchval(HELPING, hall.id, no)) is not None:
            await journal.append(db, hall.id, "window.ruled", actor, data=told, window=no)
    for matter in dict.fromkeys(change.name[7:].rpartition(".")[0] for change in made if change.name.startswith("matter.")):
        await record_matter(db, hall, matter, actor)
    if made:
        told = [{"name": change.name, "was": change.was, "now": change.now} for change in made]
        await journal.append(db, hall.id, "rules.changed", actor, data={"changes": told})


REFENCE = """
UPDATE tickets t SET fenced = EXISTS (SELECT FROM matter_rules r WHERE r.hall = t.hall AND r.matter = ANY(t.matters)
    AND (r.only_windows <> '{}' OR r.only_clerks <> '{}'))
WHERE t.hall = $1 AND t.state = 'waiting' AND $2 = ANY(t.matters)
"""
MATTER = "SELECT quick, only_windows, only_clerks FROM matter_rules WHERE hall = $1 AND matter = $2"


async def record_matter(db: Db, hall: Hall, matter: str, actor: str) -> None:
    """Tell who may serve a matter from now on; those who wait with it are fenced, or free, at once."""
    row = await db.fetchrow(MATTER, hall.id, matter)
    await db.execute(REFENCE, hall.id, matter)
    told = {"matter": matter, "quick": row["quick"], "windows": row["only_windows"], "clerks": row["only_clerks"]} if row else {
        "matter": matter, "quick": False, "windows": [], "clerks": []}  # fmt: skip
    await journal.append(db, hall.id, "rules.matter", actor, data=told)


ADD_CATEGORY = (
    "INSERT INTO categories (hall, code, name, credit_minutes) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING RETURNING code"
)
ADD_MATTER = "INSERT INTO matter_rules (hall, matter) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING matter"


async def add(db: Db, hall: Hall, part: str, key: str, name: str, *, actor: str) -> None:
    """A new category (code and name, no head start yet) or a matter that has a rule of its own. BadInput."""
    if not key or (
        part == "category" and not (key.isascii() and key.replace("_", "a").isalpha() and key.islower() and len(key) <= 20)
    ):
        raise BadInput(field="key", message="it is empty" if not key else "1 to 20 characters a-z and _")
    if part == "category" and not name:
        raise BadInput(field="name", message="it is empty")
    async with db.transaction():
        made = await db.fetchval(ADD_CATEGORY, hall.id, key, name[:40]) if part == "category" else await db.fetchval(
            ADD_MATTER, hall.id, key[:200])  # fmt: skip
        if made is None:
            raise BadInput(field="key", message="it is there twice")
        await journal.append(
            db, hall.id, "rules.changed", actor, data={"changes": [{"name": f"{part}.{key}", "was": None, "now": name}]}
        )


WORST = """
WITH today AS (
    SELECT t.id, t.service, t.number, t.joined_at, t.category, c.at AS called_at FROM tickets t
    JOIN LATERAL (
        SELECT j.at FROM journal j WHERE j.ticket = t.id AND j.kind = 'ticket.called' ORDER BY j."offset" LIMIT 1) c ON true
    WHERE t.hall = $1 AND t.day = (SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1)
)
SELECT id, service, number, joined_at, category, called_at FROM today ORDER BY called_at
"""


@dataclass(frozen=True, slots=True)
class Overtaking:
    """The one who joined so many minutes later and was called first."""

    minutes: int
    first: str
    passed: str


async def worst_overtaking(db: Db, hall: Hall) -> Overtaking | None:
    """The longest somebody was overtaken today in one service, by the first calls; None when nobody was."""
    worst: Overtaking | None = None
    latest: dict[str, Any] = {}
    for row in await db.fetch(WORST, hall.id):
        ahead = latest.get(row["service"])
        if ahead is not None and ahead["joined_at"] > row["joined_at"]:
            minutes = int((ahead["joined_at"] - row["joined_at"]).total_seconds() // 60)
            if worst is None or minutes > worst.minutes:
                worst = Overtaking(minutes, ahead["number"], row["number"])
        if ahead is None or row["joined_at"] > ahead["joined_at"]:
            latest[row["service"]] = row
    return worst if worst and worst.minutes > 0 else None
