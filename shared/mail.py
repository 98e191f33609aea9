"""E-mail by SMTP (RFC 5321, 5322): what a mail is, and one try at handing it to the server.

Headers are made by the standard library out of cleaned parts, so that no name or subject can add a header of its own.
Whoever sends keeps what is due in PostgreSQL (`shared.mail_queue`); this module forgets everything.
"""

import contextlib
import os
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from shared.settings import SettingsError

STEP_SECONDS = 15
"""How long the server may be silent."""
WHOLE_SECONDS = 90
"""How long handing over one mail may take in all, however slowly the server goes on talking."""
LONGEST_ANSWER = 300
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")


@dataclass(frozen=True)
class Mailbox:
    """Somebody's name and address."""

    name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail. `message_id` and `at` stay the same however often it is tried, so that a double can be told."""

    message_id: str
    at: datetime
    sender: Mailbox
    to: Sequence[Mailbox]
    copies: Sequence[Mailbox] = ()
    reply_to: str | None = None
    subject: str
    text: str

    def to_message(self) -> EmailMessage:
        """Return the mail as RFC 5322 has it."""
        message = EmailMessage(policy=SMTP)
        message["From"] = _header(self.sender)
        message["To"] = [_header(one) for one in self.to]
        if self.copies:
            message["Cc"] = [_header(one) for one in self.copies]
        if self.reply_to:
            message["Reply-To"] = _header(Mailbox("", self.reply_to))
        message["Subject"] = one_line(self.subject)
        message["Date"] = format_datetime(self.at)
        message["Message-ID"] = f"<{self.message_id}>"
        message.set_content(self.text)
        return message


@dataclass(frozen=True)
class Outcome:
    """What a try came to: who has the mail, whom the server refused for good and why, and why the rest must wait.

    `delayed` names no address: who reads it need not know of all recipients.
    """

    accepted: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    delayed: str = ""


def one_line(text: str) -> str:
    """Return a text as a header can hold it: on one line, and nothing in it that does not print."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def deliverable(email: str | None) -> str | None:
    """Return an address as servers take it (its domain in ASCII, RFC 5891), None for one that cannot be written to."""
    try:
        found = validate_email(email or "", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.ascii_email


def _header(mailbox: Mailbox) -> HeaderAddress:
    return HeaderAddress(one_line(mailbox.name), addr_spec=mailbox.email)


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """The server that takes our mails, and the address that they come from.

    `tls` is TLS from the first byte (smtps://). Otherwise STARTTLS is used where the server offers it; a password goes
    over TLS or not at all.
    """

    host: str
    port: int
    sender: str
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""

    @classmethod
    def from_environment(cls, service: str, environment: Mapping[str, str] | None = None) -> "MailServer | None":
        """Read SMTP_URL, MAIL_FROM, SMTP_CA_FILE; None without a server. Raises SettingsError naming what is wrong."""
        env = os.environ if environment is None else environment
        if not (url := env.get("SMTP_URL", "").strip()):
            return None
        sender = deliverable(parseaddr(env.get("MAIL_FROM", ""))[1])
        if sender is None:
            raise SettingsError(f"{service}: with SMTP_URL, MAIL_FROM must be the address that mails come from.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("smtp", "smtps"):
            raise SettingsError(f"{service}: SMTP_URL must read like smtp://user:password@host:587 or smtps://...")
        ca_file = env.get("SMTP_CA_FILE", "").strip()
        if ca_file and not Path(ca_file).is_file():
            raise SettingsError(f"{service}: SMTP_CA_FILE must name a file of certificates; there is no {ca_file}.")
        tls = parts.scheme == "smtps"
        return cls(
            host=host,
            port=port or (465 if tls else 587),
            sender=sender,
            tls=tls,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            ca_file=ca_file,
        )

    @property
    def domain(self) -> str:
        """The right side of the ids of our mails."""
        return self.sender.rpartition("@")[2]

    def send(self, mail: Mail, to: Sequence[str]) -> Outcome:
        """Hand `mail` over for the addresses `to`, which are some of its own; every fault is told, none is raised.

        Once the server has answered for the text of the mail, nothing that follows makes it unsent.
        """
        try:
            message = mail.to_message()
            with self._connected() as server:
                refused = server.send_message(message, self.sender, list(to))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return _faulty(error, to)
        return _sorted(to, refused, taken=True)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
        return context

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """Yield a connection that is signed in, and cut off when all of it takes too long."""
        if self.tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=STEP_SECONDS, context=self._context())
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=STEP_SECONDS)
        watchdog = threading.Timer(WHOLE_SECONDS, _cut, [server])
        watchdog.daemon = True
        watchdog.start()
        try:
            server.ehlo_or_helo_if_needed()
            is_safe = self.tls
            if not is_safe and server.has_extn("starttls"):
                server.starttls(context=self._context())
                server.ehlo()
                is_safe = True
            if self.user:
                if not is_safe:
                    raise smtplib.SMTPNotSupportedError("it offers no TLS, so it gets no password")
                server.login(self.user, self.password)
            yield server
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            watchdog.cancel()
            server.close()


def _cut(server: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)


def _faulty(error: Exception, to: Sequence[str]) -> Outcome:
    """Return the outcome of a mail that the server did not take: for good, or for now."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _sorted(to, error.recipients, taken=False)
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError() if error.smtp_code >= 500:
            words = f"The mail server answered: {_words(error.smtp_code, error.smtp_error)}"
            return Outcome(refused=dict.fromkeys(to, _ADDRESS.sub("…", words)))
        case smtplib.SMTPAuthenticationError():
            words = f"The mail server refuses our sign-in: {_words(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPResponseException():
            words = f"The mail server answered: {_words(error.smtp_code, error.smtp_error)}"
        case ssl.SSLError():
            words = f"No safe connection to the mail server: {error.reason or error}"
        case ValueError() if not isinstance(error, OSError):  # a part that no header may hold
            return Outcome(refused=dict.fromkeys(to, f"This cannot be sent as a mail: {error}"))
        case _:
            words = f"The mail server does not answer as it should: {error or type(error).__name__}"
    return Outcome(delayed=_ADDRESS.sub("…", words))


def _sorted(to: Sequence[str], answers: Mapping[str, tuple[int, bytes]], *, taken: bool) -> Outcome:
    """Return the outcome of a mail by what the server said of each address; `taken`: it has it for all others."""
    refused = {email: _words(*answer) for email, answer in answers.items() if answer[0] >= 500}
    later = [email for email in to if email not in refused and (not taken or email in answers)]
    delayed = next((_words(*answers[email]) for email in later if email in answers), "")
    if later:
        said = _ADDRESS.sub("…", delayed)
        delayed = f"The mail server asks us to try again later: {said}" if said else "The mail server hung up."
    accepted = frozenset(to) - refused.keys() - set(later)
    return Outcome(accepted, refused, delayed)


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {one_line(text)}"[:LONGEST_ANSWER]
