"""Read ``multipart/form-data`` as it arrives: no part is held in memory or spooled to a second place."""

import logging
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from testbed.disk import spelt
from testbed.errors import DomainError, Invalid, TooLarge
from testbed.files import label
from testbed.texts import message

FIELDS_BYTES = 64 * 1024  # all text fields of a form with a file, together

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # below that it repeats bytes of bad requests

NO_FORM = message("The form could not be read: send it as multipart/form-data with a boundary.")
NOT_VALID = message("The form could not be read: it is not valid multipart/form-data.")
CUT_OFF = message("The form was cut off before its end. Nothing was kept.")
ONE_FILE = message("Send one file at a time.")
FIELDS_FIRST = message("The fields of the form must come before the file.")
FIELD_TWICE = message("The field {name} is in the form twice.")
CHOOSE_FILE = message("Choose a file first.")
FORM_TOO_LARGE = message("The form is larger than {most}. Nothing was kept.")
TOO_MANY_PARTS = message("The form has more than {most} parts.")
FIELDS_TOO_LARGE = message("The fields beside the file are larger than {most} together.")


class Broken(DomainError):
    """The body is not a whole, well-formed form."""

    status = HTTPStatus.BAD_REQUEST


@dataclass(frozen=True, slots=True)
class Part:
    """The head of one part; ``filename`` is None for a text field, "" for a file field left empty."""

    name: str
    filename: str | None
    media_type: str


@dataclass(frozen=True, slots=True)
class FileForm:
    """The fields that came before the file, the file's label, and its bytes, still arriving."""

    fields: dict[str, str]
    filename: str
    media_type: str
    chunks: AsyncGenerator[bytes, None]


Event = tuple[Part, bytes | None]


class _Heads:
    """Collects what the push parser calls back with, as a list of events."""

    def __init__(self, boundary: bytes, most_parts: int) -> None:
        self.events: list[Event] = []
        self.ended = False
        self._most_parts, self._seen = most_parts, 0
        self._name, self._value, self._head = bytearray(), bytearray(), dict[bytes, bytes]()
        self._part = Part("", None, "")
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": lambda data, start, end: self.events.append((self._part, data[start:end])),
                "on_part_end": lambda: self.events.append((self._part, None)),
                "on_end": self._end,
            },
            max_header_count=8,
            max_header_size=4096,
        )

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except (FormParserError, UnicodeDecodeError) as error:
            raise Broken(NOT_VALID) from error

    def _header_end(self) -> None:
        self._head[bytes(self._name).lower()] = bytes(self._value).strip()
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, given = parse_options_header(self._head.get(b"content-disposition"))
        if b"name" not in given:
            raise Broken(NOT_VALID)
        self._seen += 1
        if self._seen > self._most_parts:
            raise TooLarge(TOO_MANY_PARTS, most=self._most_parts)
        filename = given.get(b"filename")
        self._part = Part(
            given[b"name"].decode(),
            None if filename is None else filename.decode(),
            self._head.get(b"content-type", b"").decode("latin-1"),
        )
        self._head.clear()
        self.events.append((self._part, b""))

    def _end(self) -> None:
        self.ended = True


async def parts(
    content_type: str | bytes, body: AsyncIterable[bytes], *, most_bytes: int, most_parts: int = 64
) -> AsyncGenerator[Event, None]:
    """Each part as (part, b"") at its head, (part, bytes) as they come, (part, None) at its end.

    Raises:
        Broken: the body is not a form, or ends before its end.
        TooLarge: more than ``most_bytes`` in all, or more than ``most_parts``.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Broken(NO_FORM)
    try:
        heads = _Heads(boundary, most_parts)
    except FormParserError as error:
        raise Broken(NO_FORM) from error
    size = 0
    async for chunk in body:
        if (size := size + len(chunk)) > most_bytes:
            raise TooLarge(FORM_TOO_LARGE, most=spelt(most_bytes))
        heads.write(chunk)
        for event in heads.events:
            yield event
        heads.events.clear()
    if not heads.ended:
        raise Broken(CUT_OFF)


async def form_with_file(
    content_type: str | bytes, body: AsyncIterable[bytes], *, most_bytes: int
) -> FileForm:
    """Read as far as the file; iterating over its ``chunks`` reads the rest and judges it.

    Only a form read to its end is whole: keep nothing before ``chunks`` is exhausted.

    Raises:
        Broken: as ``parts``; or a field after the file or twice, a second file (also while iterating).
        TooLarge: the form, or its text fields together.
        Invalid: no file was chosen.
    """
    events = parts(content_type, body, most_bytes=most_bytes)
    try:
        gathered: dict[str, bytearray] = {}
        async for part, data in events:
            if part.filename is not None:
                return _opened(part, _texts(gathered), events)
            _gather(gathered, part, data)
    except BaseException:
        await events.aclose()
        raise
    raise Invalid(CHOOSE_FILE, fields={"file": CHOOSE_FILE})


def _gather(gathered: dict[str, bytearray], part: Part, data: bytes | None) -> None:
    if data == b"":
        if part.name in gathered:
            raise Broken(FIELD_TWICE, name=part.name)
        gathered[part.name] = bytearray()
    elif data is not None:
        gathered[part.name] += data
        if sum(len(value) for value in gathered.values()) > FIELDS_BYTES:
            raise TooLarge(FIELDS_TOO_LARGE, most=spelt(FIELDS_BYTES))


def _texts(gathered: dict[str, bytearray]) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in gathered.items()}
    except UnicodeDecodeError as error:
        raise Broken(NOT_VALID) from error


def _opened(part: Part, fields: dict[str, str], events: AsyncGenerator[Event, None]) -> FileForm:
    if not part.filename:
        raise Invalid(CHOOSE_FILE, fields={part.name: CHOOSE_FILE})
    filename = label(part.filename.replace("%22", '"'))  # as browsers write a quotation mark
    return FileForm(fields, filename, part.media_type, _chunks(events))


async def _chunks(events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(events):
        ended = False
        async for part, data in events:
            if ended:
                raise Broken(FIELDS_FIRST if part.filename is None else ONE_FILE)
            if data is None:
                ended = True
            elif data:
                yield data
