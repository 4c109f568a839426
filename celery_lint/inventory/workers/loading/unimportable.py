"""Modules that no process can import: they take a name from a module of the project that never has it.

It answers *yes* only where the file that the import means is read, and can bind the name in no way: it has no
such definition, import or variable, no star import, nothing that binds names as only the run knows, and
nobody sets it from elsewhere. Of a module, an import in a ``try``, under a condition or in a function does
not count, and neither does a package that may have a compiled or generated submodule of the name.
``AbsentModules`` tells which modules are not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.absent import AbsentModules, Missing, below
from celery_lint.inventory.workers.loading.never_made import NeverMade
from celery_lint.model.facts import ANYTHING, PATH, ImportStatement, Module
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.set_attributes import SetAttributes

#: Where more imports fail than these, nobody has ever started the whole.
MOST_IN_USE = 10


class Failing(NamedTuple):
    """An import that fails whenever its module is imported, and the first thing that it lacks."""

    statement: ImportStatement
    missing: Missing


class _Need(NamedTuple):
    """An import that asks for something of the project: a part that is missing, or names of these files."""

    statement: ImportStatement
    missing: Missing | None
    names: tuple[tuple[str, str], ...]


class Unimportable:
    """The modules that cannot be imported, or that import one that cannot."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.imports = known.project.imports
        self.unlisted = known.project.deployment.unlisted
        self.tasks = known.of(Tasks)
        self.absent = known.of(AbsentModules)
        self.never_made = known.of(NeverMade)
        self.set_attributes = known.of(SetAttributes)
        self.project.reading.tell("modules put in place", lambda _: self._puts_modules_in_place)

    @once
    @asking("quiet")
    def all(self) -> dict[str, Missing]:
        """What is missing, by the path of each module.

        None where that would be the modules of all tasks, but for what nobody has ever started.
        """
        found = self._with_importers({path: failing[0].missing for path, failing in self.failing.items()})
        paths = {task.module.path for task in self.tasks.product}
        many = sum(map(len, self.failing.values())) > MOST_IN_USE
        if not paths or (paths <= found.keys() and not many):
            found = {}
        return self._with_importers(self.never_made.all) | found

    def _with_importers(self, found: dict[str, Missing]) -> dict[str, Missing]:
        """Modules that cannot be imported, and those that import them, with what is missing."""
        found = dict(found)
        if not found:
            return found
        importing = [(module, list(self.imported(module))) for module in self.project.product_modules()]
        while True:  # whoever imports one of them cannot be imported either
            more = {
                module.path: found[path]
                for module, paths in importing
                if module.path not in found
                for path in paths
                if path in found
            }
            if not more:
                break
            found.update(more)
        return found

    @once
    @asking("quiet")
    def failing(self) -> dict[str, list[Failing]]:
        """The imports that fail, by the path of the module that they stand in."""
        modules = self.project.product_modules()
        if self._puts_modules_in_place:
            return {}
        return {module.path: failing for module in modules if (failing := list(self._failing(module)))}

    def unread(self) -> dict[str, set[str]]:
        """The files that nobody has read, with the names that modules of the product cannot do without."""
        found: dict[str, set[str]] = {}
        for module in self.project.product_modules():
            for need in self._needs(module):
                for path, name in self._unread(need):
                    found.setdefault(path, set()).add(name)
        return found

    def unread_for(self, module: Module, statement: ImportStatement) -> Iterator[tuple[str, str]]:
        """The files that nobody has read, with the names that an import takes from them."""
        return self._unread(self._need(module, statement))

    def _unread(self, need: _Need) -> Iterator[tuple[str, str]]:
        told = self.absent.told_by(need.missing) if need.missing else ""
        for path, name in [(told, PATH)] if need.missing else self._wanted(need):
            if path and self.project.modules.find(path) is None and path not in self.project.unparsed:
                yield path, name

    def words(self) -> set[Pair]:
        """What seems to be missing, with the name of the module: another file may put it there."""
        return self.never_made.words() | {
            (each.missing.name, leaf_of(each.missing.path))
            for failing in self.failing.values()
            for each in failing
            if not each.missing.module
        }

    # ------------------------------------------------------------------ one module

    @once
    def _puts_modules_in_place(self) -> bool:
        """Whether the product gives Python modules by itself: ``sys.modules["shop.orders"] = …``."""
        return any(
            assignment.target.endswith("sys.modules")
            for module in self.project.product_modules()
            for assignment in module.assignments
        )

    def missing(self, module: Module, statement: ImportStatement) -> Missing | None:
        """What an import certainly lacks, wherever it stands."""
        if self.project.reading.ask("modules put in place", None):
            return None
        return self._missing(module, self._need(module, statement))

    def _failing(self, module: Module) -> Iterator[Failing]:
        for need in self._needs(module):
            missing = self._missing(module, need)
            if missing is not None:
                yield Failing(need.statement, missing)

    def _needs(self, module: Module) -> list[_Need]:
        """The statements of a module that ask for something of the project: the same in every round."""

        def find() -> list[_Need]:
            needs = [self._need(module, statement) for statement in module.needed]
            return [each for each in needs if each.missing is not None or each.names]

        return self.functions.kept(module, "needs", (self.absent.own_tops, self.imports.on_path), find)

    def _need(self, module: Module, statement: ImportStatement) -> _Need:
        missing = self.absent.looked_for(module.path, statement.module)
        names = () if missing is not None else tuple(self._needed(module, statement))
        return _Need(statement, missing, names)

    def _missing(self, module: Module, need: _Need) -> Missing | None:
        """The first thing that an import lacks."""
        if need.missing is None:
            return self._missing_name(module, need)
        return need.missing if self.absent.is_plain(need.missing) else None

    def _missing_name(self, module: Module, need: _Need) -> Missing | None:
        for path, name in need.names:
            target = self.project.modules.find(path)
            if target is None:
                self.project.reading.needs(path)
            if target is None or target is module or self.set_attributes.has(name):
                continue
            missing = Missing(path, name)
            if self._never_has(target, name) and self._is_the_only_one(path) and self._may_lack(path, name):
                return missing if self._is_beside(path) or self.absent.is_plain(missing) else None
        return None

    def _wanted(self, need: _Need) -> Iterator[tuple[str, str]]:
        """The same, with the packages that tell whether folders in them are all that they hold."""
        for path, name in need.names:
            yield path, name
            if not self._is_beside(path):
                yield self.absent.told_by(Missing(path, name)), PATH

    def _is_beside(self, path: str) -> bool:
        """Whether a module lies beside an ``__init__.py``, or is one: the folder is its package."""
        return path.rpartition("/")[0] in self.imports.packages

    def _needed(self, module: Module, statement: ImportStatement) -> Iterator[tuple[str, str]]:
        """The names that a statement takes from files of the project."""
        for name in statement.names:
            located = self.imports.locate(statement.dotted(name), module.path) if name != "*" else None
            if located is None or located.rest != (name,) or name.startswith("__"):
                continue  # every module has some names of this kind
            submodule = below(located.path, name)
            if submodule and self.absent.is_there(submodule):
                continue
            root = self.imports.import_root(located.path)
            # a folder beside may have a library's name
            beside = bool(root) and not module.path.startswith(f"{root}/")
            if not beside or self.absent.is_meant(module.path, statement.module, located.path):
                yield located.path, name

    def _may_lack(self, path: str, name: str) -> bool:
        """Whether a file certainly has no submodule of the name that is compiled, generated or no Python."""
        inside = below(path, name)
        if inside:
            return not self.unlisted.may_hold(inside)
        return not self.unlisted.may_hide(path.removesuffix(".py"))

    def _never_has(self, module: Module, name: str) -> bool:
        known = name in module.functions or name in module.classes or name in module.imports
        if known or name in module.bindings or module.star_imports:
            return False
        return name not in module.hidden and ANYTHING not in module.hidden

    def _is_the_only_one(self, path: str) -> bool:
        """Whether no other file may be meant by the name of a module: its last two components are its own.

        A module beside a package of its name is none: the package comes first.
        """
        hidden = f"{path.removesuffix('/__init__.py')}.py"
        tail = "/".join(path.removesuffix("/__init__.py").removesuffix(".py").split("/")[-2:])
        meant = (f"{tail}.py", f"{tail}/__init__.py")
        ends = tuple(f"/{each}" for each in meant)
        return all(
            file in (path, hidden) or not (file in meant or file.endswith(ends))
            for file in self.imports.files
        )

    # ------------------------------------------------------------------ what they import

    def imported(self, module: Module) -> Iterator[str]:
        """The modules of the project that are imported before a module is done, with their packages."""
        yield from self._packages(module.path)
        for statement in module.needed:
            for dotted in [statement.dotted(name) for name in statement.names if name != "*"] or [
                statement.module
            ]:
                located = self.imports.locate(dotted, module.path)
                if located is not None:
                    yield located.path
                    yield from self._packages(located.path)

    def _packages(self, path: str) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        while folder in self.imports.packages:
            yield f"{folder}/__init__.py"
            folder = folder.rpartition("/")[0]
