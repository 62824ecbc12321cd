"""Owners of the folders and processes of a stack: only the user who starts it and its services may enter IOC_HOME.

Started by root, PostgreSQL, Airflow and Superset each run as a system user of their own, in a folder that no other user can open. They
reach it through the group `ioc-services`, whose members may enter IOC_HOME but not list it. Started by a person, everything runs as that
person: the operating system keeps others out, while services are separated only by the secrets that each is given.
"""

import grp
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from core.errors import ConfigurationError

SERVICES = "ioc-services"
"""The group whose members may enter IOC_HOME."""

UMASK = 0o077


def system_user(name: str) -> str | None:
    """Return the system user for a service, created if missing; None if we are not root."""
    if os.geteuid() != 0:
        return None
    _make_group()
    if name not in (user.pw_name for user in pwd.getpwall()):
        arguments = ("--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin")
        _run("useradd", *arguments, name)
    return name


def close_home(home: Path) -> None:
    """Create a home that others can neither list nor enter; services that were admitted may still enter it, and no more."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_way = home.stat().st_gid in {group.gr_gid for group in grp.getgrall() if group.gr_name == SERVICES}
    home.chmod(0o710 if is_way else 0o700)


def admit(user: str | None, home: Path, *programs: Path) -> None:
    """Let a service's system user reach its folder below a home, and the programs that it runs."""
    if user is not None:
        shutil.chown(home, group=SERVICES)
        home.chmod(0o710)
        for path in (home, *programs, *(program.resolve() for program in programs)):
            _let_others_traverse(path)


def own(folder: Path, user: str | None) -> None:
    """Create a folder that only `user` can enter, and make everything in it theirs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if user is None:
        return
    if folder.stat().st_uid != pwd.getpwnam(user).pw_uid:
        for path in folder.rglob("*"):
            if not path.is_symlink():
                shutil.chown(path, user, user)
    shutil.chown(folder, user, user)  # last, so that an interrupted walk is repeated


def _let_others_traverse(path: Path) -> None:
    """Let system users pass through the folders above a path without listing them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)


def _make_group() -> None:
    if SERVICES not in (group.gr_name for group in grp.getgrall()):
        _run("groupadd", "--system", SERVICES)


def _run(program: str, *arguments: str) -> None:
    """Run a program that adds a user or group; another stack may be adding the same one at the same moment."""
    finished = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    already_there = 9
    if finished.returncode not in (0, already_there):
        raise ConfigurationError(
            f"{arguments[-1]}: expected a system user or group to be created, got {finished.stderr.strip()!r}; "
            "create it, or start the stack as a user other than root"
        )
