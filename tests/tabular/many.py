"""Read many files as the product does, each in a confined process of its own, without starting Python anew for each.

``python -m tests.tabular.many`` takes job folders on its input and prints one line of JSON for each: the answer (None when
the process ended without one), and the most memory and the seconds of CPU it took.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed.tabular import __main__ as confined
from testbed.tabular import child  # noqa: F401 - the parsers are loaded once, before the processes part
from testbed.tabular.limits import Limits


@dataclass(frozen=True)
class Ended:
    answer: dict[str, Any] | None
    memory_bytes: int
    cpu_seconds: float


def read(
    files: Iterable[Path], work: Path, schema: Mapping[str, Any] | None, limits: Limits, *, at_once: int = 2
) -> dict[Path, Ended]:
    """What is said of every file; what was made of them is left in ``work``."""
    jobs = {_job(file, work / str(number), schema, limits): file for number, file in enumerate(files)}
    folders = list(map(str, jobs))
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.tabular.many"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(at_once)
    ]  # fmt: skip
    for number, process in enumerate(started):
        assert process.stdin is not None
        with process.stdin as asked:
            asked.write("\n".join(folders[number::at_once]))
    ended = {}
    for process in started:
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                file = jobs[Path(said.pop("folder"))]
                ended[file] = Ended(**said)
        assert process.returncode == 0
    return ended


def made(collections: Path, work: Path) -> list[Path]:
    """The hostile files that a program of the collections writes beside itself."""
    folder = work / "made"
    folder.mkdir()
    shutil.copyfile(collections / "corpora/made/gen.py", folder / "gen.py")
    subprocess.run([sys.executable, "gen.py"], cwd=folder, check=True, capture_output=True)
    return sorted((folder / "files").iterdir())


def _job(file: Path, job: Path, schema: Mapping[str, Any] | None, limits: Limits) -> Path:
    job.mkdir()
    shutil.copyfile(file, job / "input")
    size = file.stat().st_size
    task = {
        "task": "read", "schema": schema, "answers": {}, "references": {}, "limits": asdict(limits), "uid": None,
        "memory_bytes": limits.memory_bytes, "cpu_seconds": limits.cpu(size, packed=True),
        "file_bytes": limits.file_bytes(size), "wall_seconds": limits.wall(size, packed=True),
    }  # fmt: skip
    (job / "task.json").write_text(json.dumps(task))
    return job


def main() -> None:
    for folder in sys.stdin.read().split():
        process = os.fork()
        if not process:
            os.dup2(os.open(f"{folder}/answer", os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
            code = 1
            try:
                confined.main(folder, parent=os.getppid())
                sys.stdout.flush()
                code = 0
            finally:
                os._exit(code)
        _, status, used = os.wait4(process, 0)
        said = Path(folder, "answer").read_bytes() if status == 0 else b"null"
        ended = Ended(json.loads(said), used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)
        print(json.dumps({"folder": folder, **asdict(ended)}), flush=True)


if __name__ == "__main__":
    main()
