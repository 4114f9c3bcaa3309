"""The collections of hostile files, with and without a schema: each comes to an end in words, within its memory."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed.tabular.limits import MIB, Limits
from tests.lanes import share
from tests.tabular import many
from tests.tabular.conftest import schema_of

WANTED = schema_of(
    {"name": "device", "type": "string", "constraints": {"pattern": "[a-z]+", "maxLength": 20}},
    {"name": "time", "type": "datetime", "testbed:zone": "Europe/Stockholm", "testbed:check": "in-trial-period"},
    {"name": "value", "type": "number", "constraints": {"minimum": 0, "unique": True}},
    {"name": "t", "type": "datetime", "testbed:zone": "Europe/Stockholm"},
    {"name": "name", "type": "string", "constraints": {"enum": ["x", "y"]}},
    "a:integer", "b:number", "v:number", "x:object",
)  # fmt: skip
"""Columns that the hostile files have, so that their cells are judged too."""
MOST = 256 * MIB
"""What a file of a few megabytes may take at most; the process could have 2 GiB."""


@pytest.mark.parametrize("schema", [WANTED, None], ids=["schema", "free"])
def test_every_hostile_file_comes_to_an_end(
    field_data: Path, work: Path, schema: Mapping[str, Any] | None
) -> None:
    collections = ("parquet-bad", "blns", *(["JSONTestSuite"] if schema else []))
    files = many.made(field_data, work)
    files += [
        each for name in collections for each in (field_data / "corpora" / name).rglob("*") if each.is_file()
    ]
    files = share(sorted(files), 3)
    (work / "jobs").mkdir()

    ended = many.read(files, work / "jobs", schema, Limits())

    answers = {file: each.answer or {"state": "broken off", "problems": []} for file, each in ended.items()}
    states = Counter(each["state"] for each in answers.values())
    peak = max(each.memory_bytes for each in ended.values())
    slowest = max(each.cpu_seconds for each in ended.values())
    print(f"{len(files)} files: {dict(states)}; most memory {peak / MIB:.0f} MiB, most CPU {slowest:.1f} s")
    assert len(answers) == len(files) > 40
    assert set(states) <= {"ready", "partly", "unreadable"}
    assert peak <= MOST
    for file, answer in answers.items():
        rules = {each["rule"] for each in answer["problems"]}
        assert answer["state"] == "ready" or rules, file
        assert all(all(each["hint"].values()) for each in answer["problems"]), file
        # text never breaks a reader of ours; those of Parquet and XLSX are others' and may be broken
        assert "parser-failed" not in rules or file.suffix in {".parquet", ".xlsx"}, (
            file,
            answer["problems"],
        )
