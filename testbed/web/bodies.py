"""Raw request bodies of any size: what is announced of them, and their bytes as they arrive."""

import base64
import binascii
import re
from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException

from testbed.errors import Invalid
from testbed.texts import message
from testbed.web.multipart import Broken

CUT_OFF = message("The file was cut off before its end. Nothing was kept; send it again.")
BAD_DIGEST = message("The Content-Digest header is not of the form sha-256=:…: (RFC 9530). Nothing was kept.")
MEMBER = re.compile(r"\s*([a-z0-9*._-]+)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?")


def announced(request: Request[Any, Any, Any]) -> int | None:
    """The bytes the body will have, if the client says so."""
    given = request.headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else None


def declared_sha256(request: Request[Any, Any, Any]) -> str | None:
    """The SHA-256 of ``Content-Digest``, in hexadecimal; other algorithms are left unread, as RFC 9530 has it.

    Raises:
        Invalid: the header is there and is malformed.
    """
    lines = request.headers.getall("content-digest", [])
    if not lines:
        return None
    found: dict[str, str] = {}
    for part in ",".join(lines).split(","):
        member = MEMBER.fullmatch(part)
        if member is None:
            raise Invalid(BAD_DIGEST)
        found[member.group(1)] = member.group(2)
    if "sha-256" not in found:
        return None
    try:
        digest = base64.b64decode(found["sha-256"], validate=True)
    except binascii.Error as error:
        raise Invalid(BAD_DIGEST) from error
    if len(digest) != 32:
        raise Invalid(BAD_DIGEST)
    return digest.hex()


async def arriving(request: Request[Any, Any, Any]) -> AsyncGenerator[bytes, None]:
    """The body as it arrives.

    Raises:
        Broken: the sender hung up before its end.
    """
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except InternalServerException as error:  # what the framework makes of a disconnect
        raise Broken(CUT_OFF) from error
