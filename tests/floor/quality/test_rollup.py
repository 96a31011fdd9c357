"""A small hall's days reach the centre by net or by file: signed, each version once, corrections traced, gaps named."""

from argparse import Namespace
from datetime import date, timedelta
from pathlib import Path

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from displays.sealed import Seal
from floor.boot import figures
from floor.database import Connection, Pool
from floor.quality import ratings, rollup, sheets
from floor.reporting import report
from floor.settings import Centre, Settings, SettingsError, load
from queueing.calls import Seat, call_next, finish
from queueing.halls import Hall
from queueing.sites import Site, keep
from queueing.tickets import cancel, take
from queueing.windows import open_window
from scheduling.statutory import keep_known
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_desk_bookings import send
from tests.scheduling.clocks import at

DAHE = Site("dahe", "大河镇", None, None, "township", None, None, None, False, True, False)
PATH = "/api/v1/halls/demo/sites/dahe/figures"
MONDAY = date(2027, 3, 1)


@pytest.fixture
async def key(db: Connection, hall: Hall, settings: Settings) -> str:
    """A Monday with three numbers, one of them served, seen from Wednesday; and the key of the site this hall is."""
    await at(db, "2027-03-01 09:00+08")
    await keep_known(db, MONDAY)
    await db.execute("INSERT INTO doors SELECT hall, '2027-03-01', service, '2027-03-01 08:00+08', '2027-03-01 18:00+08', "
                     "'2027-03-01 19:00+08' FROM doors GROUP BY hall, service")  # fmt: skip
    given = [(await take(db, hall, ["A"], actor="desk:w", channel="desk")).ticket for _ in range(3)]
    await open_window(db, hall, "1", "li", actor="clerk:li")
    await at(db, "2027-03-01 09:10+08")
    await call_next(db, hall, Seat("1", "clerk:li", "li"))
    await finish(db, hall, Seat("1", "clerk:li", "li"))
    await cancel(db, hall, given[1].key, actor="citizen")
    await at(db, "2027-03-03 10:00+08")
    await keep(db, hall, DAHE)
    return await rollup.new_key(db, hall, "dahe", Seal(settings.secret))


async def rate(db: Connection, hall: Hall) -> None:
    ticket = await db.fetchval("SELECT id FROM tickets WHERE state = 'finished'")
    await ratings.rate(db, hall, "ticket", ticket, level=2, actor="citizen", channel="phone", comment="王小明等了很久")


async def test_a_day_is_counted_once_and_again_when_it_has_changed(db: Connection, hall: Hall, key: str) -> None:
    assert (await sheets.make(db, hall, "dahe"), await sheets.make(db, hall, "dahe")) == (1, 0)
    await rate(db, hall)
    assert (await sheets.make(db, hall, "dahe"), await sheets.make(db, hall, "dahe")) == (1, 0)
    first, second = await sheets.signed(db, hall, key)
    assert first.sheet.services == [sheets.ServiceDay("A", "社会保险", 3, 1, 1, 0, 600, 600)]
    before, after = [signed.sheet.modes[0] for signed in (first, second)]
    assert ((before.served, before.unrated), (after.served, after.active, after.levels["2"])) == ((1, 1), (1, 1, 1))
    assert [signed.sheet.version for signed in (first, second)] == [1, 2]
    assert [word for word in ("王小明", "citizen", "li") if f'"{word}' in msgspec.json.encode([first, second]).decode()] == []


async def test_the_centre_takes_each_version_once_from_who_has_the_key(
    anyone: Client, db: Connection, hall: Hall, key: str
) -> None:
    await sheets.make(db, hall, "dahe")
    (signed,) = await sheets.signed(db, hall, key)

    async def bring(what: sheets.Signed, path: str = PATH) -> tuple[int, object]:
        answer = await anyone.post(path, content=msgspec.json.encode(what))
        return answer.status_code, answer.json().get("new", answer.json().get("code"))

    assert [await bring(signed), await bring(signed)] == [(201, True), (200, False)]
    more = msgspec.structs.replace(signed.sheet, modes=[])
    assert await bring(sheets.sign(more, key)) == (409, "sheet_differs")
    assert await bring(sheets.Signed(more, signed.mac)) == (403, "not_allowed")
    assert await bring(sheets.sign(signed.sheet, "another")) == (403, "not_allowed")
    assert await bring(sheets.Signed(signed.sheet, "é" * 64)) == (403, "not_allowed")
    assert await bring(signed, PATH.replace("dahe", "lufeng")) == (403, "not_allowed")
    early = msgspec.structs.replace(signed.sheet, day=MONDAY + timedelta(9))
    assert await bring(sheets.sign(early, key)) == (422, "bad_input")
    await rollup.new_key(db, hall, "dahe", Seal(b"a secret of thirty-two characters"))
    assert await bring(signed) == (403, "not_allowed")
    told = await db.fetch("SELECT data FROM journal WHERE kind = 'figures.received'")
    assert [row["data"] for row in told] == [{"site": "dahe", "day": "2027-03-01", "version": 1, "via": "net"}]


async def test_what_could_not_be_sent_goes_with_the_next_connection_and_is_added_up(
    app: Starlette, db: Connection, hall: Hall, pool: Pool, key: str
) -> None:
    centre = Centre("http://hall.test", "demo", "dahe", key)

    def gone(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no net", request=request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(gone)) as away:
        assert await report(pool, hall, centre, away) == 0
    await rate(db, hall)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as here:
        assert [await report(pool, hall, centre, here), await report(pool, hall, centre, here)] == [2, 0]
    days = {MONDAY, MONDAY + timedelta(1)}
    (found,) = await rollup.rolled_up(db, hall, ["dahe"], MONDAY, MONDAY + timedelta(1), open_days=days)
    assert found == rollup.Sum("dahe", 1, 3, 1, 0, 1, 1, 600, [MONDAY], [MONDAY + timedelta(1)])


async def test_a_sheet_the_centre_does_not_take_holds_up_no_other(
    app: Starlette, db: Connection, hall: Hall, pool: Pool, key: str
) -> None:
    await sheets.make(db, hall, "dahe")
    await db.execute(
        "INSERT INTO site_sheets (hall, site, day, version, sheet, via) VALUES ($1, 'dahe', $2, 1, '{}', 'net')", hall.id, MONDAY
    )
    await rate(db, hall)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as here:
        assert await report(pool, hall, Centre("http://hall.test", "demo", "dahe", key), here) == 1
    assert await db.fetchval("SELECT array_agg(version) FROM figure_sheets WHERE sent_at IS NOT NULL") == [2]


async def test_figures_travel_as_a_file_and_what_does_not_fit_is_named(
    db: Connection, hall: Hall, settings: Settings, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in {
        "HALL_DATABASE_URL": settings.database_url, "HALL_REDIS_URL": settings.redis_url, "HALL_CENTRE_KEY": key,
        "HALL_SECRET": settings.secret.decode(), "HALL_DATA_DIR": str(tmp_path),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    file = tmp_path / "figures.jsonl"
    assert await figures.export(Namespace(hall="demo", site="dahe", since=None, export=file)) == 0
    asked = Namespace(hall="demo", taken=file)
    assert [await figures.take_in(asked), await figures.take_in(asked)] == [0, 0]
    file.write_bytes(file.read_bytes().replace(b'"taken":3', b'"taken":4') + b"not a sheet\n")
    assert await figures.take_in(asked) == 1
    said = capsys.readouterr()
    assert ("1 of 1 sheets are new" in said.out, "0 of 2 sheets are new" in said.out) == (True, True)
    assert ("line 1:" in said.err, "line 2:" in said.err) == (True, True)
    assert await db.fetchval("SELECT array_agg(via) FROM site_sheets") == ["file"]


async def test_the_manager_adds_a_site_gives_it_a_key_once_and_sees_what_is_missing(
    app: Starlette, db: Connection, hall: Hall, key: str
) -> None:
    lin = await staff(app, "manager")
    page = await look(lin, "/demo/sites?from=2027-03-01&to=2027-03-02")
    assert "缺 2 天" in page.words
    kept = await send(lin, page, "keep", code="LuFeng", name="鲁峰镇", level="village", parent="dahe", offline="1")
    assert ("已保存" in kept.words, "鲁峰镇" in kept.words) == (True, True)
    wrong = await send(lin, page, "keep", code="x", name="错", level="county", parent="dahe")
    assert (wrong.answer.status_code, "级别必须更高" in wrong.words) == (422, True)
    shown = await send(lin, await look(lin, "/demo/sites?site=lufeng"), "new-key")
    assert ("HALL_CENTRE_KEY=" in shown.words, "/demo/lufeng" in shown.words) == (True, True)
    assert "HALL_CENTRE_KEY=" not in (await look(lin, "/demo/sites?site=lufeng")).words
    await sheets.make(db, hall, "dahe")
    for signed in await sheets.signed(db, hall, key):
        await rollup.take_in(db, hall, signed, Seal(b"a secret of thirty-two characters"), via="file")
    page = await look(lin, "/demo/sites?from=2027-03-01&to=2027-03-02&site=dahe")
    assert ("缺 1 天" in page.words, "文件" in page.words) == (True, True)


@pytest.mark.parametrize(
    ("value", "key"), [("https://centre.example.cn", "k"), ("ftp://c/demo/dahe", "k"), ("https://c/demo/dahe", "")]
)
def test_a_centre_has_a_whole_address_and_a_key(tmp_path: Path, value: str, key: str) -> None:
    given = {"HALL_DATA_DIR": str(tmp_path), "HALL_CENTRE": value, "HALL_CENTRE_KEY": key}
    with pytest.raises(SettingsError, match="HALL_CENTRE"):
        load(given)
    whole = load(given | {"HALL_CENTRE": "https://centre.example.cn/demo/dahe", "HALL_CENTRE_KEY": "k"}).centre
    assert whole is not None
    assert whole.address == "https://centre.example.cn" + PATH
