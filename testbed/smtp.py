"""The one door to the mail server. Blocking: workers call it in a thread."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from uuid import UUID

from testbed.settings import Settings

TIMEOUT_SECONDS = 20
LONGEST_SUBJECT = 200


class Refused(Exception):
    """The server will never take this letter (an address it does not know); trying again is of no use."""


class Away(Exception):
    """The server does not answer, or not now; try again later."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it leaves. ``identifier`` makes its Message-ID, so that a letter sent twice is known as one."""

    identifier: UUID
    to: str
    subject: str
    body: str
    language: str = "sv"


def written(settings: Settings, letter: Letter) -> EmailMessage:
    """The letter with its headers; nothing in it can begin a header of its own.

    Raises:
        Refused: what should be an address is none.
    """
    made = EmailMessage(policy=SMTP)
    try:
        made["From"] = Address(_plain(settings.city_sender), addr_spec=settings.mail_from or "")
        made["To"] = Address(addr_spec=_ascii(letter.to))
    except (HeaderParseError, MessageError, ValueError, IndexError) as error:
        raise Refused(f"not an address: {error}") from error
    made["Subject"] = _plain(letter.subject)[:LONGEST_SUBJECT]
    made["Date"] = format_datetime(localtime())
    made["Message-ID"] = f"<{letter.identifier}@{settings.host}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    made.set_content(letter.body.replace("\r\n", "\n").replace("\r", "\n"), cte="quoted-printable")
    made["Content-Language"] = letter.language
    return made


def _plain(text: str) -> str:
    """One line without anything that does not print: no header begins in it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _ascii(address: str) -> str:
    """The address with its domain as DNS knows it (xn--…); a local part in other letters stays as it is."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}" if domain and not domain.isascii() else address


def send(settings: Settings, letter: Letter) -> None:
    """Hand a letter to the mail server; when this returns, the server has taken it.

    Raises:
        Refused: it never will. Away: not now.
    """
    made = written(settings, letter)
    try:
        with _connected(settings) as server:
            server.send_message(made, from_addr=settings.mail_from, to_addrs=[_ascii(letter.to)])
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise (Refused if code >= 500 else Away)(_words(code, said)) from error
    except (smtplib.SMTPNotSupportedError, UnicodeError) as error:
        raise Refused(str(error)) from error
    except smtplib.SMTPResponseException as error:
        permanent = 500 <= error.smtp_code < 600 and not isinstance(error, smtplib.SMTPAuthenticationError)
        raise (Refused if permanent else Away)(_words(error.smtp_code, error.smtp_error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise Away(f"{type(error).__name__}: {error}") from error


def trouble(settings: Settings) -> str | None:
    """What keeps mail from leaving: a connection is made, secured and signed in, and nothing is sent."""
    try:
        with _connected(settings) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"
    return None


@contextmanager
def _connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """A connection on which letters can be sent, secured and signed in as the settings say."""
    file = settings.smtp_password_file
    with smtplib.SMTP(settings.smtp_host or "", settings.smtp_port, timeout=TIMEOUT_SECONDS) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user is not None and file is not None:
            server.login(settings.smtp_user, file.read_text().strip())
        yield server


def _words(code: int, said: bytes | str) -> str:
    return f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
