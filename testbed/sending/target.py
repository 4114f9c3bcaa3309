"""Where files go: a service, perhaps under a path of a proxy, and a trial in it."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

PAGE = re.compile(r"(?P<server>https?://[^?#]+?)/trials/(?P<trial>\d+)(?:[/?#].*)?")


class Unclear(ValueError):
    """What was asked for cannot be meant; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Target:
    """``server`` is the address of the service without a slash at its end."""

    server: str
    trial: int


def target(trial: str, server: str | None = None, *, allow_http: bool = False) -> Target:
    """Understand a trial's number or the address of any of its pages; a server that is named wins.

    Raises:
        Unclear: neither says which service, or the way there would show the token to others.
    """
    page = PAGE.fullmatch(trial.strip())
    if page is None and not trial.strip().isdecimal():
        raise Unclear("--trial takes the number of a trial, or the address of its page.")
    address = (server or (page["server"] if page else "")).rstrip("/")
    if not address:
        raise Unclear(
            "Say which service: --server https://…, or --trial with the address of the trial's page."
        )
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or parts.username is not None:
        raise Unclear("--server takes an address such as https://testbed.example.se, and nothing after it.")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise Unclear(
            "The token would travel unencrypted by http. Use the https address, or --allow-http if the way there is safe."
        )
    return Target(address, int(page["trial"] if page else trial))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
