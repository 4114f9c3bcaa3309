"""Passwords: argon2id at most two at once and never on the event loop; the easily guessed are refused."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from testbed.errors import Busy, Invalid
from testbed.people.guessable import guessable
from testbed.settings import Settings
from testbed.texts import message

T = TypeVar("T")
LEAST, MOST = 12, 128
AT_ONCE, WAITING = 2, 8
TOO_SHORT = message("Write at least 12 characters; a few words in a row are easy to remember.")
TOO_LONG = message("Write at most 128 characters.")
TOO_EASY = message("This password is among the first that others would guess. Choose another.")
IS_MAIL = message("The password must not be your e-mail address.")
BUSY = message("Many people are signing in just now. Try again in a few seconds.")

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
_at_work = 0


def normal(password: str) -> str:
    """NFKC, so that a keyboard that composes å and one that does not give the same password."""
    return unicodedata.normalize("NFKC", password)


def fit(password: str, email: str) -> str:
    """The password as it is hashed.

    Raises:
        Invalid: too short, too long, the e-mail address, or easily guessed.
    """
    chosen = normal(password)
    if len(chosen) < LEAST:
        raise Invalid(TOO_SHORT, fields={"password": TOO_SHORT})
    if len(chosen) > MOST:
        raise Invalid(TOO_LONG, fields={"password": TOO_LONG})
    if chosen.casefold() in {email.casefold(), email.casefold().split("@")[0]}:
        raise Invalid(IS_MAIL, fields={"password": IS_MAIL})
    if guessable(chosen):
        raise Invalid(TOO_EASY, fields={"password": TOO_EASY})
    return chosen


async def hashed(settings: Settings, password: str) -> str:
    """Argon2id's own text for a password that is ``fit``; about 250 ms and 64 MiB as settings come.

    Raises:
        Busy: eight wait already.
    """
    return await _aside(lambda: _hasher(settings).hash(password))


async def verified(settings: Settings, kept: str | None, password: str) -> bool:
    """Whether this is the password; without one on record as much time is spent, and it is not.

    Raises:
        Busy: eight wait already.
    """
    given = normal(password)[: MOST + 1]
    right = await _aside(lambda: _verify(settings, kept or _nobodys(settings), given))
    return right and kept is not None and len(given) <= MOST


def outgrown(settings: Settings, kept: str) -> bool:
    """Whether a hash was made with less than what the settings ask for today."""
    used = extract_parameters(kept)
    return used.memory_cost < settings.password_memory_kib or used.time_cost < settings.password_rounds


def _verify(settings: Settings, kept: str, password: str) -> bool:
    try:
        return _hasher(settings).verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _hasher(settings: Settings) -> PasswordHasher:
    return PasswordHasher(
        time_cost=settings.password_rounds, memory_cost=settings.password_memory_kib, parallelism=1
    )


def _nobodys(settings: Settings) -> str:
    return _dummy(settings.password_memory_kib, settings.password_rounds)


@cache
def _dummy(memory_kib: int, rounds: int) -> str:
    """A hash of nobody's password, as dear to verify as everybody's; dear to make once."""
    return PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1).hash("nobody's password")


async def _aside(work: Callable[[], T]) -> T:
    """Threads bound how many are hashed at once, the count how many wait for that."""
    global _at_work
    if _at_work >= AT_ONCE + WAITING:
        raise Busy(BUSY, retry_after=3)
    _at_work += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _at_work -= 1
