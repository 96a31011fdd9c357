"""The desk passes on what was only taken in, and may take that back; the board says what is late; the phone has the receipt."""

from starlette.applications import Starlette

from displays.announce import announce
from floor.database import Connection
from queueing import journal
from queueing.halls import Hall
from scheduling.statutory import keep_known
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.visits import finished, opened
from tests.scheduling.clocks import at


async def test_papers_are_listed_passed_on_and_taken_back(
    app: Starlette, db: Connection, hall: Hall, desk: Client, clerk: Client
) -> None:
    await db.execute("UPDATE doors SET accept_only = true")
    await opened(clerk)
    key = (await finished(desk, clerk))["key"]
    day = await db.fetchval("SELECT day FROM tickets")
    await keep_known(db, day)
    anyone = await look(await staff(app, "desk01"), f"/t/{key}")
    assert f"材料已收下，回执号 {day:%Y%m%d}-A001" in anyone.words
    su = await staff(app, "desk01")
    page = await look(su, "/demo/intakes")
    assert "待转办 1 件" in page.words and f"{day:%Y%m%d}-A001" in page.words and "逾期" not in page.words
    ticket = await db.fetchval("SELECT ticket FROM intakes")
    done = await su.post("/demo/intakes/pass", data={**page.forms["pass"].fields, "ticket": str(ticket)}, follow_redirects=True)
    assert "已转办 1 件。" in done.text and "没有待转办的收件" in done.text and "近七天已转办 1 件" in done.text
    page = await look(su, "/demo/intakes")
    for nonsense in ("9" * 20, "9" * 5000, "-1", "x"):
        wrong = await su.post("/demo/intakes/back", data={**page.forms["back"].fields, "ticket": nonsense})
        assert wrong.status_code == 422 and "请刷新后重选" in wrong.text
    await su.post("/demo/intakes/back", data={**page.forms["back"].fields, "ticket": str(ticket)})
    assert "待转办 1 件" in (await look(su, "/demo/intakes")).words
    lin = await staff(app, "manager")
    assert "还没有转办" not in (await look(lin, "/demo/manage")).words
    await db.execute("UPDATE tickets SET day = day - 20")
    assert "有 1 件收件过了应转办的日子还没有转办" in (await look(lin, "/demo/manage")).words
    assert "逾期" in (await look(su, "/demo/intakes")).words


async def test_a_receipt_comes_out_of_a_dispenser(
    app: Starlette, db: Connection, hall: Hall, desk: Client, clerk: Client
) -> None:
    await db.execute("UPDATE doors SET accept_only = true")
    await db.execute(
        "INSERT INTO devices (id, hall, kind, name, created_by, paired_at) VALUES ('dv_9', $1, 'dispenser', '机', 't', now())",
        hall.id,
    )
    await opened(clerk)
    key = (await finished(desk, clerk))["key"]
    await keep_known(db, await db.fetchval("SELECT day FROM tickets"))
    ticket, su = await db.fetchval("SELECT ticket FROM intakes"), await staff(app, "desk01")
    page = await look(su, "/demo/intakes")
    asked = {**page.forms["pass"].fields, "only": str(ticket), "print_at": "dv_9"}
    assert (await su.post("/demo/intakes/print", data=asked)).status_code == 303
    (*_, entry) = await journal.read(db, hall.id, 0)
    assert (entry.kind, entry.actor) == ("intake.printed", "desk:desk01")
    (job,) = await announce(db, hall.id, "k3", [entry], "http://hall.example")
    day = await db.fetchval("SELECT day FROM tickets")
    assert (job.kind, job.device, job.data["template"]) == ("print", "dv_9", "receipt")
    assert (job.data["receipt"], job.data["url"]) == (f"{day:%Y%m%d}-A001", f"http://hall.example/t/{key}")
    assert (await su.post("/demo/intakes/print", data=asked | {"print_at": "dv_1"})).status_code == 404


async def test_a_clerk_has_no_such_list(app: Starlette, db: Connection, hall: Hall) -> None:
    await at(db, "2026-03-06 10:00+08")
    assert (await (await staff(app, "clerk01")).get("/demo/intakes")).status_code == 403
