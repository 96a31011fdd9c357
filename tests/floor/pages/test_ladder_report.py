"""What became of each step of the ladder, and by whose word, on a page and as a file."""

import csv
import io

from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling import answers
from scheduling.escalation import climb
from scheduling.ladder_report import Rung, rungs
from tests.floor.pages.staff import look, staff
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, until_five


async def test_each_step_tells_what_came_of_it_and_who_said_so(app: Starlette, db: Connection, hall: Hall) -> None:
    shut = await until_five(db, hall)
    await at(db, f"{DAY} 16:29+08")
    keys = [(await number(db, shut, service)).ticket.key for service in "AAB"]
    await at(db, f"{DAY} 16:31+08")
    await climb(db, shut)
    await at(db, f"{DAY} 16:35+08")
    await answers.take_slot(db, shut, keys[0], actor="device:dsp_1", channel="kiosk")
    await at(db, f"{DAY} 16:37+08")
    await answers.refuse(db, shut, keys[1], "slot", "time", actor="desk:desk01")
    today = await db.fetchval("SELECT $1::text::date", DAY)
    found = {rung.step: rung for rung in await rungs(db, shut, today, today)}
    assert found["slot"] == Rung("slot", offered=3, accepted=1, refused=1, open=1, median_s=240)
    assert found["doorstep"] == Rung("doorstep", offered=1, open=1)
    assert found["tidal"] == Rung("tidal")
    auditor = await staff(app, "auditor")
    page = await look(auditor, f"/demo/ladder?from={DAY}&to={DAY}")
    assert "群众在取号机" in page.words and "姓名desk01" in page.words and "50 %" in page.words
    assert "优先预约: 答应 1, 不要 1, 待答复 1" in page.answer.text
    assert "B001" not in (await look(auditor, f"/demo/ladder?from={DAY}&to={DAY}&service=A")).words
    file = await auditor.get(f"/demo/ladder.csv?from={DAY}&to={DAY}")
    rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
    assert [row[3:7] for row in rows if row[2] == "优先预约"] == [
        ["B001", "待答复", "", ""], ["A002", "不要", "时间不合适", "姓名desk01"], ["A001", "已答应", "", "群众在取号机"],
    ]  # fmt: skip
    assert "这些天没有升级处理" in (await look(auditor, "/demo/ladder?from=2027-02-01&to=2027-02-02")).words
    assert (await look(auditor, "/demo/ladder?from=nonsense", 422)).words.count("提出") > 0
    await look(await staff(app, "clerk01"), "/demo/ladder", 403)
