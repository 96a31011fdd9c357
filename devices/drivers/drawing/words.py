"""The few fixed words on a paper, in the visitor's language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WORDS: dict[str, dict[str, str]] = {
    "zh-Hans": {
        "number": "您的号码",
        "ahead": "前面等候",
        "people": "{n} 人",
        "wait": "预计等候",
        "range": "{low}–{high} 分钟",
        "about": "约 {low} 分钟",
        "soon": "很快轮到",
        "unknown": "请留意叫号",
        "where": "请到 {where} 等候",
        "scan": "扫码看进度",
        "scan_more": "手机上看前面还有几位，\n可随时取消排队",
        "copy": "补打 · REPRINT",
        "nth": "第 {n} 张",
        "today": "当日有效",
        "test": "打印测试",
        "test_more": "字迹清楚、四边完整、\n二维码能扫，就是正常",
        "slip": "一次性告知单",
        "slip_lacking": "还缺这些材料：",
        "slip_mistakes": "常见错误",
        "slip_return": "{until} 前带齐再来，\n在导办台出示此单，优先办理",
        "slip_scan": "扫码看清单",
        "slip_scan_more": "手机上看还缺什么，\n带齐再来，不跑空趟",
        "slip_teller": "告知人：{name}",
        "outing": "上门服务申请",
        "outing_number": "编号",
        "outing_next": "工作人员会打电话问清姓名、地址，约好时间",
        "outing_scan": "扫码看进度",
        "outing_scan_more": "填这个编号和\n联系电话的后四位",
        "receipt": "收件回执",
        "receipt_pass_on": "{day}转交审批",
        "receipt_due": "{day}前办结",
        "receipt_scan": "扫码看办理日期",
        "receipt_scan_more": "手机上也能查到这张回执",
    },
    "zh-Hant": {
        "number": "您的號碼",
        "ahead": "前面等候",
        "people": "{n} 人",
        "wait": "預計等候",
        "range": "{low}–{high} 分鐘",
        "about": "約 {low} 分鐘",
        "soon": "很快輪到",
        "unknown": "請留意叫號",
        "where": "請到 {where} 等候",
        "scan": "掃碼看進度",
        "scan_more": "手機上看前面還有幾位，\n可隨時取消排隊",
        "copy": "補印 · REPRINT",
        "nth": "第 {n} 張",
        "today": "當日有效",
        "test": "打印測試",
        "test_more": "字跡清楚、四邊完整、\n二維碼能掃，就是正常",
        "slip": "一次性告知單",
        "slip_lacking": "還缺這些材料：",
        "slip_mistakes": "常見錯誤",
        "slip_return": "{until} 前帶齊再來，\n在導辦台出示此單，優先辦理",
        "slip_scan": "掃碼看清單",
        "slip_scan_more": "手機上看還缺什麼，\n帶齊再來，不跑空趟",
        "slip_teller": "告知人：{name}",
        "outing": "上門服務申請",
        "outing_number": "編號",
        "outing_next": "工作人員會打電話問清姓名、地址，約好時間",
        "outing_scan": "掃碼看進度",
        "outing_scan_more": "填這個編號和\n聯繫電話的後四位",
        "receipt": "收件回執",
        "receipt_pass_on": "{day}轉交審批",
        "receipt_due": "{day}前辦結",
        "receipt_scan": "掃碼看辦理日期",
        "receipt_scan_more": "手機上也能查到這張回執",
    },
    "en": {
        "number": "Your number",
        "ahead": "People ahead",
        "people": "{n}",
        "wait": "Expected wait",
        "range": "{low}–{high} min",
        "about": "about {low} min",
        "soon": "very soon",
        "unknown": "listen for it",
        "where": "Please wait near {where}",
        "scan": "Follow your number",
        "scan_more": "See how many are ahead,\nleave the line any time",
        "copy": "REPRINT",
        "nth": "copy {n}",
        "today": "Valid today",
        "test": "Print test",
        "test_more": "Clear letters, whole edges\nand a readable code are right",
        "slip": "Told once",
        "slip_lacking": "Still missing:",
        "slip_mistakes": "Common mistakes",
        "slip_return": "Come back by {until} with all of it and show\nthis slip at the front desk: you go first",
        "slip_scan": "The list on your phone",
        "slip_scan_more": "See what is missing\nbefore you set out",
        "slip_teller": "Told by {name}",
        "outing": "Home visit asked for",
        "outing_number": "Number",
        "outing_next": "We will telephone you to ask for name and address and agree on a time",
        "outing_scan": "Scan to follow it",
        "outing_scan_more": "Enter this number and the last\nfour digits of the telephone",
        "receipt": "Papers taken in",
        "receipt_pass_on": "Passed on {day}",
        "receipt_due": "Decided by {day}",
        "receipt_scan": "The dates on your phone",
        "receipt_scan_more": "This receipt can be\nfound there too",
    },
}


def words(lang: str) -> dict[str, str]:
    """The words of `lang`; simplified Chinese for a language no paper is made in."""
    return WORDS.get(lang, WORDS["zh-Hans"])


def wait_range(wait: Mapping[str, Any] | None, word: Mapping[str, str]) -> str:
    """A wait of `p50_s` to `p90_s` seconds as whole minutes, the far end rounded up: a promise that holds."""
    if not wait:
        return word["unknown"]
    low = math.floor(wait["p50_s"] / 60)
    high = max(low, math.ceil(wait["p90_s"] / 60))
    if high < 1:
        return word["soon"]
    return word["about"].format(low=high) if low in (0, high) else word["range"].format(low=low, high=high)
