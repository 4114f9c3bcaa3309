"""The one door to addresses that people choose: https on port 443, public hosts only, no redirects.

The name is resolved once, every address it has must be public, and the connection goes to the very address
that was looked at, so that a name which answers otherwise the second time gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from testbed.errors import Invalid
from testbed.texts import message

TIMEOUT_SECONDS = 10
MOST_BYTES = 5 * 1024**2
LONGEST = 500
NOT_HTTPS = message("The address must begin with https:// and use port 443.")
NO_NAME = message(
    "The address needs the full name of a host, as hooks.example.se; numbers and short names are refused."
)
ODD = message("The address holds characters that an address cannot have, or a user name.")
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")

# IANA's special-purpose registries (RFC 6890 and its updates), multicast, and what wraps an IPv4 address.
SPECIAL_V4 = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
    203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
"""
GLOBAL_V6 = ip_network("2000::/3")
SPECIAL_V6 = "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"  # Teredo, examples, 6to4, AS112
REFUSED_V4 = [ip_network(each) for each in SPECIAL_V4.split()]
REFUSED_V6 = [ip_network(each) for each in SPECIAL_V6.split()]

Resolve = Callable[[str], Awaitable[list[str]]]


class NotPublic(Exception):
    """The name leads to an address that is not public; nothing was sent."""


class NoAnswer(Exception):
    """Nobody answered in time, or not as HTTP says; the message tells more."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called, taken apart. ``path`` begins with a slash and carries the query."""

    host: str
    path: str


def target(url: str) -> Target:
    """Take an address apart.

    Raises:
        Invalid: it is not https on 443, names no full host, or holds what addresses cannot hold.
    """
    if len(url) > LONGEST or not url.isascii() or re.search(r"[\s\x00-\x20\x7f\\<>\"^`{|}]", url):
        raise Invalid(ODD, fields={"url": ODD})
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid(ODD, fields={"url": ODD}) from None
    if parts.scheme != "https" or port not in (None, 443):
        raise Invalid(NOT_HTTPS, fields={"url": NOT_HTTPS})
    if re.search(r"[@%\[\]]", parts.netloc) or parts.fragment:
        raise Invalid(ODD, fields={"url": ODD})
    host = (parts.hostname or "").rstrip(".")
    if not _is_name(host):
        raise Invalid(NO_NAME, fields={"url": NO_NAME})
    return Target(host, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _is_name(host: str) -> bool:
    """Two labels at least, the last of them no number (127.1, 0x7f.1): those are names, never addresses."""
    labels = host.split(".")
    last = labels[-1]
    plain = all(LABEL.fullmatch(each) for each in labels) and len(host) <= 253
    return plain and len(labels) > 1 and re.fullmatch(r"[a-z][a-z0-9-]*", last) is not None


def is_public(address: str) -> bool:
    """Whether packets to this address leave for the Internet at large, and for nothing of ours."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in each for each in REFUSED_V4)
    return isinstance(found, IPv6Address) and (
        found.scope_id is None and found in GLOBAL_V6 and not any(found in each for each in REFUSED_V6)
    )


async def resolved(host: str) -> list[str]:
    """Every address of a host, as the system's resolver says."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Outgoing:
    """Calls addresses of strangers. ``resolve`` and ``transport`` are how names are looked up and lines opened."""

    def __init__(
        self, resolve: Resolve = resolved, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.resolve = resolve
        self.transport = transport

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a body and return the status of the answer, whose body is read to 5 MB at most and dropped.

        Raises:
            Invalid, NotPublic: nothing was sent. NoAnswer: nothing came back within ten seconds.
        """
        to = target(url)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                address = await self._public(to.host)
                return await self._send(to, address, body, headers)
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {TIMEOUT_SECONDS} s") from error
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}"[:300]) from error

    async def _public(self, host: str) -> str:
        """The one address to connect to; a host with a single address that is not public is refused."""
        found = await self.resolve(host)
        if not found or not all(is_public(each) for each in found):
            raise NotPublic(f"{host} does not lead to public addresses only")
        return found[0]

    async def _send(self, to: Target, address: str, body: bytes, headers: Mapping[str, str]) -> int:
        """To the address that was looked at, under the name that the certificate must bear."""
        literal = f"[{address}]" if ":" in address else address
        async with httpx.AsyncClient(
            transport=self.transport, trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS
        ) as client:
            request = client.build_request(
                "POST",
                f"https://{literal}{to.path}",
                content=body,
                headers={**headers, "host": to.host},
                extensions={"sni_hostname": to.host},
            )
            answer = await client.send(request, stream=True)
            try:
                seen = 0
                async for chunk in answer.aiter_raw():
                    seen += len(chunk)
                    if seen > MOST_BYTES:
                        raise NoAnswer("the answer is larger than 5 MB")
            finally:
                await answer.aclose()
            return answer.status_code
