"""``testbed upload``: the words around it."""

import json
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from testbed.disk import spelt
from testbed.sending.kept import Memory, Taken
from testbed.sending.sender import CHUNK_BYTES, WAITS_SECONDS, Done, Outgoing, Sender
from testbed.sending.target import Target, Unclear, target
from testbed.sending.telling import Bar, Lines
from testbed.sending.tus import Gone, Later, Refused, Service
from testbed.settings import client_token, state_folder

Who = Literal["public", "registered", "consortium", "restricted", "private"]
FIRST_WAITS_SECONDS = (1, 2, 4)  # nothing is under way yet, so a mistyped address is told soon
WHO = (
    "Say who sends: put a token in the variable TESTBED_TOKEN or in a file for --token-file. "
    "One with the scope upload is made under My account."
)
AGAIN = "Run the same command again: it goes on where it was cut off."


@dataclass(slots=True)
class Outcome:
    """What became of one file; with ``--json`` a line of it."""

    file: str
    state: Literal["received", "refused", "interrupted"]
    size: int
    sha256: str | None = None
    result: str | None = None
    url: str | None = None
    receipt: dict[str, Any] | None = None
    status: int | None = None
    detail: str | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for beside the files; each docstring is the help of its option."""

    trial: str
    """The address of the trial's page (https://…/trials/12), or its number together with --server."""

    server: str | None = None
    """The address of the service."""

    token_file: Path | None = None
    """A file that holds the token; otherwise the variable TESTBED_TOKEN does."""

    partner: str | None = None
    """On whose behalf, where you belong to several partners of the pilot: its number, or the last word of its page."""

    access: Who = "private"
    """Who may see the files."""

    note: str | None = None
    """What a reader must know, such as a sensor that was moved."""

    delivery: str | None = None
    """The code of the planned delivery they answer (D1)."""

    replaces: str | None = None
    """The code of the result (R-…) that the file corrects or replaces."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print one JSON object for each file instead of words."""

    allow_http: Annotated[bool, Parameter(negative="")] = False
    """Send the token unencrypted to another machine."""


def upload(files: Annotated[list[Path], Parameter(negative="")], /, *, asked: Asked) -> int:
    """Send result files to a trial, of any size; a connection that breaks is taken up again.

    Cut off in the middle, even by a power cut, the same command goes on where it was. Exit code 0 if all
    files were received, 1 if some were not, 2 if nothing was sent because the command cannot be meant.

    Parameters
    ----------
    files
        The files to send, one or several.
    """
    try:
        where = target(asked.trial, asked.server, allow_http=asked.allow_http)
        token = _token(asked.token_file)
        outgoing = [_looked_at(path) for path in files]
    except Unclear as mistake:
        print(f"{mistake} Nothing was sent.", file=sys.stderr)
        return 2
    more = {"note": asked.note, "delivery": asked.delivery, "replaces": asked.replaces}
    about = {
        "trial": str(where.trial),
        "access": asked.access,
        **{key: text for key, text in more.items() if text},
    }
    tell = Bar(sys.stderr) if sys.stderr.isatty() and not asked.json else Lines(sys.stderr)
    with Service(where, token) as service:
        outcomes = _all(service, tell, outgoing, about, asked.partner)
        return 0 if _printed(outcomes, tell, json_lines=asked.json) else 1


def _token(file: Path | None) -> str:
    try:
        token = file.read_text(encoding="ascii").strip() if file else client_token()
    except OSError as error:
        raise Unclear(f"The token file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Unclear(f"The token file {file} holds something else than a token.") from error
    if not token:
        raise Unclear(WHO)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Unclear("The token holds characters that no token has.")
    return token


def _looked_at(path: Path) -> Outgoing:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Unclear(f"{path} is a folder: name the files in it, such as {path}/*.csv.")
        if not stat.S_ISREG(found.st_mode):
            raise Unclear(f"{path} is not a regular file.")
        with path.open("rb"):
            return Outgoing(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise Unclear(f"{path}: {error.strerror}.") from error


def _all(
    service: Service, tell: Lines, files: list[Outgoing], about: dict[str, str], partner: str | None
) -> Iterator[Outcome]:
    """One after the other; what is wrong with the token or the trial is asked for once, before any byte."""
    try:
        limits = _first(service, tell, about, partner)
    except (Refused, Later) as trouble:
        yield from (_not_sent(file, trouble) for file in files)
        return
    most, chunk = limits.get("upload_max_bytes"), limits.get("chunk_bytes") or CHUNK_BYTES
    sender = Sender(service, tell, chunk_bytes=chunk, waits=WAITS_SECONDS)
    memory = Memory(state_folder() / "uploads")
    for file in files:
        if most is not None and file.size > most:
            too_large = f"It is {spelt(file.size)}; at most {spelt(most)} is taken. Nothing of it was sent."
            yield _not_sent(file, Refused(too_large, 413))
        else:
            yield _one(sender, memory, file, about)


def _first(service: Service, tell: Lines, about: dict[str, str], partner: str | None) -> dict[str, Any]:
    tell.name = service.where.server
    asker = Sender(service, tell, waits=FIRST_WAITS_SECONDS)
    limits = asker.asked(service.limits)
    if partner and partner.isdecimal():
        about["partner_id"] = partner
    elif partner:
        known = {str(each["url"]).rpartition("/")[2]: each["id"] for each in limits["partners"]}
        if partner not in known:
            raise Refused(
                f"You cannot send for {partner}; you can for: {', '.join(sorted(known)) or 'nobody'}."
            )
        about["partner_id"] = str(known[partner])
    return limits


def _one(sender: Sender, memory: Memory, file: Outgoing, about: dict[str, str]) -> Outcome:
    where = sender.service.where
    said = sorted(about.items())
    try:
        with memory.of(where.server, file.path.resolve(), file.size, file.mtime_ns, *said) as remembered:
            done = sender.send(file, about, remembered)
    except Taken:
        return _not_sent(file, Refused("Another testbed upload is sending it right now."))
    except OSError as error:
        return _not_sent(file, Refused(f"{error.filename or file.path}: {error.strerror}."))
    except (Refused, Later, Gone) as trouble:
        return _not_sent(file, trouble)
    return _received(file, done, where)


def _received(file: Outgoing, done: Done, where: Target) -> Outcome:
    url = f"{where.server}/results/{done.code}"
    return Outcome(str(file.path), "received", file.size, done.sha256, done.code, url, done.receipt)


def _not_sent(file: Outgoing, trouble: Exception) -> Outcome:
    if isinstance(trouble, Later):
        told = f"{trouble.reason.rstrip('.')}. {AGAIN}"
        return Outcome(str(file.path), "interrupted", file.size, status=trouble.status or None, detail=told)
    status = trouble.status if isinstance(trouble, Refused) else 0
    return Outcome(str(file.path), "refused", file.size, status=status or None, detail=str(trouble))


def _printed(outcomes: Iterator[Outcome], tell: Lines, *, json_lines: bool) -> bool:
    """Tell each as it ends; whether all were received."""
    well = True
    with _interruptible(tell):
        for each in outcomes:
            well = well and each.state == "received"
            if isinstance(tell, Bar):
                tell.clear()
            if json_lines:
                print(json.dumps(asdict(each), ensure_ascii=False), flush=True)
            elif each.state == "received":
                when = f"\n  received {each.receipt['received_at']}" if each.receipt else ""
                told = f"{each.file}: received as {each.result}\n  {each.url}\n  SHA-256 {each.sha256}"
                print(told + when, flush=True)
            else:
                print(f"{each.file}: {each.state}. {each.detail}", file=sys.stderr, flush=True)
    return well


@contextmanager
def _interruptible(tell: Lines) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        tell.say(f"Interrupted. {AGAIN}")
        raise
