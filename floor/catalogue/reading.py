"""Rows of a file become matters and life events, or the reason why a row can't."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import msgspec

from floor.catalogue.sheets import MOST_CELL, Row, Unreadable
from floor.words import LANGUAGES, Words, words
from queueing.matters import Catalogue, Entry, Event, Matter

COLUMNS = (
    "kind", "code", "name", "name_hant", "name_en", "service", "department", "applicant", "minutes", "promised_days", "quick",
    "one_visit", "fenced", "retired", "fee", "aliases", "guide_version", "guide", "guide_hant", "guide_en", "materials",
    "materials_hant", "materials_en", "mistakes", "mistakes_hant", "mistakes_en", "parts",
)  # fmt: skip
LISTS = ("aliases", "materials", "materials_hant", "materials_en", "mistakes", "mistakes_hant", "mistakes_en", "parts")
FLAGS = ("quick", "one_visit", "fenced", "retired")
KINDS = ("matter", "package", "event")
APPLICANTS = ("person", "company", "both")
LONGEST = {"name": 80, "name_hant": 80, "name_en": 160, "department": 80, "fee": 120, "guide_version": 40}
MOST_ROWS = 20_000
CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")
BREAK = re.compile(r"[\n;；]")
YES, NO = frozenset({"1", "y", "yes", "true", "是", "√"}), frozenset({"", "0", "n", "no", "false", "否"})


class Fault(msgspec.Struct, frozen=True):
    """Why a row is refused: the row as the spreadsheet numbers it, the column, a word of the page, and what stood there."""

    row: int
    column: str
    reason: str
    value: str = ""


class Refuse(Exception):
    """One cell can't be used."""

    def __init__(self, column: str, reason: str, value: str = "") -> None:
        super().__init__(reason)
        self.column, self.reason, self.value = column, reason, value[:40]


def spellings(key: str, values: Collection[str]) -> dict[str, str]:
    """How the words of a closed list are written in any of the hall's languages."""
    known = {value: value for value in values}
    for lang in LANGUAGES:
        known |= {words(lang)[f"matters.{key}_{value}"].casefold(): value for value in values}
    return known


def headings(row: Row) -> list[str | None]:
    """Which column each cell of the first row names, in any language; Unreadable where code, name or service is missing."""
    known = spellings("column", COLUMNS)
    found = [known.get(cell.casefold()) for cell in row]
    if "code" not in found or "name" not in found:
        raise Unreadable("no_headings")
    named = [column for column in found if column]
    if len(set(named)) < len(named):
        raise Unreadable("twice")
    return found


class Reader:
    """Reads rows one after another and remembers the codes it met."""

    def __init__(self, columns: list[str | None], services: Collection[str]) -> None:
        self.columns, self.services = columns, services
        self.kinds, self.applicants = spellings("kind", KINDS), spellings("applicant", APPLICANTS)
        self.entries: list[tuple[int, Entry]] = []
        self.faults: list[Fault] = []
        self.met: set[str] = set()

    def read(self, number: int, row: Row) -> None:
        """One row; an empty one is passed over."""
        cells = {column: cell for column, cell in zip(self.columns, row, strict=False) if column}
        if not any(cells.values()):
            return
        try:
            entry = self.entry(cells)
            if entry.code in self.met:
                raise Refuse("code", "twice", entry.code)
            self.met.add(entry.code)
            self.entries.append((number, entry))
        except Refuse as refused:
            self.faults.append(Fault(number, refused.column, refused.reason, refused.value))

    def entry(self, cells: Mapping[str, str]) -> Entry:
        for column, cell in cells.items():
            if len(cell) > LONGEST.get(column, MOST_CELL):
                raise Refuse(column, "too_long", cell)
        code, name = cells.get("code", "").upper(), cells.get("name", "")
        if not CODE.fullmatch(code):
            raise Refuse("code", "code", code)
        if not name:
            raise Refuse("name", "empty")
        kind = one_of(cells, "kind", self.kinds) or "matter"
        names: dict[str, Any] = {"code": code, "name": name} | texts(cells, ("name_hant", "name_en"))
        if kind == "event":
            return event(names, cells)
        return self.matter(kind, names, cells)

    def matter(self, kind: str, names: dict[str, Any], cells: Mapping[str, str]) -> Matter:
        service = cells.get("service", "").upper()
        if service not in self.services:
            raise Refuse("service", "service" if service else "empty", service)
        plain: dict[str, Any] = texts(cells, ("department", "fee", "guide_version", "guide", "guide_hant", "guide_en"))
        several: dict[str, Any] = {column: listed(cells.get(column, "")) for column in LISTS}
        for column in ("materials", "mistakes"):
            for lang in ("hant", "en"):
                if len(several[f"{column}_{lang}"]) not in (0, len(several[column])):
                    raise Refuse(f"{column}_{lang}", "unlike", str(len(several[f"{column}_{lang}"])))
        several["parts"] = tuple(code.upper() for code in several["parts"])
        if kind == "package" and not 2 <= len(several["parts"]) <= 20:
            raise Refuse("parts", "parts", str(len(several["parts"])))
        if kind == "matter" and several["parts"]:
            raise Refuse("parts", "no_parts")
        flags: dict[str, Any] = {column: flag(cells, column) for column in FLAGS}
        return Matter(
            **names,
            **plain,
            **several,
            **flags,
            service=service,
            applicant=one_of(cells, "applicant", self.applicants) or "both",
            minutes=number(cells, "minutes", float, 0.1, 480),
            promised_days=number(cells, "promised_days", int, 0, 365),
        )

    @property
    def given(self) -> set[str]:
        """The fields this file speaks of. Lists in three languages go together, so that they stay alike."""
        given = {column for column in self.columns if column and column != "kind"}
        for family in ("materials", "mistakes"):
            own = {family, f"{family}_hant", f"{family}_en"}
            given |= own if given & own else set()
        return given | ({"matters"} if "parts" in given else set())

    def told(self, entry: Entry) -> dict[str, Any]:
        """An entry as a draft keeps it: what the file speaks of and nothing else."""
        whole: dict[str, Any] = msgspec.to_builtins(entry)
        return {name: value for name, value in whole.items() if name in self.given}

    def finish(self, known: Catalogue) -> None:
        """What only the whole file can tell: packages and events name matters of the file or of the hall."""
        plain = {code for code, matter in known.matters.items() if not matter.parts}
        packages = {code for code, matter in known.matters.items() if matter.parts}
        for _, entry in self.entries:
            if isinstance(entry, Matter):
                (packages if entry.parts else plain).add(entry.code)
                (plain if entry.parts else packages).discard(entry.code)
        kept = []
        for row, entry in self.entries:
            named, good = (entry.parts, plain) if isinstance(entry, Matter) else (entry.matters, plain | packages)
            missing = [code for code in named if code not in good]
            if missing:
                self.faults.append(Fault(row, "parts", "unknown_part", " ".join(missing)[:40]))
            else:
                kept.append((row, entry))
        self.entries = kept
        self.faults.sort(key=lambda fault: fault.row)


def event(names: dict[str, Any], cells: Mapping[str, str]) -> Event:
    matters = tuple(code.upper() for code in listed(cells.get("parts", "")))
    if not 1 <= len(matters) <= 60:
        raise Refuse("parts", "event_parts", str(len(matters)))
    if len(names["name"]) > 40:
        raise Refuse("name", "too_long", names["name"])
    return Event(**names, matters=matters, retired=flag(cells, "retired"))


def texts(cells: Mapping[str, str], columns: Collection[str]) -> dict[str, str | None]:
    return {column: cells.get(column) or None for column in columns}


def listed(cell: str) -> tuple[str, ...]:
    """The parts of a cell that holds several, one a line or with semicolons between."""
    return tuple(part for piece in BREAK.split(cell) if (part := piece.strip()))


def one_of(cells: Mapping[str, str], column: str, known: Mapping[str, str]) -> Any:
    cell = cells.get(column, "").casefold()
    if cell and cell not in known:
        raise Refuse(column, "one_of", cells[column])
    return known.get(cell)


def flag(cells: Mapping[str, str], column: str) -> bool:
    cell = cells.get(column, "").casefold()
    if cell not in YES | NO:
        raise Refuse(column, "yes_no", cells[column])
    return cell in YES


def number(cells: Mapping[str, str], column: str, kind: Callable[[str], Any], low: float, high: float) -> Any:
    cell = cells.get(column, "")
    if not cell:
        return None
    try:
        value = kind(cell)
    except ValueError:
        raise Refuse(column, "number", cell) from None
    if not low <= value <= high:
        raise Refuse(column, "between", cell)
    return value


def read_all(rows: Iterator[Row], services: Collection[str], known: Catalogue) -> Reader:
    """A whole file at once. Unreadable where it is no table of matters."""
    reader = Reader(headings(next(rows, [])), services)
    for number, row in enumerate(rows, start=2):
        if number > MOST_ROWS:
            raise Unreadable("too_many")
        reader.read(number, row)
    reader.finish(known)
    return reader


# --- and back ---------------------------------------------------------------------------------------------------


def table(known: Catalogue, say: Words) -> Iterator[Row]:
    """The catalogue as the file it could have come from, in the reader's language."""
    yield [say[f"matters.column_{column}"] for column in COLUMNS]
    plain = [matter for matter in known.matters.values() if not matter.parts]
    packages = [matter for matter in known.matters.values() if matter.parts]
    entries: list[Entry] = [*plain, *packages, *known.events.values()]
    for entry in entries:
        yield [cell(entry, column, say) for column in COLUMNS]


def cell(entry: Entry, column: str, say: Words) -> str:
    if column == "kind":
        return say[f"matters.kind_{'event' if isinstance(entry, Event) else 'package' if entry.parts else 'matter'}"]
    value = getattr(entry, "matters" if column == "parts" and isinstance(entry, Event) else column, None)
    if column == "applicant" and value:
        return say[f"matters.applicant_{value}"]
    if isinstance(value, bool):
        return say["matters.yes"] if value else ""
    if isinstance(value, tuple):
        return "\n".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
