"""The house rules, kept by the machine: who may import whom, and how long things may grow."""

import ast
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
PACKAGE = TOP / "testbed"

# From the ground up; a module may import from its own row or from rows above it in this list.
FLOORS = [
    [
        "__init__",
        "errors",
        "settings",
        "texts",
        "catalogues",
        "columns",
        "canonical",
        "log",
        "disk",
        "parts",
        "holding",
    ],
    ["embedded", "pg_folders", "pg_roles", "pg_server", "db", "files", "tabular", "lists"],
    ["smtp", "outgoing", "sending"],
    ["people", "jobs"],
    ["access"],
    ["activity", "revisions"],
    ["web", "checkup"],
    ["partners"],
    ["testbeds"],
    ["notices"],
    ["accounts"],
    ["pilots"],
    ["devices"],
    ["trials"],
    ["datasets"],
    ["evaluations"],
    ["overview", "admin", "demo"],
    ["app"],
    ["serve"],
    ["cli"],
    ["__main__"],
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "static" not in path.relative_to(PACKAGE).parts)
KEPT = subprocess.run(
    ["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=True
).stdout.splitlines()
EXCUSED = re.findall(
    r"`([\w./*-]+)`",
    (TOP / "docs/decisions/0008-files-over-350-lines.md").read_text().split("## Consequences")[0],
)
STYLESHEET_LINES = 900
FORBIDDEN = re.compile(r"\b(utils?|helpers?|common|core|base|manager)\b")
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def tree(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> set[str]:
    """Dotted names of everything of ours that the file imports, wherever it does so."""
    named = {alias.name for node in tree(path) if isinstance(node, ast.Import) for alias in node.names}
    named |= {
        f"{node.module}.{alias.name}"
        for node in tree(path)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return {name for name in named if name.startswith("testbed.")}


def home(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor(name: str) -> int:
    """Of ``testbed.x.y``; what the package itself says (its version) lies on the ground."""
    return FLOOR.get(name.split(".")[1], 0)


@every_module
def test_imports_go_down(path: Path):
    assert home(path) in FLOOR, f"{home(path)} has no place in the house"

    up = {name for name in imports(path) if floor(name) > FLOOR[home(path)]}

    assert not up, f"{home(path)} stands below what it imports: {up}"


@every_module
def test_only_the_web_knows_the_web(path: Path):
    if path.stem == "routes" or home(path) in {"web", "app", "serve", "cli"} or path.parent.name == "routes":
        return

    said = {name for name in imports(path) if name.startswith("testbed.web")}
    framework = [
        node for node in tree(path)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("litestar"))
        or (isinstance(node, ast.Import) and any(alias.name.startswith("litestar") for alias in node.names))
    ]  # fmt: skip

    assert not said
    assert not framework, "services speak Python, not HTTP"


@every_module
def test_nobody_imports_another_domains_routes(path: Path):
    assert home(path) == "app" or not any(
        ".routes" in name and not name.startswith(f"testbed.{home(path)}.") for name in imports(path)
    )


@every_module
def test_only_settings_reads_the_environment(path: Path):
    reads = [
        node for node in tree(path) if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]

    assert home(path) == "settings" or not reads


@every_module
def test_a_name_says_what_a_module_is(path: Path):
    assert not FORBIDDEN.search(path.stem)


@every_module
def test_an_init_holds_no_code(path: Path):
    if path.name == "__init__.py" and path.parent != PACKAGE:
        assert all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


@every_module
def test_a_function_fits_in_the_head(path: Path):
    functions = [node for node in tree(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert not [each.name for each in functions if (each.end_lineno or 0) - each.lineno + 1 > 40]


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.stem == "routes"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_a_handler_only_reads_calls_and_names_a_page(path: Path):
    handlers = [
        node
        for node in tree(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(
            isinstance(each, ast.Call)
            and getattr(each.func, "id", "") in {"get", "post", "put", "patch", "delete", "route", "head"}
            for each in node.decorator_list
        )
    ]

    long = [
        node.name
        for node in handlers
        if len([s for s in node.body if not isinstance(s, ast.Expr) or not isinstance(s.value, ast.Constant)])
        > 6
    ]

    assert not long


def test_a_file_fits_in_the_head_or_has_its_reason():
    texts = [
        TOP / name for name in KEPT if (TOP / name).is_file() and (TOP / name).suffix not in {".png", ".svg"}
    ]

    long = [path.relative_to(TOP) for path in texts if len(path.read_text().splitlines()) > 350]

    assert not [path for path in long if not any(fnmatch(str(path), each) for each in EXCUSED)]


def test_the_stylesheet_stays_small():
    sheets = list((PACKAGE / "static" / "css").glob("*.css"))

    assert sum(len(sheet.read_text().splitlines()) for sheet in sheets) < STYLESHEET_LINES


def test_no_script_or_style_is_written_into_a_page():
    for page in (TOP / "templates").rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:|\|\s*safe\b", text), page
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), page
