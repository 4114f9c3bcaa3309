"""The child that opens what strangers sent: ``python -I -m testbed.tabular JOB_DIR``.

Reads ``task.json``, sets its limits before any parser is imported, and prints one line of JSON.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from testbed.tabular.limits import Limits, confine


def main(folder: str) -> int:
    """0 when there is an answer, be it that the file is unreadable."""
    os.chdir(folder)
    job = Path(folder)
    task = json.loads((job / "task.json").read_bytes())
    _leash()
    confine(task["memory_bytes"], task["cpu_seconds"], task["file_bytes"], task["wall_seconds"])
    from testbed.tabular import child  # parsers are loaded under the limits

    if task.get("uid"):
        os.setgroups([])
        os.setresgid(task["uid"], task["uid"], task["uid"])
        os.setresuid(task["uid"], task["uid"], task["uid"])
    limits = Limits(**task["limits"])
    answer = child.answer(job, task, limits)
    sys.stdout.write(_fitting(answer, limits.answer_bytes) + "\n")
    return 0


def _leash() -> None:
    """Die with the parent."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _fitting(answer: dict[str, Any], most: int) -> str:
    """The answer within its limit: first examples go, then the preview, then what columns hold."""
    for shorten in (_whole, _no_examples, _no_preview, _no_top, _no_statistics):
        shorten(answer)
        text = json.dumps(answer, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        if len(text) < most:
            return text
    raise ValueError("the answer is too long")


def _whole(answer: dict[str, Any]) -> None:
    del answer


def _no_examples(answer: dict[str, Any]) -> None:
    for problem in answer.get("problems", ()):
        problem["examples"] = problem["examples"][:3]


def _no_preview(answer: dict[str, Any]) -> None:
    answer["preview"]["rows"] = []


def _no_top(answer: dict[str, Any]) -> None:
    for column in answer["columns"]:
        for long in ("top", "histogram", "months"):
            column["statistics"].pop(long, None)


def _no_statistics(answer: dict[str, Any]) -> None:
    for column in answer["columns"]:
        column["statistics"] = {key: column["statistics"][key] for key in ("n", "missing")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
