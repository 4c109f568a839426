"""Modules that are looked for and certainly not there, in the package that looks for them.

What another package holds may be installed besides. A package with an ``__init__.py`` is one folder and
nothing else. A folder without one may be a part of a package that others install parts of, too: it counts
where the project itself imports from it by this name, no list of what is installed has a name like that, and
modules lie beside the one that is missing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from celery_lint.files.commands.mentions import PROSE
from celery_lint.model.facts import ANYTHING, PATH, Module
from celery_lint.model.purpose import is_test_path, originals
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once


class Missing(NamedTuple):
    """The file that has not what a module imports from it, and the name.

    ``module``: the name is that of a module which a package does not have, and this is its dotted path. The
    ``path`` is that of a folder where the package has no ``__init__.py``, and of that in which names are
    looked for where a module has no package.
    """

    path: str
    name: str
    module: str = ""

    @property
    def is_at_the_root(self) -> bool:
        """Whether it is a module that is looked for where the worker is started."""
        return self.name == self.module != "" and not self.path.endswith(".py")


class AbsentModules:
    """The modules that packages of the project certainly lack."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.imports = known.project.imports
        self.unlisted = known.project.deployment.unlisted
        self.project.reading.tell("own folders", self._belongs)

    def of(self, importer: str, dotted: str) -> Missing | None:
        """What is missing of a dotted name, where that is certain."""
        missing = self.looked_for(importer, dotted)
        return missing if missing is not None and self.is_plain(missing) else None

    def looked_for(self, importer: str, dotted: str) -> Missing | None:
        """The part of the package that a module is in, where that has no module of the name.

        To be certain, the package itself must be read: ``is_plain``.
        """
        name = dotted.lstrip(".")
        parts = name.split(".") if name else []
        level = len(dotted) - len(name)
        if not level and not self.imports.holders(parts[0]):
            return None  # most imports: of the standard library, of what is installed
        if not all(part.isidentifier() for part in parts):
            return None
        if not level:
            top = self._top(importer, parts[0])
            return self._missing(top, parts[1:], parts[:1]) if top else self._left(importer, parts[0])
        *folders, _ = importer.split("/")
        if level > len(folders):
            return None
        folder = "/".join(folders[: len(folders) - level + 1])
        if not self._is_whole(folder) and not self._is_own(folder):
            return None
        above = self.imports.module_name(f"{folder}/__init__.py").split(".")
        return self._missing(folder, parts, above if folder in self.imports.packages else ["." * (level - 1)])

    def is_missing(self, dotted: str) -> bool:
        """Whether a module is certainly not there that a text names, in a folder which is the project's own.

        That has no ``__init__.py``, and the project imports from it by this name: `src.mails.tasks`, where
        neither `src` nor `src.mails` has one.
        """
        top, *parts = dotted.split(".")
        folders = [own for own in self.own_tops if own.rpartition("/")[2] == top]
        if len(folders) != 1 or self.imports.holding(top) or not self._is_own(folders[0]):
            return False
        if not all(part.isidentifier() for part in parts):
            return False
        missing = self._missing(folders[0], parts, [top])
        return missing is not None and self.is_plain(missing)

    def is_meant(self, importer: str, dotted: str, path: str) -> bool:
        """Whether a dotted name certainly leads to this file: it is in the package of the importer."""
        name = dotted.lstrip(".")
        level = len(dotted) - len(name)
        if level:
            folder = "/".join(importer.split("/")[:-level])
            return (self._is_whole(folder) or self._is_own(folder)) and path.startswith(f"{folder}/")
        top = self._top(importer, name.partition(".")[0])
        return bool(top) and path.startswith(f"{top}/")

    def is_there(self, stem: str) -> bool:
        """Whether a file of the project is a module or a package of this path."""
        return f"{stem}.py" in self.imports.files or stem in self.imports.packages

    def told_by(self, missing: Missing) -> str:
        """The file of the package that tells whether it is spread over several folders; empty for none."""
        folder = missing.path.removesuffix("/__init__.py")
        while folder and folder not in self.imports.packages:
            folder = folder.rpartition("/")[0]
        return f"{folder}/__init__.py" if folder else ""

    def is_plain(self, missing: Missing) -> bool:
        """Whether a package is known to hold what is in its folder, and nothing else."""
        if missing.is_at_the_root:
            return not self._is_brought(missing.name)
        path = self.told_by(missing)
        module = self.project.modules.find(path) if path else None
        if module is None:
            self.project.reading.needs(*([path] if path else ()))
            return not path
        return ANYTHING not in module.hidden and PATH not in module.hidden

    # ------------------------------------------------------------------ what is looked into

    def _missing(self, folder: str, parts: list[str], above: list[str]) -> Missing | None:
        """The first part that is not there, of those that are looked for in a folder."""
        whole = self._is_whole(folder)
        for number, part in enumerate(parts):
            whole = whole or folder in self.imports.packages
            below = f"{folder}/{part}"
            if f"{below}.py" in self.imports.files:
                return None  # a module, of which names are taken
            if below not in self.imports.packages and below not in self.unlisted.folders:
                if self.unlisted.may_hold(below) or self._is_elsewhere(below):
                    return None
                name = ".".join([*above, *parts[: number + 1]])
                if folder in self.imports.packages:
                    return Missing(f"{folder}/__init__.py", part, name)
                return Missing(folder, part, name) if whole or self._holds_modules(folder) else None
            folder = below
        return None

    def _top(self, importer: str, top: str) -> str:
        """The folder of the package that a module is in, if it has this name; empty if it is another."""
        root = self.imports.import_root(importer)
        own = importer[len(root) + 1 if root else 0 :].split("/")
        if len(own) > 1 and own[0] == top:  # what another package has may be installed besides
            folder = f"{root}/{top}" if root else top
            return folder if len(self.imports.holding(top)) == 1 else ""
        folders = importer.split("/")[:-1]
        if folders.count(top) != 1:
            return ""
        folder = "/".join(folders[: folders.index(top) + 1])
        above = folder.rpartition("/")[0]
        if folder in self.imports.packages:  # the importer is in a folder of it that has no `__init__.py`
            return folder if self.imports.holding(top) == [above] and not self._is_whole(above) else ""
        return folder if not self.imports.holding(top) and self._is_own(folder) else ""

    def _left(self, importer: str, name: str) -> Missing | None:
        """A module that the importer does not have beside it, but folders do that keep what is not used."""
        if name in sys.stdlib_module_names or any(originals(importer)):
            return None
        if not all(any(originals(f"{holder}/{name}.py")) for holder in self.imports.holders(name)):
            return None
        root = self.imports.import_root(importer)
        stem = f"{root}/{name}" if root else name
        if self.unlisted.may_install(name) or self.unlisted.may_hold(stem):
            return None
        return Missing(root, name, name)

    def _is_brought(self, name: str) -> bool:
        """Whether anything may bring a kept folder with a module of this name to where imports look.

        A text that starts or makes something may, and code that speaks of paths, if they name it.
        """
        words = {holder.rpartition("/")[2].encode() for holder in self.imports.holders(name)}
        named = re.compile(rb"(?<![\w-])(?:" + b"|".join(map(re.escape, sorted(words))) + rb")(?![\w-])")
        code = re.compile(rb"(?m)^.*" + named.pattern + rb".*$")
        return any(
            (b"path" in line or b"import" in line) if path.endswith(".py") else not path.endswith(PROSE)
            for path, text in self.project.deployment.written.texts.items()
            if not any(originals(path)) and not is_test_path(path)
            for line in (code.findall(text) if named.search(text) else ())
        )

    def _is_whole(self, folder: str) -> bool:
        """Whether a folder is a package that has an ``__init__.py``, or lies in one."""
        while folder and folder not in self.imports.packages:
            folder = folder.rpartition("/")[0]
        return bool(folder)

    def _is_own(self, folder: str) -> bool:
        """Whether a folder without ``__init__.py`` certainly is what the project calls a package."""
        return self.project.reading.ask("own folders", folder)

    def _belongs(self, folder: str) -> bool:
        top = next((own for own in self.own_tops if f"{folder}/".startswith(f"{own}/")), None)
        return top is not None and not self.unlisted.may_install(top.rpartition("/")[2])

    @once
    def own_tops(self) -> frozenset[str]:
        """The folders without ``__init__.py`` that modules of the project, or commands, import from."""
        commands = self.project.deployment.commands
        return frozenset[str]().union(
            *(self._of_files(command.app.partition(":")[0], "") for command in commands),
            *map(self._imported_from, self.project.product_modules()),
        )

    def _imported_from(self, module: Module) -> frozenset[str]:
        def find() -> frozenset[str]:
            dotted = {each for each in module.imports.values() if "." in each and not each.startswith(".")}
            return frozenset(top for each in dotted for top in self._of_files(each, module.path))

        return self.functions.kept(module, "tops", self.imports.on_path, find)

    def _of_files(self, dotted: str, importer: str) -> Iterator[str]:
        """The folder of the first part of a name, where it leads to a module that no package holds."""
        parts = dotted.split(".")
        located = self.imports.locate(dotted, importer) if parts[0] not in sys.stdlib_module_names else None
        if located is None or located.path.endswith("/__init__.py"):
            return
        named = "/".join(parts[: len(parts) - len(located.rest)])
        top = f"{located.path.removesuffix(f'{named}.py')}{parts[0]}"
        if "/" in named and located.path.endswith(f"{named}.py") and top not in self.imports.packages:
            yield top

    def _holds_modules(self, folder: str) -> bool:
        """Whether modules lie in a folder: one that several install parts of holds packages alone."""
        return any(path.rpartition("/")[0] == folder for path in self.imports.files)

    def _is_elsewhere(self, stem: str) -> bool:
        """Whether another folder has a module at the end of this path: an image may put it there."""
        tail = "/".join(stem.split("/")[-2:])
        ends = (f"/{tail}.py", f"/{tail}/__init__.py")
        return any(f"/{file}".endswith(ends) for file in self.imports.files)


def below(path: str, name: str) -> str:
    """The path of a submodule of a package, without its ending; empty where a file is no package."""
    return f"{path.removesuffix('__init__.py')}{name}" if path.endswith("/__init__.py") else ""
