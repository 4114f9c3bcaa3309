"""A mail server that keeps what it is sent, settings that name it, and a worker that does all there is to do."""

import asyncio
import email
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP

from testbed import jobs
from testbed.app import KINDS
from testbed.db import Database
from testbed.jobs import Kind, Workshop
from testbed.settings import Settings

logging.getLogger("mail.log").setLevel(logging.WARNING)  # the sink's every step


class Sink:
    """Takes letters; ``refusal`` is what it answers to a receiver instead."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.refusal: str | None = None
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the library calls it so
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(
            email.message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=default)
        )
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        return "250 OK"

    def texts(self) -> dict[str, str]:
        """What each receiver was last sent."""
        return {str(each["To"]): str(each.get_content()) for each in self.letters}


@asynccontextmanager
async def sink_at(tls: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    """A mail server on a free port of the loopback; with ``tls`` it takes nothing before STARTTLS."""
    kept = Sink()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(kept, hostname="sink.test", tls_context=tls, require_starttls=tls is not None),
        "127.0.0.1",
        0,
    )
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        await server.wait_closed()


def mailing(settings: Settings, port: int, **more: Any) -> Settings:
    given = {
        "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_starttls": False, "mail_from": "testbed@lulea.example",
        "base_url": "https://testbed.example.se",
    }  # fmt: skip
    return settings.model_copy(update=given | more)


async def all_done(shop: Workshop, kinds: Mapping[str, Kind] = KINDS) -> int:
    """Do every job that waits; how many there were."""
    number = 0
    while await jobs.work_once(shop, kinds):
        number += 1
    return number


async def hurry(db: Database, kind: str) -> None:
    """Let what waits for its next try wait no longer."""
    async with db.raw() as connection:
        await connection.execute("UPDATE job SET run_at = now() WHERE state = 'queued' AND kind = $1", kind)
