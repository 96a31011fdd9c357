"""What a keypad's small display says, in the clerk's language."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "zh-Hans": {
        "done": "好", "nobody": "无人等候", "away": "未连接", "paused": "暂停", "open": "开始", "refused": "现在不行",
        "window_not_open": "请先登录开窗", "too_early": "请稍候", "expired": "请再按一次", "not_allowed": "不可以",
    },
    "zh-Hant": {
        "done": "好", "nobody": "無人等候", "away": "未連接", "paused": "暫停", "open": "開始", "refused": "現在不行",
        "window_not_open": "請先登錄開窗", "too_early": "請稍候", "expired": "請再按一次", "not_allowed": "不可以",
    },
    "en": {
        "done": "OK", "nobody": "Nobody waits", "away": "No link", "paused": "Paused", "open": "Open", "refused": "Not now",
        "window_not_open": "Sign in first", "too_early": "Wait", "expired": "Press again", "not_allowed": "Not allowed",
    },
}  # fmt: skip
