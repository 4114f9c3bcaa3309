"""Which passwords are taken, and whose address is believed."""

import asyncio

import pytest

from testbed.errors import Busy, Invalid
from testbed.people import passwords
from testbed.people.addresses import origin_of
from testbed.people.guessable import common

EMAIL = "alva.nordstrom@demo.example"


@pytest.mark.parametrize(
    "easy",
    ["kort", "elva tecken", "x" * 129, "password1234", "Qwertyuiop123", "Sommar2026!!!", "111111111111", "abcabcabcabc",
     "luleå kommun 2026", "LösenordLösenord", "123456789012", "hockeyhockey1", "!!Testbed-2026!!", EMAIL,
     EMAIL.upper(), "alva.nordstrom", "abcdefghijklm", "zxcvbnmasdfghjkl", "1qaz2wsx3edc", "ååååååååååååå"],
)  # fmt: skip
def test_what_others_would_guess_first_is_refused(easy):
    with pytest.raises(Invalid) as told:
        passwords.fit(easy, EMAIL)

    assert "password" in told.value.fields


@pytest.mark.parametrize(
    "good", ["renar över isen i mars", "x7#kQ2!vLp9@", "fyra ord räcker långt", "tolv  tecken"]
)
def test_length_is_what_counts(good):
    assert passwords.fit(good, EMAIL) == good


def test_the_list_of_common_passwords_is_long_enough():
    assert sum(len(each) >= passwords.LEAST for each in common()) >= 3000


async def test_a_composed_and_a_decomposed_letter_are_one_password(settings):
    kept = await passwords.hashed(settings, passwords.fit("på väg hem ikväll", EMAIL))

    assert await passwords.verified(settings, kept, "pa\u030a va\u0308g hem ikva\u0308ll")


async def test_the_eleventh_at_once_is_told_to_come_back(settings):
    slow = settings.model_copy(update={"password_memory_kib": 8192})

    answers = await asyncio.gather(
        *(passwords.hashed(slow, "renar över isen") for _ in range(12)), return_exceptions=True
    )

    assert sum(isinstance(each, Busy) for each in answers) == 2
    assert sum(isinstance(each, str) for each in answers) == 10


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "named"),
    [
        ("203.0.113.7", "198.51.100.1", [], "203.0.113.7"),
        ("10.0.0.2", "198.51.100.1", ["10.0.0.2"], "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", ["10.0.0.2"], "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.3", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.2", "nonsense", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1, nonsense", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.2", "", ["10.0.0.2"], "10.0.0.2"),
        ("127.0.0.1", "198.51.100.1", [], "127.0.0.1"),
        ("2001:db8:1:2:aaaa::1", "", [], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", [], "203.0.113.7"),
        ("", "198.51.100.1", ["10.0.0.2"], ""),
    ],
)
def test_only_our_own_proxies_are_believed(peer, forwarded, trusted, named):
    assert origin_of(peer, forwarded, trusted) == named
