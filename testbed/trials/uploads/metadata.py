"""What a sender says of a file beside its bytes, in the form the tus protocol has for it."""

import base64
import binascii
import re

from pydantic import ValidationError

from testbed.errors import Malformed
from testbed.texts import message
from testbed.trials.receiving import Fields, Sending

MOST_BYTES = 8192
MOST_KEYS = 32
KEY = re.compile(r"[!-+\--~]+")  # printable ASCII without space and comma
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
NUMBER = re.compile(r"[1-9][0-9]{0,17}")

NOT_READ = message(
    "Upload-Metadata is not of the form “key base64,key base64”, each key once. Nothing was kept."
)
TOO_LARGE = message("Upload-Metadata holds more than 8 KiB or more than 32 keys. Nothing was kept.")
NO_TRIAL = message(
    "Upload-Metadata does not say which trial the file belongs to: trial, its number. Nothing was kept."
)
NOT_UNDERSTOOD = message("The value of {key} in Upload-Metadata is not understood. Nothing was kept.")


def read(sent: str) -> dict[str, bytes]:
    """The values by their keys; a key without a value has an empty one.

    Raises:
        Malformed: it cannot be read, is too large, or says one key twice.
    """
    if len(sent) > MOST_BYTES or sent.count(",") >= MOST_KEYS:
        raise Malformed(TOO_LARGE)
    found: dict[str, bytes] = {}
    for pair in sent.split(",") if sent.strip() else []:
        key, _, value = pair.strip().partition(" ")
        try:
            decoded = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Malformed(NOT_READ) from error
        if not KEY.fullmatch(key) or key in found:
            raise Malformed(NOT_READ)
        found[key] = decoded
    return found


def trial_of(sent: str) -> int:
    """The trial the file is for.

    Raises:
        Malformed: as ``read``, or it is not said.
    """
    said = _text(read(sent), "trial")
    if not said:
        raise Malformed(NO_TRIAL)
    if not NUMBER.fullmatch(said):
        raise Malformed(NOT_UNDERSTOOD, key="trial")
    return int(said)


def sending_of(sent: str, length: int | None) -> Sending:
    """What a form would say beside its file; keys that no form has are left alone.

    Raises:
        Malformed: as ``read``, or a value that is not understood, by its key.
    """
    given = read(sent)
    texts = {key: _text(given, key) for key in given if key in Fields.model_fields}
    try:
        about = Fields.model_validate({key: text for key, text in texts.items() if text.strip()})
    except ValidationError as error:
        raise Malformed(NOT_UNDERSTOOD, key=str(error.errors()[0]["loc"][0])) from error
    sha256 = _text(given, "sha256").strip().lower() or None
    if sha256 is not None and not SHA256.fullmatch(sha256):
        raise Malformed(NOT_UNDERSTOOD, key="sha256")
    filename = _text(given, "filename") or "file"
    return Sending(
        filename=filename,
        sha256=sha256,
        digest_declared=sha256 is not None,
        length=length,
        **about.model_dump(),
    )


def _text(given: dict[str, bytes], key: str) -> str:
    try:
        return given.get(key, b"").decode()
    except UnicodeDecodeError as error:
        raise Malformed(NOT_UNDERSTOOD, key=key) from error
