"""Repositories that make git run a program as soon as it looks for files, built in a folder for tests.

A partial clone fetches what it has not got from where its configuration says, with the program that its
configuration names. Here that is an ignore file which stands only in the index: git wants it as soon as it
asks whether a folder is ignored.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

MARKED = "[tool.celery-lint]\nroot = true\n"
TASKS = """\
import asyncio

from celery import shared_task


async def work():
    pass


@shared_task
def run():
    asyncio.run(work())
"""

_MISSING_BLOB = "1234567890123456789012345678901234567890"


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """Run git, with nobody's settings and these variables; returns what it prints."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **variables}
    done = subprocess.run(
        [*command, "-C", str(folder), *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def promising_archive(folder: Path, command: str) -> Path:
    """Lay a folder ``evil`` into this one, as an archive may hold it: its ``.git`` runs the command."""
    evil = folder / "evil"
    evil.mkdir(parents=True)
    git(evil, "init", "-q")
    _promise(evil, evil / ".git", command)
    return folder


def promising_clone(folder: Path, command: str) -> Path:
    """An ordinary clone. Its folder ``sub`` is a repository without the name ``.git``."""
    origin = folder / "origin"
    sub = origin / "sub"
    sub.mkdir(parents=True)
    git(origin, "init", "-q")
    git(sub, "init", "-q", "--bare")
    _promise(sub, sub, command)
    (sub / "refs" / "kept").write_text("")  # git keeps no empty folders
    (sub / "objects" / "kept").write_text("")
    git(origin, "add", "-f", ".")
    git(origin, "commit", "-qm", "harmless")
    git(folder, "clone", "-q", str(origin), str(folder / "clone"))
    return folder / "clone"


def _promise(top: Path, repository: Path, command: str) -> None:
    (top / "tasks.py").write_text(TASKS)
    (top / "pyproject.toml").write_text(MARKED)
    (top / "ignored").mkdir()
    (top / "ignored" / "notes.txt").write_text("")
    (repository / "info").mkdir(exist_ok=True)
    (repository / "info" / "exclude").write_text("ignored/\n")
    repository_of = {"GIT_DIR": str(repository), "GIT_WORK_TREE": str(top)}
    git(top, "update-index", "--add", "--cacheinfo", f"100644,{_MISSING_BLOB},.gitignore", **repository_of)
    git(top, "update-index", "--skip-worktree", ".gitignore", **repository_of)
    (repository / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n"
        + ("\tworktree = .\n" if top == repository else "")
        + "[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\tpromisor = true\n\turl = .\n\tuploadpack = "{command}"\n'
    )
