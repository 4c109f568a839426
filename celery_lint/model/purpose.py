"""What a file is for, by its name: the product, its tests, or examples beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_TEST_FOLDERS = frozenset({"tests", "test", "testing"})
_COMMANDS = "/management/commands"
_ASIDE_FOLDERS = frozenset({"fixtures", "examples", "example", "samples", "docs", "benchmarks"})
# Where copies of a product lie that nobody runs, if the product is there as well.
_KEPT_FOLDERS = frozenset(
    {"archive", "archived", "archives", "backup", "backups", "bak", "deprecated", "legacy", "old"}
)
_KEPT_WORDS = _KEPT_FOLDERS | {"bkp", "copy"}
_ASIDE_WORDS = frozenset(
    {
        "debug",
        "dev",
        "devel",
        "develop",
        "development",
        "local",
        "override",
        "smoke",
        "win",
        "win32",
        "win64",
        "windows",
    }
)
_FOR_PRODUCTION = re.compile(r"[-_.](?:prod|production)(?=[-_.][^/]*$|$)", re.IGNORECASE)
# What developers start things with on their own machines.
_STARTERS = frozenset({"gnumakefile", "justfile", "makefile", "package.json"})


def is_test_path(path: str) -> bool:
    """Whether a file is a test by its name or folder.

    `test_celery.py` among the commands of Django is none: `manage.py test_celery` runs it.
    """
    folders, _, name = path.rpartition("/")
    if any(folder in _TEST_FOLDERS or folder.startswith("test_") for folder in folders.split("/")):
        return True
    if f"/{folders}".endswith(_COMMANDS):
        return name == "conftest.py"
    return (
        name.startswith("test_")
        or name.endswith(("_test.py", "_tests.py"))
        or name in ("conftest.py", "tests.py")
    )


@lru_cache(maxsize=1 << 14)  # the same paths are asked about by everybody
def is_product_path(path: str) -> bool:
    """Whether a file belongs to the product: neither a test nor an example nor a numbered migration."""
    folders, _, name = path.rpartition("/")
    if is_test_path(path) or any(folder in _ASIDE_FOLDERS for folder in folders.split("/")):
        return False
    return not (folders.endswith("migrations") and name[:4].isdigit())


def originals(path: str) -> Iterator[tuple[str, str]]:
    """What a file may be a kept copy of: folders like `Archive`, and the path without each of them."""
    folders = path.split("/")[:-1]
    for place, folder in enumerate(folders):
        if folder.lower() in _KEPT_FOLDERS:
            yield folder, "/".join([*folders[:place], *path.split("/")[place + 1 :]])


def kept_folder(path: str) -> str:
    """The folder of a file that says that nobody runs what is in it: `old` of `old/shop/tasks.py`.

    `backup` may be what makes backups.
    """
    folders = path.split("/")[:-1]
    for place, folder in enumerate(folders):
        if folder.lower() in _KEPT_FOLDERS and not folder.lower().startswith("backup"):
            return "/".join(folders[: place + 1])
    return ""


def is_kept_name(folder: str, original: str) -> bool:
    """Whether the name of a folder says that it is what another one was: `backend_old_2024`, `backend`."""
    return bool(original) and kept_of(folder) == name_words(original)


def kept_of(folder: str) -> tuple[str, ...]:
    """The words of what a folder says that it is kept of: nothing where its name says no such thing."""
    words = name_words(folder)
    rest = [word for word in words if word not in _KEPT_WORDS]
    if len(rest) == len(words):
        return ()
    while rest and rest[-1].isdecimal():  # a day, or the number of the copy
        rest.pop()
    return tuple(rest)


def says_kept(folder: str) -> bool:
    """Whether a word in the name of a folder says that it is kept and not used."""
    return not _KEPT_WORDS.isdisjoint(name_words(folder))


def name_words(folder: str) -> tuple[str, ...]:
    """The words of a folder's name."""
    return tuple(filter(None, re.split(r"[-_. ()]+", folder.lower())))


def is_development_path(path: str) -> bool:
    """Whether a file is for development, trials or Windows by name or folder: `scripts/dev/worker.sh`."""
    words = re.split(r"[-._/]", path.lower())
    return path.lower().rpartition("/")[2] in _STARTERS or not _ASIDE_WORDS.isdisjoint(words)


def replaced_by(path: str) -> str:
    """The file that one for production stands for: `compose.yml` where this one is `compose.prod.yml`."""
    found = _FOR_PRODUCTION.search(path)
    return f"{path[: found.start()]}{path[found.end() :]}" if found is not None else ""
