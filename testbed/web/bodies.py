"""Raw request bodies of any size: what is announced of them, and their bytes as they arrive."""

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException

from testbed.errors import Invalid
from testbed.texts import message
from testbed.web.multipart import Broken

CUT_OFF = message("The file was cut off before its end. Nothing was kept; send it again.")
BAD_DIGEST = message("The Content-Digest header is not of the form sha-256=:…: (RFC 9530). Nothing was kept.")
DIFFERS = message("The file arrived with SHA-512 {found}, but {expected} was declared. Nothing was kept.")
DIGESTS = {"sha-256": 32, "sha-512": 64}
"""The algorithms that are verified, with the length of their digests in bytes."""
MEMBER = re.compile(r"\s*([a-z0-9*._-]+)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?")


def announced(request: Request[Any, Any, Any]) -> int | None:
    """The bytes the body will have, if the client says so."""
    given = request.headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else None


def declared_digests(request: Request[Any, Any, Any]) -> dict[str, bytes]:
    """What ``Content-Digest`` says of the body, by algorithm; those not in ``DIGESTS`` are left unread (RFC 9530).

    Raises:
        Invalid: the header is there and is malformed.
    """
    found: dict[str, bytes] = {}
    for part in ",".join(request.headers.getall("content-digest", [])).split(","):
        member = MEMBER.fullmatch(part)
        if member is None:
            if part or found:
                raise Invalid(BAD_DIGEST)
            continue
        if (size := DIGESTS.get(member.group(1))) is not None:
            found[member.group(1)] = _decoded(member.group(2), size)
    return found


def _decoded(text: str, size: int) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Invalid(BAD_DIGEST) from error
    if len(digest) != size:
        raise Invalid(BAD_DIGEST)
    return digest


async def held_to(sha512: bytes | None, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes, compared at their end with what was declared, if it was: keep them only after that.

    Raises:
        Invalid: they are others than was declared.
    """
    seen = hashlib.sha512()
    async for chunk in chunks:
        if sha512 is not None:
            seen.update(chunk)
        yield chunk
    if sha512 is not None and seen.digest() != sha512:
        raise Invalid(DIFFERS, found=seen.hexdigest(), expected=sha512.hex())


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
