"""The other half of the nursery: a process that loads the parsers once, and forks a child for every job.

It is told ``{"begin": number, "job": folder}`` with a handle to write to, or ``{"end": number}``, and tells
``{"ended": number, "code": code}`` of each child when nothing of it is left; the code is None where there could be none. It
opens no file of strangers; a child opens those of its own folder, once it has set its limits, and prints one line of JSON.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from testbed.tabular import child
from testbed.tabular.limits import Limits, confine

LINE = 3
"""The handle of the line to the parent: a low number, whatever it was there."""


def tend(handle: int) -> NoReturn:
    """Fork children as long as the parent is there; what is left of them ends with this process."""
    _leash()
    gc.freeze()  # what is loaded is the same for all: nobody need look through it
    if handle != LINE:
        os.dup2(handle, LINE)
        os.close(handle)
    line = socket.socket(fileno=LINE)
    woken = _woken_by_children()
    alive: dict[int, int] = {}
    while True:
        ready = select.select([line.fileno(), woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
        for number, pid in list(alive.items()):
            if (code := _ended(pid)) is not None:
                del alive[number]
                line.send(json.dumps({"ended": number, "code": code}).encode())
        if line.fileno() in ready:
            _heed(line, alive)


def _woken_by_children() -> int:
    """A handle that can be read when a child has ended."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    return woken


def _heed(line: socket.socket, alive: dict[int, int]) -> None:
    said, handles, _, _ = socket.recv_fds(line, 65_536, 1)
    if not said:
        sys.exit(0)
    told = json.loads(said)
    if "begin" in told:
        nursery = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            line.send(json.dumps({"ended": told["begin"], "code": None}).encode())
        else:
            if pid == 0:
                _work(nursery, told["job"], *handles)
            alive[told["begin"]] = pid
        os.close(*handles)
    elif told["end"] in alive:
        _kill(alive[told["end"]])


def _ended(pid: int) -> int | None:
    """Its exit code, once it and all that it started are gone; it keeps its number until then."""
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    _kill(pid)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _kill(pid: int) -> None:
    for end in (os.kill, os.killpg):  # it may not have begun a group of its own yet
        with contextlib.suppress(ProcessLookupError):
            end(pid, signal.SIGKILL)


def _work(nursery: int, folder: str, out: int) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.dup2(out, 1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the nursery's own, which are nothing to a child
        main(folder, parent=nursery)
        sys.stdout.flush()
        code = 0
    finally:
        os._exit(code)


def main(folder: str, *, parent: int) -> None:
    """Print the answer, be it that the file is unreadable; end with the process ``parent``."""
    os.chdir(folder)
    job = Path(folder)
    task = json.loads((job / "task.json").read_bytes())
    confine(task["memory_bytes"], task["cpu_seconds"], task["file_bytes"], task["wall_seconds"])
    if task.get("uid"):
        os.setgroups([])
        os.setresgid(task["uid"], task["uid"], task["uid"])
        os.setresuid(task["uid"], task["uid"], task["uid"])
    _leash()  # only now: the kernel forgets it when the user changes
    if os.getppid() != parent:
        sys.exit(1)  # it ended before that
    limits = Limits(**task["limits"])
    answer = child.answer(job, task, limits)
    sys.stdout.write(_fitting(answer, limits.answer_bytes) + "\n")


def _leash() -> None:
    """Die with the parent."""
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
