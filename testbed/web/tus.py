"""The words of the tus 1.0 protocol, as headers say them (https://tus.io/protocols/resumable-upload)."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from litestar import Request, Response

from testbed.errors import DomainError, Malformed
from testbed.texts import message

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,checksum,termination,expiration"
ALGORITHMS = ("sha1", "sha256")
CONTENT = "application/offset+octet-stream"
PREFIX = "/uploads"
ONE = re.compile(r"/uploads/[^/]+/?")
OVERRIDES = {"PATCH", "DELETE"}
UNDER = re.compile(r"(/[A-Za-z0-9._~-]+)+")

NOT_SPOKEN = message("This address speaks tus 1.0.0: send the header Tus-Resumable: 1.0.0. Nothing was done.")
ONE_LENGTH = message("Say exactly one of Upload-Length and Upload-Defer-Length: 1.")
BAD_NUMBER = message("{header} is a whole number of bytes.")
BAD_CHECKSUM = message(
    "Upload-Checksum is “sha256” or “sha1”, a space and the digest in base64. Nothing was kept."
)
WRONG_TYPE = message("The bytes of an upload are sent as application/offset+octet-stream. Nothing was kept.")


class NotSpoken(DomainError):
    """The sender speaks another version of the protocol, or none."""

    status = HTTPStatus.PRECONDITION_FAILED


class WrongType(DomainError):
    """A body is not sent as the bytes of an upload."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def concerns(path: str) -> bool:
    """Whether an address is one of the protocol's."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def meant(scope: Mapping[str, Any]) -> str:
    """The method a request means: some proxies let nothing but GET and POST through."""
    method = str(scope["method"])
    if method != "POST" or not ONE.fullmatch(scope["path"]):
        return method
    said = next((value for name, value in scope["headers"] if name.lower() == b"x-http-method-override"), b"")
    wanted = bytes(said).decode("latin-1").strip().upper()
    return wanted if wanted in OVERRIDES else method


async def spoken(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Refuse who does not speak the protocol, before anything is done; people and programs may look without it.

    Answers OPTIONS itself: the framework adds a handler of its own for that method, and which of two wins is chance.

    Raises:
        NotSpoken: ``Tus-Resumable`` is not 1.0.0.
    """
    if request.method == "OPTIONS":
        return discovery(request.app.state.settings.upload_max_bytes)
    if request.method != "GET" and request.headers.get("tus-resumable") != VERSION:
        raise NotSpoken(NOT_SPOKEN)
    return None


def discovery(most_bytes: int) -> Response[None]:
    """Which version is spoken here, with which extensions and limits."""
    said = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(most_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(None, status_code=204, headers=said)


def number_of(request: Request[Any, Any, Any], header: str) -> int | None:
    """A count of bytes in a header, if it is there.

    Raises:
        Malformed: it is no whole number below 2**63.
    """
    said = request.headers.get(header)
    if said is None:
        return None
    if said.isascii() and said.isdigit() and len(said) < 20 and int(said) < 2**63:
        return int(said)
    raise Malformed(BAD_NUMBER, header=header)


def offset_of(request: Request[Any, Any, Any]) -> int:
    """Where in the file a piece begins.

    Raises:
        Malformed: it is not said.
    """
    offset = number_of(request, "Upload-Offset")
    if offset is None:
        raise Malformed(BAD_NUMBER, header="Upload-Offset")
    return offset


def has_body(request: Request[Any, Any, Any]) -> bool:
    """Whether bytes follow the head."""
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def length_of(request: Request[Any, Any, Any]) -> int | None:
    """The length of a new upload; None if it is to be said later.

    Raises:
        Malformed: neither a length nor ``Upload-Defer-Length: 1``, or both.
    """
    length, later = number_of(request, "Upload-Length"), request.headers.get("upload-defer-length")
    if (length is None) == (later is None) or later not in {None, "1"}:
        raise Malformed(ONE_LENGTH)
    return length


def checksum_of(request: Request[Any, Any, Any]) -> tuple[str, bytes] | None:
    """The algorithm (as ``hashlib`` calls it) and digest that the body must have, if any.

    Raises:
        Malformed: another algorithm, or no digest of its size.
    """
    said = request.headers.get("upload-checksum")
    if said is None:
        return None
    algorithm, _, value = said.strip().partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(BAD_CHECKSUM) from error
    if algorithm not in ALGORITHMS or len(digest) != {"sha1": 20, "sha256": 32}[algorithm]:
        raise Malformed(BAD_CHECKSUM)
    return algorithm, digest


def of_upload(request: Request[Any, Any, Any]) -> bool:
    """Whether a body is sent as the bytes of an upload."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == CONTENT


def spelt_time(at: datetime) -> str:
    """``Upload-Expires``, as RFC 9110 writes dates."""
    return format_datetime(at.astimezone(UTC), usegmt=True)


def under(request: Request[Any, Any, Any]) -> str:
    """The path below which a proxy shows this service, if it says so: ``/testbed``; else nothing."""
    said = request.headers.get("x-forwarded-prefix", "").rstrip("/")
    return said if UNDER.fullmatch(said) else ""
