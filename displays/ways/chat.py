"""Anything that apprise can reach, by its address form: WeCom, DingTalk, Feishu, many SMS services abroad."""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from displays.ways import Message, NotTaken
from displays.ways.http import ESCAPES, filled


class Setting(msgspec.Struct, forbid_unknown_fields=True):
    """`url` as apprise writes it, with {to} for the address and {secret}; e.g. "twilio://…/{to}"."""

    url: str


class Chat:
    """One service."""

    def __init__(self, setting: Setting, secret: str) -> None:
        import apprise  # heavy, and only where it is set up

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings hold addresses
        self.setting, self.secret = setting, secret
        if not apprise.Apprise().add(self.address("13800000000")):
            raise ValueError("apprise does not know an address like this url")

    async def send(self, message: Message) -> None:
        """NotTaken `refused`: apprise tells no reasons."""
        import apprise

        service = apprise.Apprise()
        service.add(self.address(message.address))
        if not await service.async_notify(body=message.text):
            raise NotTaken("refused")

    def address(self, to: str) -> str:
        return filled(self.setting.url, {"to": to, "phone": to, "secret": self.secret}, ESCAPES["form"])


def make(setting: Mapping[str, Any], secret: str) -> Chat:
    """ValueError, msgspec.ValidationError."""
    return Chat(msgspec.convert(setting, Setting), secret)
