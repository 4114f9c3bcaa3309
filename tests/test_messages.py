"""Every text people can meet is there in Swedish, and every member of a closed set has its words."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import testbed.app  # noqa: F401 - which brings every enum
from testbed.access.policy import PLAIN, POLICY
from testbed.pilots.chain import Link

TOP = Path(__file__).parent.parent
LOCALE = TOP / "testbed" / "locale"
KEYWORDS = {"message": None, "_": None, "gettext": None, "ngettext": (1, 2)}


def catalogue(language: str) -> dict[tuple[str | None, str], list[str]]:
    found: dict[tuple[str | None, str], list[str]] = {}
    for file in sorted((LOCALE / language).glob("*.po")):
        with file.open("rb") as opened:
            for each in read_po(opened):
                if each.id:
                    one = each.id if isinstance(each.id, str) else each.id[0]
                    said = each.string if isinstance(each.string, str) else (each.string or ("",))[0]
                    found.setdefault((each.context, one), []).append(said)
    return found


def written() -> Iterator[str]:
    for folder, methods in (("testbed", [("**.py", "python")]), ("templates", [("**.html", "jinja2")])):
        for _, _, text, _, _ in extract_from_dir(
            TOP / folder, methods, keywords=KEYWORDS, strip_comment_tags=True
        ):
            yield text if isinstance(text, str) else str((text or [""])[0])


def enums(kind: type[StrEnum] = StrEnum) -> Iterator[type[StrEnum]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("testbed."):
            yield each
        yield from enums(each)


def test_every_message_is_said_in_swedish():
    kept = catalogue("sv")

    missing = sorted({text for text in written() if text and not any(kept.get((None, text), []))})

    assert not missing


def test_a_message_is_said_in_one_way():
    kept = catalogue("sv")

    torn = {text: said for (context, text), said in kept.items() if context is None and len(set(said)) > 1}

    assert not torn


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("kind", sorted(set(enums()), key=str), ids=str)
def test_every_member_of_a_closed_set_has_its_words(kind, language):
    kept = catalogue(language)

    assert not [member for member in kind if not any(kept.get((kind.__name__, str(member)), []))]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_policy_can_be_read_by_people(language):
    kept = catalogue(language)

    wanted = [("Action", name) for name in POLICY.action] + [("Level", name) for name in POLICY.read]
    wanted += [("Relation", name) for name in PLAIN] + [("Link", str(link)) for link in Link]
    assert not [key for key in wanted if not any(kept.get(key, []))]


def test_placeholders_survive_translation():
    wrong = [
        text
        for (context, text), said in catalogue("sv").items()
        for each in said
        if context is None
        and {w for w in text.split() if "%(" in w and ")s" in w}
        and text.count("%(") != each.count("%(")
    ]

    assert not wrong
