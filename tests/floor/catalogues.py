"""A small catalogue for tests: matters of two queues, a package of both, a moment of life."""

from floor.database import Connection
from queueing import matters
from queueing.halls import Hall
from queueing.matters import Event, Matter

CARD = Matter(
    code="A01",
    name="社会保障卡申领",
    name_hant="社會保障卡申領",
    service="A",
    name_en="Social security card: application",
    quick=True,
    one_visit=True,
    promised_days=0,
    minutes=5,
    aliases=("社保卡",),
    materials=("身份证原件", "近期照片"),
    materials_en=("Identity document", "Recent photograph"),
    mistakes=("没有带原件",),
    mistakes_en=("No originals",),
    guide="请本人到场",
    guide_version="2026-09",
)
HOUSE = Matter(
    code="B01", name="不动产转移登记", name_en="Property transfer", service="B", promised_days=3, materials=("房产证",)
)
RENT = Matter(code="A02", name="公租房申请", service="A", applicant="person")
PACKAGE = Matter(code="P01", name="新居入住一件事", service="B", parts=("B01", "A02"), aliases=("搬家",))
EVENT = Event(code="V01", name="买房", name_en="A home", matters=("P01", "B01"))


async def offer(db: Connection, hall: Hall, *more: Matter) -> None:
    """Give the hall this catalogue."""
    async with db.transaction():
        await matters.store(db, hall, [CARD, HOUSE, RENT, PACKAGE, EVENT, *more])
