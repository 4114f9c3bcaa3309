"""Every promise in prose is read here and held against the code."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from testbed.settings import NOT_OURS, PREFIX, Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})
ADRS = sorted(ROOT.glob("docs/decisions/*.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", text("Makefile"), re.MULTILINE))


def settings_table() -> str:
    """The table that docs/reference/settings.md has to contain, from the settings themselves."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in sorted(Settings.model_fields.items()):
        unset = field.default is None or field.default in ("", ())
        default = "unset" if unset else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_every_setting_is_documented_with_its_default_and_meaning():
    wanted = settings_table()

    assert wanted in text("docs/reference/settings.md"), (
        f"docs/reference/settings.md has to contain\n{wanted}"
    )


def test_every_setting_says_what_it_means():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@every_page
def test_a_page_names_only_commands_that_make_knows(page: Path):
    named = set(
        re.findall(r"(?:`|^|=\S+ )make ([a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    )

    assert named <= targets()


@every_page
def test_a_page_links_only_to_what_exists(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]

    assert [link for link in local if not (page.parent / link).exists()] == []


@every_page
def test_a_page_names_only_variables_that_the_settings_or_the_tests_read(page: Path):
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)\b", page.read_text(encoding="utf-8")))
    known = {name.upper() for name in Settings.model_fields} | {
        name.removeprefix(PREFIX) for name in NOT_OURS
    }
    composed = set(re.findall(rf"\$\{{{PREFIX}([A-Z_]+)", text("compose.yaml")))

    assert named <= known | composed


def test_every_command_of_make_is_explained_where_people_look():
    commands = set(re.findall(r"^([a-z0-9-]+):.*##", text("Makefile"), re.MULTILINE)) - {"help"}

    assert {command for command in commands if f"`make {command}`" not in text("CONTRIBUTING.md")} == set()


def test_the_change_log_has_an_entry_for_this_version():
    assert re.search(rf"^## {re.escape(PROJECT['version'])}\b", text("CHANGELOG.md"), re.MULTILINE)


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.stem)
def test_a_decision_is_short_and_says_why_and_what_else_there_was(page: Path):
    lines = page.read_text(encoding="utf-8").splitlines()
    parts = [line.removeprefix("## ") for line in lines if line.startswith("## ")]

    assert parts == ["Context", "Decision", "Consequences", "Alternatives"]
    assert lines[0].startswith(f"# {int(page.stem[:4])}. ")
    assert len(lines) <= 60


def test_every_runtime_dependency_has_its_reason():
    reasons = text("docs/decisions/0004-runtime-dependencies.md")
    names = [re.split(r"[\[<>=;\s]", wanted)[0] for wanted in PROJECT["dependencies"]]

    assert [name for name in names if not re.search(rf"^\|.*\b{name}\b.*\|", reasons, re.MULTILINE)] == []


def test_no_file_names_a_package_registry_or_a_place_on_somebodys_machine():
    hosts = r"pypi[.]org|python[h]osted|npmjs[.]|deb[.]debian|(?:ghcr|quay|docker)[.]io|/[s]imple/"
    places = r"(?<![\w.~-])/(?:home|root)/"
    found = []
    for path in tracked():
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}: {match[0]}" for match in re.finditer(f"{hosts}|{places}", content)
        ]

    assert found == []
