"""Mail, by the hall's own mail server."""

from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

import msgspec

from displays.ways import Message, NotTaken


class Setting(msgspec.Struct, forbid_unknown_fields=True):
    """`security`: tls from the first byte, starttls, or none on the hall's own network. The password is the secret."""

    host: str
    sender: str
    port: int = 465
    user: str | None = None
    security: str = "tls"
    subject: str = "{hall}"
    timeout_s: float = 15.0


class Mail:
    """One mail server."""

    def __init__(self, setting: Setting, secret: str) -> None:
        if setting.security not in ("tls", "starttls", "none"):
            raise ValueError("security is tls, starttls or none")
        self.setting, self.secret = setting, secret

    async def send(self, message: Message) -> None:
        """NotTaken with the server's code, or `unreachable`."""
        import aiosmtplib

        setting = self.setting
        mail = EmailMessage()
        mail["From"], mail["To"] = setting.sender, message.address
        mail["Subject"] = setting.subject.replace("{hall}", str(message.gaps.get("hall", "")))
        mail["Message-ID"] = f"<{message.id}@{setting.host}>"  # the same at every try: mail programs show one
        mail.set_content(message.text)
        try:
            await aiosmtplib.send(
                mail,
                hostname=setting.host,
                port=setting.port,
                username=setting.user,
                password=self.secret if setting.user else None,
                use_tls=setting.security == "tls",
                start_tls=setting.security == "starttls",
                timeout=setting.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise NotTaken(f"smtp {error.recipients[0].code}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise NotTaken(f"smtp {error.code}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotTaken("unreachable") from error


def make(setting: Mapping[str, Any], secret: str) -> Mail:
    """ValueError, msgspec.ValidationError."""
    return Mail(msgspec.convert(setting, Setting), secret)
