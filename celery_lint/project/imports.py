"""From an import to the file that it means, over several import roots."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase as fnmatch
from sys import intern
from typing import NamedTuple

from celery_lint.model.facts import Module

# A folder of the project that has one of these names is not the library of that name: projects keep
# a `celery.py` beside their settings and a `docker/celery/` beside their images.
LIBRARIES = frozenset(
    [
        "celery",
        "kombu",
        "billiard",
        "vine",
        "amqp",
        "sqlalchemy",
        "redis",
        "httpx",
        "aiohttp",
        "asyncpg",
        "aiomysql",
        "asyncmy",
        "aiosqlite",
        "anyio",
        "trio",
        "uvloop",
        "asgiref",
        "gevent",
        "eventlet",
        "django",
        "flask",
        "fastapi",
        "requests",
        "pydantic",
        "huey",
        "dramatiq",
        "procrastinate",
        "taskiq",
        "rq",
        "locust",
        "invoke",
        "prefect",
        "airflow",
        "apscheduler",
        "nest_asyncio",
        "motor",
        "openai",
        "sentry_sdk",
        "boto3",
        "pytest",
    ]
)


# What lies in the folder that Django makes below the one with `manage.py`.
_OF_DJANGO = ("settings", "wsgi", "urls", "celery")
# The folder that Django projects put on the path besides, wherever it lies.
_APPS = "apps"


class Located(NamedTuple):
    """Where a dotted path leads: a file of the project and what is left of the path after it."""

    path: str
    rest: tuple[str, ...]


class Imports:
    """The import system of a workspace, seen from its file names and from what workers are started with.

    ``applications`` are the dotted names that follow ``-A``: Celery imports them.
    """

    def __init__(self, paths: Iterable[str], applications: Iterable[str] = ()) -> None:
        self.files = frozenset(map(intern, paths))
        self.packages: set[str] = set()
        directories: set[str] = set()
        self.on_path: Mapping[str, frozenset[str]] = {}
        self._parents: dict[str, list[str]] = {}
        for path in sorted(self.files):
            folder, _, name = path.rpartition("/")
            stem = name[:-3]
            if stem == "__init__":
                self.packages.add(folder)
            else:
                self._parents.setdefault(stem, []).append(folder)
            while folder and folder not in directories:
                directories.add(folder)
                folder = folder.rpartition("/")[0]
        for folder in sorted(directories):
            parent, _, name = folder.rpartition("/")
            self._parents.setdefault(name, []).append(parent)
        self.folders = frozenset(directories)
        # By the folder of the importer: a large workspace has few folders and very many imports.
        self._roots: dict[str, dict[tuple[str, str], str | None]] = {}
        self._located: dict[str, dict[str, Located | None]] = {}
        self._above: dict[str, str] = {}
        self._in_order: list[str] = []
        self._targets: dict[str, tuple[Module, tuple[str, ...]]] = {}
        # A stray `__init__.py` makes no package of the folder that things are imported from.
        self.packages.discard("")
        for folder in self._parents.get("manage", ()):
            if self._is_django(folder):
                self.packages.discard(folder)
        for dotted in applications:
            folders = self.holding_application(dotted)
            if len(folders) == 1:
                self.packages.discard(folders[0])

    def put_on_path(self, folders: Mapping[str, frozenset[str]]) -> bool:
        """Import from these folders, too; each has what is below it and has a longer name all the same.

        Returns whether anything is another now.
        """
        if folders == self.on_path:
            return False
        self.on_path = folders
        self._roots.clear()
        self._located.clear()
        self._targets.clear()
        return True

    def holders(self, name: str) -> list[str]:
        """The folders that hold a module, a package or another folder of this name."""
        return self._parents.get(name, [])

    def below(self, folder: str) -> set[str]:
        """The names of what is directly below a folder."""
        start = f"{folder}/"
        found = {path[len(start) :].partition("/")[0] for path in self.files if path.startswith(start)}
        return {name.removesuffix(".py") for name in found} - {"__init__"}

    def has(self, stem: str, name: str) -> bool:
        """Whether a path is that of a module, or of a package or folder that may have this name."""
        if f"{stem}.py" in self.files or f"{stem}/__init__.py" in self.files:
            return True
        return f"{stem}/{name}.py" in self.files or (name != "" and f"{stem}/{name}" in self.folders)

    def within(self, folder: str) -> list[str]:
        """The files that lie in a folder, however deep."""
        if not self._in_order:
            self._in_order = sorted(self.files)
        first, last = (
            bisect_left(self._in_order, f"{folder}{end}") for end in "/0"
        )  # a `/`, and what follows
        return self._in_order[first:last]

    def holding(self, dotted: str) -> list[str]:
        """The folders from which a dotted name leads to a file, those first that no package holds."""
        parts = dotted.split(".")
        found = []
        for parent in self._parents.get(parts[0], ()):
            path = "/".join([parent, *parts] if parent else parts)
            if f"{path}.py" in self.files or f"{path}/__init__.py" in self.files:
                found.append(parent)
        return [folder for folder in found if self._is_root(folder)] or found

    def files_of(self, dotted: str) -> list[str]:
        """The files that a dotted name may lead to, whatever folder Python is started in."""
        return [
            file for folder in dict.fromkeys(self.holding(dotted)) for file in self.files_in(folder, dotted)
        ]

    def files_in(self, folder: str, dotted: str) -> list[str]:
        """The files of this name in one folder; Python takes the first, a package before a module."""
        path = f"{folder}/" * bool(folder) + dotted.replace(".", "/")
        return [file for file in (f"{path}/__init__.py", f"{path}.py") if file in self.files]

    def targets(self, module: Module) -> tuple[str, ...]:
        """The files of the project that a module imports names from, anywhere in it."""
        known = self._targets.get(module.path)
        if known is None or known[0] is not module:
            located = [self.locate(dotted, module.path) for dotted in module.all_imports]
            known = self._targets[module.path] = module, tuple([each.path for each in located if each])
        return known[1]

    def holding_application(self, named: str) -> list[str]:
        """The same for what follows ``-A``: `shop.queue`, `shop.queue:app` or `shop.queue.app`."""
        dotted = named.partition(":")[0]
        return self.holding(dotted) or self.holding(dotted.rpartition(".")[0])

    def _is_django(self, folder: str) -> bool:
        """Whether a folder with a ``manage.py`` is that of a Django project."""
        prefix = f"{folder}/" if folder else ""
        return any(
            parent.startswith(prefix) and parent.count("/") == prefix.count("/")
            for name in _OF_DJANGO
            for parent in self._parents.get(name, ())
        )

    def import_root(self, path: str) -> str:
        """The folder that must be on ``sys.path`` for this file to be imported by its full name."""
        folder = self.root_on_path(path)
        return self._above_packages(path.rpartition("/")[0]) if folder is None else folder

    def home(self, path: str) -> str:
        """The import root of what a file is part of: a folder that is put on the path is a part, too."""
        root = self.import_root(path)
        while root in self.on_path:
            root = self._above_packages(root.rpartition("/")[0])
        return root

    def root_on_path(self, path: str) -> str | None:
        """The nearest folder that is put on the path and that a file has the shorter name from."""
        if not self.on_path:
            return None
        folder, _, name = path.removesuffix(".py").rpartition("/")
        while folder:
            longer = self.on_path.get(folder)
            if longer is not None and name != "__init__" and name not in longer:
                return folder
            folder, _, name = folder.rpartition("/")
        return None

    def _above_packages(self, folder: str) -> str:
        found = self._above.get(folder)
        if found is None:
            found = folder
            while found and found in self.packages:
                found = found.rpartition("/")[0]
            self._above[folder] = found
        return found

    def _is_root(self, folder: str) -> bool:
        return folder not in self.packages or folder in self.on_path

    def module_name(self, path: str, root: str | None = None) -> str:
        """The dotted name of a file below a folder, its import root if none is given."""
        root = self.import_root(path) if root is None else root
        relative = path[len(root) + 1 :] if root else path
        name = relative[:-3].replace("/", ".")
        return name.removesuffix(".__init__") if name != "__init__" else ""

    def locate(self, dotted: str, importer: str) -> Located | None:
        """The file that holds the longest part of an absolute or relative dotted path."""
        folder = importer.rpartition("/")[0]
        try:
            return self._located[folder][dotted]
        except KeyError:
            pass
        relative = dotted.startswith(".")
        found = self._relative(dotted, folder) if relative else self._absolute(dotted, folder)
        self._located.setdefault(folder, {})[intern(dotted)] = found
        return found

    def spread(self, dotted: str, importer: str) -> list[str]:
        """The files that a star import means; of a pattern, ``.components.*``, all that it may mean."""
        if "*" not in dotted:
            located = self.locate(dotted, importer)
            return [located.path] if located is not None and not located.rest else []
        level = len(dotted) - len(dotted.lstrip("."))
        folder = importer.split("/")[:-level]
        pattern = "/".join([*folder, *dotted[level:].split(".")]) + ".py"
        depth = pattern.count("/")
        return [path for path in sorted(self.files) if path.count("/") == depth and fnmatch(path, pattern)]

    def _absolute(self, dotted: str, folder: str) -> Located | None:
        parts = dotted.split(".")
        top = parts[0]
        if top in LIBRARIES or top in sys.stdlib_module_names:
            return None
        key = (intern(top), intern(parts[1]) if len(parts) > 1 else "")
        roots = self._roots.setdefault(folder, {})
        if key not in roots:
            roots[key] = self._root(*key, folder)
        root = roots[key]
        return None if root is None else self._descend(root, parts)

    def _relative(self, dotted: str, folder: str) -> Located | None:
        level = len(dotted) - len(dotted.lstrip("."))
        for _ in range(level - 1):
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
        rest = dotted[level:]
        parts = rest.split(".") if rest else []
        return self._descend(folder, parts)

    def _descend(self, root: str, parts: list[str]) -> Located | None:
        found: Located | None = None
        prefix = f"{root}/" if root else ""
        init = f"{prefix}__init__.py"
        if init in self.files:
            found = Located(intern(init), tuple(map(intern, parts)))
        for index, part in enumerate(parts):
            if not part.isidentifier():
                break
            package = f"{prefix}{part}/__init__.py"
            module = f"{prefix}{part}.py"
            if package in self.files:
                found = Located(intern(package), tuple(map(intern, parts[index + 1 :])))
            elif module in self.files:
                return Located(intern(module), tuple(map(intern, parts[index + 1 :])))
            prefix = f"{prefix}{part}/"
        return found

    def _is_top(self, folder: str) -> bool:
        above, _, name = folder.rpartition("/")
        return above not in self.packages or name == _APPS

    def _root(self, top: str, second: str, folder: str) -> str | None:
        """The best import root for a top-level name: near the importer, and really holding the name."""
        best: tuple[int, int, int, int] | None = None
        chosen: str | None = None
        for parent in self._parents.get(top, ()):
            prefix = f"{parent}/{top}" if parent else top
            is_module = f"{prefix}.py" in self.files
            is_package = prefix in self.packages
            holds = bool(second) and (
                f"{prefix}/{second}.py" in self.files
                or f"{prefix}/{second}/__init__.py" in self.files
                or any(p == prefix for p in self._parents.get(second, ()))
            )
            if not (is_module or is_package or holds):
                continue
            above = parent == "" or folder == parent or folder.startswith(f"{parent}/")
            # one that is no package before one that is on the path besides
            plain = int(self._is_root(parent)) + int(parent not in self.packages)
            if not plain and not (holds and above and self._is_top(parent)):
                continue  # only a stray `__init__.py` beside the packages leaves an import root a package
            depth = parent.count("/") + 1 if parent else 0
            score = (int(holds) if second else 0, plain, int(above), depth if above else -depth)
            if best is None or score > best:
                best, chosen = score, parent
        return chosen
