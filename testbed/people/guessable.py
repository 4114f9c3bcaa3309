"""Passwords that others would guess first, made by rule: words with endings, walks on the keyboard, repetitions."""

import re
from functools import cache
from itertools import pairwise, product

LEAST = 12
SPOKEN = """
    password passw0rd p@ssw0rd p@ssword lösenord losenord l0senord hemligt hemlig secret välkommen valkommen welcome
    admin administrator administrera root user anvandare användare login inloggning letmein iloveyou jagalskardig
    jagälskardig sommar summer vinter winter host höst autumn vår spring sverige sweden stockholm goteborg göteborg
    malmo malmö lulea luleå boden pitea piteå kiruna norrbotten norrland lapland lappland kommun kommunen lulea-kommun
    luleakommun luleåkommun testbed testbadd testbädd pilot piloten pilotprojekt project projekt company foretag företag
    monday mandag måndag friday fredag januari january december midsommar julafton christmas kalle charlie dragon
    monkey football fotboll hockey ishockey baseball basketball superman batman starwars pokemon princess sunshine
    shadow master freedom whatever trustno1 computer dator internet samsung changeme changethis byt-mig default
    temporary tillfallig tillfällig qwerty qwertyuiop asdfghjkl zxcvbnm abc123 abcdef abcdefgh aaaaaa test tester testing
    testtest hello hejhej hejsan goddag snälla snalla family familj familjen mamma pappa mammaochpappa sensor gateway
    lorawan
"""
WORDS = SPOKEN.split()
ENDINGS = (
    [str(year) for year in range(1950, 2035)]
    + [
        "1",
        "12",
        "123",
        "1234",
        "12345",
        "123456",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "0123456789",
    ]
    + [
        "00",
        "000",
        "007",
        "01",
        "11",
        "111",
        "1111",
        "42",
        "69",
        "77",
        "88",
        "99",
        "321",
        "4321",
        "54321",
        "654321",
    ]
)
WALKS = """
    1234567890 0123456789 qwertyuiop qwertyuiopå asdfghjkl asdfghjklöä zxcvbnm zxcvbnm,.- qwertyuiopasdfghjklzxcvbnm
    qwertyuiopåasdfghjklöäzxcvbnm abcdefghijklmnopqrstuvwxyzåäö 1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik 1q2w3e4r5t6y7u8i9o0p
    qazwsxedcrfvtgbyhnujmikolp q1w2e3r4t5y6u7i8o9p0
"""
ROWS = WALKS.split()
MARKS = "!?.,*#-_+$%&/()=@ \"'"


def guessable(password: str) -> bool:
    """Whether it is on the list, whatever its case and the marks around it, or repeats a few characters."""
    plain = password.casefold()
    bare = plain.strip(MARKS)
    squeezed = "".join(c for c in plain if c not in MARKS)
    if len(set(squeezed)) < 5 or _repeats(squeezed) or _runs(squeezed):
        return True
    stem = re.sub(r"[0-9]{1,4}$", "", squeezed)
    return _repeats(stem) or not common().isdisjoint({plain, bare, squeezed, stem})


def _repeats(text: str) -> bool:
    """Whether it is one piece of at most half its length, again and again."""
    return len(text) > 1 and any(
        (text[:size] * len(text)).startswith(text) for size in range(1, len(text) // 2 + 1)
    )


def _runs(text: str) -> bool:
    """Whether every character is the one before it, or next to it in order: 1234…, zyxw…, aabbcc…."""
    return all(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(text))


@cache
def common() -> frozenset[str]:
    """All that the rules make, some 50 000; the short ones count once marks are put around them."""
    made = {word + end for word, end in product(WORDS, ENDINGS)}
    made |= {end + word for word, end in product(WORDS, ENDINGS)}
    made |= {f"{one}{other}" for one, other in product(WORDS, WORDS)}
    made |= {f"{word}{mark}{end}" for word, mark, end in product(WORDS, "!@#.-_", ["1", "12", "123", "1234"])}
    for row in ROWS:
        for way in (row, row[::-1]):
            long = way * (1 + 40 // len(way))
            made |= {
                long[start : start + size]
                for start in range(len(way))
                for size in range(LEAST, len(way) + 14)
            }
    made |= {first + second for first, second in product(ROWS, ROWS)}
    return frozenset(made)
