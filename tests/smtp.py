"""A real SMTP server on loopback, which answers as a test wants."""

import asyncio
import email
import email.policy
import time
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from ops.testing import free_port


class SmtpServer:
    """Takes mails; `answers` says what an address gets instead of 250, `answer` what the text of a mail gets.

    With `hangs` it says nothing once it has the text. `mails` are those that it has taken, `tries` all texts it was sent.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.answers: dict[str, str] = {}
        self.answer = "250 OK"
        self.hangs = False
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.tries: list[str] = []
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        """What SMTP_URL is for this server."""
        return f"smtp://127.0.0.1:{self.port}"

    def start(self, **options: Any) -> None:
        """Listen; again on the same port after a stop."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()

    def stop(self) -> None:
        """Be away."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    def wait_for(self, count: int, seconds: float = 30.0) -> None:
        """Wait until so many texts were sent."""
        until = time.monotonic() + seconds
        while len(self.tries) < count:
            assert time.monotonic() < until, f"{len(self.tries)} of {count} mails came"
            time.sleep(0.02)

    def reset(self) -> None:
        """Be as at first."""
        self.answers, self.answer, self.hangs = {}, "250 OK", False
        self.mails.clear()
        self.tries.clear()

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - so aiosmtpd calls it
        """Take a recipient, or not."""
        if address not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Take the text of a mail, or not."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.tries.append(str(message["Message-ID"]))
        while self.hangs:
            await asyncio.sleep(0.02)
        if self.answer.startswith("250"):
            self.mails.append((list(envelope.rcpt_tos), message))
        return self.answer


def authenticator(server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    """Let in who has the right password."""
    right = isinstance(given, LoginPassword) and given.password == b"right"
    return AuthResult(success=right, handled=False)
