"""A spreadsheet as rows of plain text, whether it came as xlsx or as csv, and back."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

MOST_BYTES = 8 * 1024 * 1024
MOST_UNPACKED = 200 * 1024 * 1024  # a file that unpacks to more is no list of matters
MOST_CELL = 4000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA = ("=", "+", "-", "@")

Row = list[str]


class Unreadable(Exception):
    """The file can't be read as a table; `reason` is a word of the catalogue page."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def rows(file: bytes) -> tuple[Iterator[Row], int | None]:
    """The rows of a file and how many it says it has. Unreadable."""
    if len(file) > MOST_BYTES:
        raise Unreadable("too_large")
    if file[:2] == b"PK":
        return of_xlsx(file)
    if file[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable("old_excel")
    text = decoded(file)
    return (plain_row(row) for row in csv.reader(io.StringIO(text, newline=""))), text.count("\n")


def decoded(file: bytes) -> str:
    """The text of a csv: UTF-8, or the GB 18030 in which Chinese spreadsheets save it."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = file.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Unreadable("no_table")


def of_xlsx(file: bytes) -> tuple[Iterator[Row], int | None]:
    import openpyxl  # 30 MB and a quarter of a second: only who reads or writes a workbook pays for it

    try:
        with zipfile.ZipFile(io.BytesIO(file)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise Unreadable("too_large")
        book = openpyxl.load_workbook(io.BytesIO(file), read_only=True, data_only=True)
        sheet = book.worksheets[0]
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, OSError) as broken:
        raise Unreadable("no_table") from broken
    return (plain_row(row) for row in sheet.iter_rows(values_only=True)), sheet.max_row


def plain_row(cells: Iterable[Any]) -> Row:
    return [plain(cell) for cell in cells]


def plain(cell: Any) -> str:
    """A cell as its reader typed it: whole numbers without a point, no blanks around, the mark before a formula gone."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime):
        cell = cell.date().isoformat()
    text = str(cell).replace("\r\n", "\n").replace("\0", "").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in FORMULA else text


def to_csv(table: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([guarded(cell) for cell in row] for row in table)
    return out.getvalue().encode("utf-8-sig")


def to_xlsx(table: Iterable[Sequence[str]], title: str) -> bytes:
    """One sheet of text cells, the first row fixed."""
    import openpyxl  # as above

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in table:
        sheet.append([guarded(cell) for cell in row])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()
