"""A7: a mail as it is sent by SMTP, against a real server: whole headers, honest outcomes, no password in the clear."""

import email
import email.policy
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.mail import Mail, Mailbox, MailServer, deliverable, one_line
from shared.settings import SettingsError
from tests.smtp import SmtpServer, authenticator

FROM = {"MAIL_FROM": "Cobalt Trading <office@cobalt.example>"}
TO, CC = "chloe@cobalt.example", "dana@dealer.example"
HEADERS = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


def server_at(url: str, **more: str) -> MailServer:
    found = MailServer.from_environment("customers", {"SMTP_URL": url, **FROM, **more})
    assert found is not None
    return found


def mail(**values: Any) -> Mail:
    known: dict[str, Any] = {
        "message_id": "1@cobalt.example",
        "at": datetime(2026, 3, 4, 17, 5, tzinfo=UTC),
        "sender": Mailbox("Ines Moreau", "office@cobalt.example"),
        "to": [Mailbox("Chloé Petrov", TO)],
        "copies": [Mailbox("Dana Dealer", CC)],
        "subject": "Invoice 4711",
        "text": "Dear Chloé,\n\nplease pay.\n",
    }
    return Mail(**known | values)


def test_mail_when_sent_arrives_as_it_was_written(smtp: SmtpServer) -> None:
    outcome = server_at(smtp.url).send(mail(reply_to="ines@cobalt.example"), [TO, CC])
    assert (outcome.accepted, outcome.refused, outcome.delayed) == ({TO, CC}, {}, "")
    ((to, message),) = smtp.mails
    assert to == [TO, CC]
    assert {name: str(message[name]) for name in ("From", "To", "Cc", "Reply-To", "Subject", "Message-ID")} == {
        "From": "Ines Moreau <office@cobalt.example>",
        "To": "Chloé Petrov <chloe@cobalt.example>",
        "Cc": "Dana Dealer <dana@dealer.example>",
        "Reply-To": "ines@cobalt.example",
        "Subject": "Invoice 4711",
        "Message-ID": "<1@cobalt.example>",
    }
    assert message.get_content().replace("\r\n", "\n") == "Dear Chloé,\n\nplease pay.\n"


NASTY = st.text(
    st.one_of(
        st.sampled_from('\r\n\t\x85\u2028:;,<>@"\\=?()é漢\u202e\ud7ff'), st.characters(exclude_categories=["Cs"])
    ),
    max_size=120,
)


@given(name=NASTY, subject=NASTY, text=NASTY)
def test_header_whatever_is_in_it_adds_no_other(name: str, subject: str, text: str) -> None:
    sent = mail(
        sender=Mailbox(name, "office@cobalt.example"),
        to=[Mailbox(name, TO)],
        subject=subject,
        text=text,
        reply_to="ines@cobalt.example",
    )
    head = sent.to_message().as_bytes().partition(b"\r\n\r\n")[0]
    lines = head.decode("ascii").split("\r\n")
    names = [line.partition(":")[0] for line in lines if not line.startswith((" ", "\t"))]
    assert sorted(names) == sorted(HEADERS)
    assert "\r" not in head.decode().replace("\r\n", "")
    assert "\n" not in head.decode().replace("\r\n", "")
    read = email.message_from_bytes(sent.to_message().as_bytes(), policy=email.policy.default)
    assert [one.addr_spec for one in read["To"].addresses] == [TO]
    assert [one.addr_spec for one in read["From"].addresses] == ["office@cobalt.example"]


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("a@b.example", "a@b.example"),
        ("kontakt@bücher.example", "kontakt@xn--bcher-kva.example"),
        ("a@b.example\nBcc: c@d.example", None),
        ("a@b.example, c@d.example", None),
        ("chloé@b.example", None),
        ("nobody", None),
        ("", None),
        (None, None),
    ],
)
def test_address_when_no_server_would_take_it_is_none(address: str | None, taken: str | None) -> None:
    assert deliverable(address) == taken


def test_line_when_broken_is_one() -> None:
    assert one_line("a\r\nBcc: b\u2028c\x00\x85d") == "a Bcc: b c d"


def test_outcome_when_the_server_refuses_some_tells_who_and_why(smtp: SmtpServer) -> None:
    smtp.answers = {CC: "550 No such user"}
    outcome = server_at(smtp.url).send(mail(), [TO, CC])
    assert (outcome.accepted, outcome.refused, outcome.delayed) == ({TO}, {CC: "550 No such user"}, "")
    smtp.answers = {CC: "451 Grey for a while"}
    outcome = server_at(smtp.url).send(mail(), [TO, CC])
    assert (outcome.accepted, outcome.refused) == ({TO}, {})
    assert outcome.delayed == "The mail server asks us to try again later: 451 Grey for a while"
    smtp.answers = {CC: f"451 <{CC}> Grey"}
    outcome = server_at(smtp.url).send(mail(), [TO, CC])
    assert outcome.delayed == "The mail server asks us to try again later: 451 <…> Grey", "others read this, too"
    smtp.answers = {TO: "550 No", CC: "450 Later"}
    outcome = server_at(smtp.url).send(mail(), [TO, CC])
    assert (outcome.accepted, outcome.refused, "450 Later" in outcome.delayed) == (set(), {TO: "550 No"}, True)


@pytest.mark.parametrize(("answer", "final"), [("554 Spam", True), ("452 Disk full", False)])
def test_outcome_when_the_text_is_refused_is_for_good_or_not(smtp: SmtpServer, answer: str, final: bool) -> None:
    smtp.answer = answer
    outcome = server_at(smtp.url).send(mail(), [TO, CC])
    assert outcome.accepted == set()
    assert (set(outcome.refused) == {TO, CC}) is final
    assert bool(outcome.delayed) is not final


def test_outcome_when_nobody_listens_is_a_delay(smtp: SmtpServer) -> None:
    smtp.stop()
    assert "does not answer" in server_at(smtp.url).send(mail(), [TO]).delayed


def test_outcome_when_the_server_goes_on_for_ever_is_a_delay(smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.mail.WHOLE_SECONDS", 0.2)
    smtp.hangs = True
    try:
        assert server_at(smtp.url).send(mail(), [TO]).delayed
    finally:
        smtp.hangs = False


def test_password_when_there_is_no_tls_stays_here() -> None:
    smtp = SmtpServer()
    smtp.start(authenticator=authenticator, auth_require_tls=False)
    try:
        outcome = server_at(f"smtp://ines:right@127.0.0.1:{smtp.port}").send(mail(), [TO])
    finally:
        smtp.stop()
    assert "no TLS" in outcome.delayed
    assert smtp.mails == []


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """What a server at `localhost` shows, whom our side trusts by `chain.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context


def test_password_when_there_is_tls_opens_the_door(tls: ssl.SSLContext, tmp_path: Path) -> None:
    smtp = SmtpServer()
    smtp.start(authenticator=authenticator, auth_required=True, tls_context=tls)
    url = f"smtp://ines:{{}}@localhost:{smtp.port}"
    trusting = {"SMTP_CA_FILE": str(tmp_path / "chain.pem")}
    try:
        assert "535" in server_at(url.format("wrong"), **trusting).send(mail(), [TO]).delayed
        assert server_at(url.format("right"), **trusting).send(mail(), [TO]).accepted == {TO}
        assert "safe connection" in server_at(url.format("right")).send(mail(), [TO]).delayed
    finally:
        smtp.stop()
    assert len(smtp.mails) == 1


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SMTP_URL": "smtp://x"}, "MAIL_FROM"),
        ({"SMTP_URL": "smtp://x", "MAIL_FROM": "nobody"}, "MAIL_FROM"),
        ({"SMTP_URL": "http://x", **FROM}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://x:port", **FROM}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://", **FROM}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://x", **FROM, "SMTP_CA_FILE": "/nowhere.pem"}, "SMTP_CA_FILE"),
    ],
)
def test_settings_when_wrong_are_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        MailServer.from_environment("customers", environment)


def test_settings_when_right_are_read_and_keep_the_secret() -> None:
    assert MailServer.from_environment("customers", {}) is None
    server = server_at("smtps://in%40es:p%2Fw@mail.example")
    assert (server.host, server.port, server.tls, server.user, server.password) == (
        "mail.example",
        465,
        True,
        "in@es",
        "p/w",
    )
    assert (server.sender, server.domain) == ("office@cobalt.example", "cobalt.example")
    assert server_at("smtp://mail.example").port == 587
    assert "p/w" not in repr(server)
