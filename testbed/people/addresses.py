"""Whose address a request comes from, when proxies stand between."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network


def origin_of(peer: str, forwarded: str, trusted: Iterable[str]) -> str:
    """The right-most address in ``X-Forwarded-For`` that is no proxy of ours; the peer's own if it is none.

    Of IPv6 the /64 is named, since one household has all of it. What is no address ends the belief: the
    proxy itself is named then.
    """
    proxies = [ip_network(each, strict=False) for each in trusted]
    here = _read(peer)
    for said in reversed(forwarded.split(",") if forwarded else []):
        before = _read(said.strip())
        if here is None or before is None or not any(here in proxy for proxy in proxies):
            break
        here = before
    return _named(here) if here is not None else peer


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _named(address: IPv4Address | IPv6Address) -> str:
    return str(IPv6Network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
