"""Every command teaches what it does, and answers a mistake in words."""

import sys
from collections.abc import Iterator

import pytest
from cyclopts import App

from testbed import cli
from testbed.embedded import running
from tests.faults.service import Service


def commands(app: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command there is, groups included."""
    yield words
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*words, name))


@pytest.fixture(scope="module")
def joined(pattern: Service) -> Iterator[Service]:
    """A database that runs already, as beside a service, so that each command only has to join it."""
    with running(pattern.data, say=lambda _: None):
        yield pattern


EVERY = list(commands(cli.cli))


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The exit code of a command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["testbed", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_teaches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words):
    status = run(monkeypatch, *words, "--help")

    said = capsys.readouterr().out
    assert status == 0
    assert "Usage: testbed" in said
    assert len(said.split()) > 5


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_unknown_option_is_refused_by_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words
):
    status = run(monkeypatch, *words, "--no-such-option=1")

    assert status == 2
    assert "Error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["person", "add", "not-an-address", "--name", "X"], "address"),
        (["person", "add", "\udcff@demo.example", "--name", "X"], ""),
        (["person", "add", "x@demo.example", "--name", ""], "name"),
        (["person", "add", "x@demo.example", "--name", "x" * 5000], "name"),
        (["person", "link", "nobody@demo.example"], "e-mail address"),
        (["coordinator", "add", "maj@demo.example", "no-such-place"], "no such testbed"),
        (["coordinator", "add", "nobody@demo.example", "centrum"], "e-mail address"),
        (["token", "create", "--person", "nobody@demo.example"], "e-mail address"),
        (["token", "create", "--person", "maj@demo.example", "--scope", "everything"], "everything"),
        (["token", "create", "--person", "maj@demo.example", "--days", "-1"], "days"),
        (["token", "create", "--person", "maj@demo.example", "--days", "99999999999999"], "days"),
        (["token", "revoke", "no-such-token"], "no such token"),
    ],
    ids=lambda each: "-".join(each)[:50] if isinstance(each, list) else None,
)
def test_a_mistake_is_told_in_words(
    joined: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words, said
):
    monkeypatch.setenv("TESTBED_DATA_DIR", str(joined.data))

    status = run(monkeypatch, *words)

    told = "".join((*capsys.readouterr(), status if isinstance(status, str) else ""))
    assert isinstance(status, str) or status in {1, 2}, told  # Python prints a text, and exits with 1
    assert "Traceback" not in told
    assert said in told
