"""What notices say: the built-in wording of each template per language, the hall's own in its place."""

import re
from collections.abc import Mapping

from queueing.db import Db
from queueing.errors import BadInput

LANGS = ("zh-Hans", "zh-Hant", "en")
GAP = re.compile(r"\{([a-z_]+)\}")
GAPS = ("hall", "ticket", "service", "ahead", "window", "windows", "link", "code", "day", "time", "reason", "tracking", "order")

# taken, near, called, missed and offered follow a ticket; booked, moved, unbooked, tomorrow and fallen follow a booking; those
# that begin with visit follow a visit to somebody's door, those with order papers that an agent files.
TEXTS: dict[str, dict[str, str]] = {
    "taken": {
        "zh-Hans": "您的号码{ticket}，{service}当前等待{ahead}人，办理窗口：{windows}。轮到您时会有短信提醒，也请看大屏。{link}",
        "zh-Hant": "您的號碼{ticket}，{service}目前等待{ahead}人，辦理窗口：{windows}。輪到您時會有短信提醒，也請看大屏。{link}",
        "en": "Your number is {ticket}. {service}: {ahead} before you, windows {windows}. We will text you in time. {link}",
    },
    "near": {
        "zh-Hans": "{ticket}号：前面还有{ahead}人，请回到等候区，留意叫号。",
        "zh-Hant": "{ticket}號：前面還有{ahead}人，請回到等候區，留意叫號。",
        "en": "{ticket}: {ahead} before you. Please come back to the waiting area.",
    },
    "called": {
        "zh-Hans": "请{ticket}到{window}号窗口办理。祝您愉快。",
        "zh-Hant": "請{ticket}到{window}號窗口辦理。祝您愉快。",
        "en": "{ticket}, please go to window {window}.",
    },
    "missed": {
        "zh-Hans": "{ticket}号已过号。仍要办理请到导办台，不必重新取号。",
        "zh-Hant": "{ticket}號已過號。仍要辦理請到導辦台，不必重新取號。",
        "en": "{ticket} was called and nobody came. Please ask at the guide desk; you need no new number.",
    },
    "offered": {
        "zh-Hans": "{ticket}号：今天可能来不及为您办理。您可以改约别的时间或请我们上门，请点开答复：{link}",
        "zh-Hant": "{ticket}號：今天可能來不及為您辦理。您可以改約別的時間或請我們上門，請點開答覆：{link}",
        "en": "{ticket}: we may not get to you today. You can book another time or ask us to come to you: {link}",
    },
    "booked": {
        "zh-Hans": "预约成功：{day} {time} {service}，预约码{code}。请提前10分钟到{hall}签到，不用重新排队。",
        "zh-Hant": "預約成功：{day} {time} {service}，預約碼{code}。請提前10分鐘到{hall}簽到，不用重新排隊。",
        "en": "Booked: {day} {time}, {service}, code {code}. Check in at {hall} 10 minutes before; you do not queue again.",
    },
    "moved": {
        "zh-Hans": "预约已改到{day} {time}，{service}，预约码{code}。",
        "zh-Hant": "預約已改到{day} {time}，{service}，預約碼{code}。",
        "en": "Your booking is now {day} {time}, {service}, code {code}.",
    },
    "unbooked": {
        "zh-Hans": "{day} {time} {service}的预约已取消。",
        "zh-Hant": "{day} {time} {service}的預約已取消。",
        "en": "Your booking of {day} {time}, {service}, is cancelled.",
    },
    "tomorrow": {
        "zh-Hans": "提醒：{day} {time}您预约了{service}，预约码{code}。不能来请改期或取消：{link}",
        "zh-Hant": "提醒：{day} {time}您預約了{service}，預約碼{code}。不能來請改期或取消：{link}",
        "en": "Reminder: {service} on {day} at {time}, code {code}. Can't come? Change or cancel: {link}",
    },
    "fallen": {
        "zh-Hans": "很抱歉，您预约的{day} {time}（{service}）{hall}不再开放。请另选时间：{link}",
        "zh-Hant": "很抱歉，您預約的{day} {time}（{service}）{hall}不再開放。請另選時間：{link}",
        "en": "We are sorry: {hall} will not be open at your time, {day} {time} ({service}). Please choose another: {link}",
    },
    "visit_asked": {
        "zh-Hans": "{hall}已收到您的上门服务申请（编号{code}），工作人员会给您打电话。进度：{link}",
        "zh-Hant": "{hall}已收到您的上門服務申請（編號{code}），工作人員會給您打電話。進度：{link}",
        "en": "{hall} has your request for a home visit (no. {code}) and will telephone you. How it stands: {link}",
    },
    "visit_accepted": {
        "zh-Hans": "您的上门服务申请已受理，安排好时间后再通知您。{link}",
        "zh-Hant": "您的上門服務申請已受理，安排好時間後再通知您。{link}",
        "en": "Your home visit is accepted. We will tell you the time. {link}",
    },
    "visit_planned": {
        "zh-Hans": "上门服务定在{day} {time}，两名工作人员会佩戴工牌。请准备好材料；时间不合适请打开：{link}",
        "zh-Hant": "上門服務定在{day} {time}，兩名工作人員會佩戴工牌。請準備好材料；時間不合適請打開：{link}",
        "en": "We will visit you on {day} at {time}: two people with their badges. Please have your papers ready. {link}",
    },
    "visit_open": {
        "zh-Hans": "很抱歉，原定{day} {time}的上门要改时间，定好后再通知您。{link}",
        "zh-Hant": "很抱歉，原定{day} {time}的上門要改時間，定好後再通知您。{link}",
        "en": "We are sorry: our visit of {day} at {time} needs another time. We will tell you when. {link}",
    },
    "visit_coming": {
        "zh-Hans": "上门服务人员已出发，请在家等候并留意电话。{link}",
        "zh-Hant": "上門服務人員已出發，請在家等候並留意電話。{link}",
        "en": "Our two colleagues are on their way to you. {link}",
    },
    "visit_late": {
        "zh-Hans": "很抱歉，上门人员在路上耽误了，预计{time}到。时间不合适请打开：{link}",
        "zh-Hant": "很抱歉，上門人員在路上耽誤了，預計{time}到。時間不合適請打開：{link}",
        "en": "We are sorry, our colleagues are running late and should be with you at {time}. {link}",
    },
    "visit_waits": {
        "zh-Hans": "很抱歉，您希望的时间已过，上门服务还没有排上。工作人员会打电话和您另约时间。{link}",
        "zh-Hant": "很抱歉，您希望的時間已過，上門服務還沒有排上。工作人員會打電話和您另約時間。{link}",
        "en": "We are sorry: the time you wished for has passed without a visit. We will telephone you to find another. {link}",
    },
    "visit_declined": {
        "zh-Hans": "很抱歉，这次不能上门服务。{reason}详情和其他办法：{link}",
        "zh-Hant": "很抱歉，這次不能上門服務。{reason}詳情和其他辦法：{link}",
        "en": "We are sorry: we can't visit you this time. {reason} What else you can do: {link}",
    },
    "visit_off": {
        "zh-Hans": "您的上门服务申请已取消，需要时可以重新申请。",
        "zh-Hant": "您的上門服務申請已取消，需要時可以重新申請。",
        "en": "Your home visit is called off. You can ask again at any time.",
    },
    "visit_done": {
        "zh-Hans": "上门服务已办完，请评价这次服务：{link}",
        "zh-Hant": "上門服務已辦完，請評價這次服務：{link}",
        "en": "Your home visit is done. Please tell us how it was: {link}",
    },
    "visit_missed": {
        "zh-Hans": "我们按约上门，没有遇到人。需要再约，请打开：{link}",
        "zh-Hant": "我們按約上門，沒有遇到人。需要再約，請打開：{link}",
        "en": "We came as arranged and met nobody. To arrange another visit: {link}",
    },
    "visit_result": {
        "zh-Hans": "您上门办理的事项有结果了：{link}",
        "zh-Hant": "您上門辦理的事項有結果了：{link}",
        "en": "The result of your home visit is ready: {link}",
    },
    "visit_sent": {
        "zh-Hans": "您上门办理的事项已办好并寄出，快递单号{tracking}。{link}",
        "zh-Hant": "您上門辦理的事項已辦好並寄出，快遞單號{tracking}。{link}",
        "en": "The result of your home visit is in the mail, tracking number {tracking}. {link}",
    },
    "order_asked": {
        "zh-Hans": "{hall}已登记您的代办单{order}，代办员会在{day}前联系您收材料。查询码{code}，进度：{link}",
        "zh-Hant": "{hall}已登記您的代辦單{order}，代辦員會在{day}前聯繫您收材料。查詢碼{code}，進度：{link}",
        "en": "{hall} has your order {order}. An agent fetches your papers by {day}. Code {code}. How it stands: {link}",
    },
    "order_collected": {
        "zh-Hans": "代办单{order}：材料已收到，{day}前递交。{link}",
        "zh-Hant": "代辦單{order}：材料已收到，{day}前遞交。{link}",
        "en": "Order {order}: we have your papers and file them by {day}. {link}",
    },
    "order_filed": {
        "zh-Hans": "代办单{order}：材料已递交，{day}前把结果送到您手上。{link}",
        "zh-Hant": "代辦單{order}：材料已遞交，{day}前把結果送到您手上。{link}",
        "en": "Order {order}: your papers are filed. You get the result by {day}. {link}",
    },
    "order_returned": {
        "zh-Hans": "代办单{order}已办结，证件已送到。请评价：{link}",
        "zh-Hant": "代辦單{order}已辦結，證件已送到。請評價：{link}",
        "en": "Order {order} is done and your certificate is with you. How was it? {link}",
    },
    "order_off": {
        "zh-Hans": "很抱歉，代办单{order}没有办成，原因请看：{link}",
        "zh-Hant": "很抱歉，代辦單{order}沒有辦成，原因請看：{link}",
        "en": "We are sorry: order {order} was not carried out. Why: {link}",
    },
}

OWN = "SELECT template, lang, text FROM notice_templates WHERE hall = $1"


async def texts(db: Db, hall: int) -> dict[tuple[str, str], str]:
    """Every wording of a hall, by template and language."""
    found = {(template, lang): text for template, by_lang in TEXTS.items() for lang, text in by_lang.items()}
    return found | {(row["template"], row["lang"]): row["text"] for row in await db.fetch(OWN, hall)}


KEEP = """
INSERT INTO notice_templates (hall, template, lang, text) VALUES ($1, $2, $3, $4)
ON CONFLICT (hall, template, lang) DO UPDATE SET text = excluded.text
"""
DROP = "DELETE FROM notice_templates WHERE hall = $1 AND template = $2 AND lang = $3"


async def word(db: Db, hall: int, template: str, lang: str, text: str) -> None:
    """The hall's own wording; an empty one brings the built-in one back. BadInput."""
    if template not in TEXTS or lang not in LANGS:
        raise BadInput(field="template", message="there is no such template")
    text = " ".join(text.split())
    if text in ("", TEXTS[template][lang]):
        await db.execute(DROP, hall, template, lang)
        return
    strange = [gap for gap in GAP.findall(text) if gap not in GAPS]
    if strange:
        raise BadInput(field="text", message=f"one of {', '.join(GAPS)}")
    if len(text) > 500:
        raise BadInput(field="text", message="at most 500 characters")
    await db.execute(KEEP, hall, template, lang, text)


def fill(text: str, gaps: Mapping[str, object]) -> str:
    """The text with its gaps filled; a gap nobody fills is left out."""
    return " ".join(GAP.sub(lambda gap: str(gaps.get(gap[1], "")), text).split())
