"""Tasks that get the name of another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.tasks.task import Task, given_name
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.orphans import Orphans
from celery_lint.model.arguments import Argument
from celery_lint.model.facts import Function, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once
from celery_lint.project.modules import leaf_of

# Why nothing at all imports a module: of those that are ``late`` processes have what they send.
_IN_NO_PROCESS = frozenset({"shadowed", "unnamed"})
# Texts that tell of a module, which is no reason for a worker to have it.
_FOR_PEOPLE = (".md", ".rst", ".txt")


class RepeatedName(NamedTuple):
    """A task with the name that another one of the same application has."""

    task: Task
    other: Task
    place: Place


class RepeatedNames:
    """The names that several tasks write down."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.worker_imports = known.of(WorkerImports)
        self.orphans = known.of(Orphans)
        self.applications = known.of(Applications)

    @facts
    def all(self) -> list[RepeatedName]:
        """The later ones of those that certainly meet in a worker, where it matters which of them it has."""
        return [fact for fact in self._every if not self._do_the_same(fact.task, fact.other)]

    @once
    def _every(self) -> list[RepeatedName]:
        return [fact for found in self._several for fact in self._met(found)]

    @once
    def _several(self) -> list[list[tuple[Task, Place]]]:
        """The tasks of each name that several have, with the places that say it."""
        named: dict[str, list[tuple[Task, Place]]] = {}
        for task in self.tasks.product:
            place = self._named(task)
            if place is not None:
                named.setdefault(task.name, []).append((task, place))
        return [found for found in named.values() if len(found) > 1]

    @once
    def left_behind(self) -> frozenset[Key]:
        """The tasks of modules that no process has, since only those with tasks of their names are loaded."""
        found = {
            task.key
            for several in self._several
            for task, _ in several
            if any(
                task.application == other.application
                and task.module is not other.module
                and self._is_left_behind(task, other)
                for other, _ in several
            )
        }
        copies = self._copies
        return frozenset(found.union(t.key for t in self.tasks.product if t.module.path in copies))

    @once
    def _copies(self) -> frozenset[str]:
        """The modules that are copies of one beside them: `mails_fixed` names a task `shop.mails.send`."""
        return frozenset(
            task.module.path
            for several in self._several
            for task, _ in several
            if any(self._is_copy(task, other) for other, _ in several)
        )

    def _is_copy(self, task: Task, other: Task) -> bool:
        """Whether a task has the name of one of the module beside, and no file says that of its own."""
        path, original = task.module.path, other.module.path
        name = self.project.imports.module_name(original)
        return (
            path.rpartition("/")[0] == original.rpartition("/")[0]
            and leaf_of(path).startswith(f"{leaf_of(original)}_")
            and task.name.startswith(f"{name}.")
            and not self.worker_imports.is_scanned
            and not self.orphans.may_be_started(task.module)
            and not self._is_said(leaf_of(path), original, path)
        )

    @once
    def keys(self) -> frozenset[Key]:
        """The tasks of which one alone runs, nobody can tell which.

        An application makes those that wait for it in the order of a set of functions: by their addresses.
        """
        return frozenset(task.key for fact in self._every for task in (fact.task, fact.other))

    def _met(self, found: list[tuple[Task, Place]]) -> Iterator[RepeatedName]:
        for number, (task, place) in enumerate(found):
            other = next((other for other, _ in found[:number] if self._meet(task, other)), None)
            if other is not None:
                yield RepeatedName(task, other, place)

    def _meet(self, task: Task, other: Task) -> bool:
        """Whether both are made in one process, whatever a condition around them says."""
        if task.application != other.application or task.key == other.key:
            return False
        if task.module is other.module:
            return True
        return task.application is not None and not any(map(self._is_in_no_process, (task, other)))

    def _is_in_no_process(self, task: Task) -> bool:
        """Whether no worker has a task, nor whoever sends one: then it is in nobody's way."""
        path = task.module.path
        return (
            self.worker_imports.never(path)
            or self.orphans.why(path) in _IN_NO_PROCESS
            or task.key in self.left_behind
        )

    def _is_left_behind(self, task: Task, other: Task) -> bool:
        """Whether the application loads the module of the other, and no file says the name of this one's.

        Be it for something else: what stays of a module that was moved into a package.
        """
        application, path = self.applications.get(task.application), task.module.path
        if (
            application is None
            or path == application.module.path
            or self.worker_imports.listed(application) is None
            or self.worker_imports.loading(other.module.path, application) is None
            or self.worker_imports.loading(path, application) is not None
            or self.worker_imports.is_scanned
            or self.orphans.may_be_started(task.module)
            or self.orphans.unknown_imports.may_reach(path)
        ):
            return False
        return not self._is_said(leaf_of(path), other.module.path, path)

    def _is_said(self, stem: str, other: str, path: str) -> bool:
        """Whether a file for programs says the name of a module, but as the last part of another's."""
        name = re.escape(self.project.imports.module_name(other)).encode()
        if leaf_of(other) != stem or b"." not in name:
            name = rb"(?!)"
        said = re.compile(rb"(?<!\w)%b(?!\w)" % stem.encode())
        named = re.compile(rb"(?<![\w.])%b(?!\w)" % name)
        written = self.project.deployment.written
        return any(
            file != path
            and not file.endswith(_FOR_PEOPLE)
            and said.search(named.sub(b"", written.text(file)))
            for file in written.holding(stem)
        )

    def _do_the_same(self, task: Task, other: Task) -> bool:
        """Whether both only hand what they get to one function: whichever a worker has, the work is done."""
        handed = self._hands_on(task)
        return handed is not None and handed == self._hands_on(other)

    def _hands_on(self, task: Task) -> tuple[Key, tuple[Argument, ...], frozenset[str]] | None:
        """The function of the project that is all the work of a task, and what it gives that.

        With what makes runs differ: its options, but for the name.
        """
        function = task.function
        if function is None or task.inner_decorators or task.wrapper is not None:
            return None
        work = [
            step
            for step in self.functions.of(task.module, function).steps
            if step.kind not in ("import", "pass") and not (step.kind == "expr" and step.value[:1] == "#")
        ]
        calls = self.functions.calls(task.module, function)
        if len(work) != 1 or len(calls) != 1 or work[0].kind not in ("expr", "return"):
            return None
        if work[0].value != f"{calls[0].chain}()":
            return None
        entity = self.project.resolve(task.module, calls[0].chain)
        if entity.kind != "function" or entity.module is None:
            return None
        options = {
            f"{key}={value.chain}{value.data}" for _, each in task.options for key, value in each.keywords
        }
        given = tuple(_by_position(function, argument) for argument in calls[0].takes)
        own = frozenset(option for option in options if not option.startswith("name="))
        return (entity.module.path, entity.name), given, own

    def _named(self, task: Task) -> Place | None:
        """Where a task of module level, under no condition, says its name."""
        function = task.function
        if function is None or task.class_ is not None or task.wrapper is not None or function.parent:
            return None
        if task.qualname.partition("@")[0] != function.name or not function.decorators:
            return None
        if function.decorators[0].span.column != _AT_THE_MARGIN:
            return None
        given = given_name(task.options)
        return given[0].place(given[1].span) if given is not None and given[0] is task.module else None


_AT_THE_MARGIN = 2


def _by_position(function: Function, given: Argument) -> Argument:
    """An argument with the place of a parameter for its name: two functions may call it otherwise."""
    names = [parameter.name for parameter in function.parameters]
    return given._replace(chain=f"%{names.index(given.local)}") if given.local in names else given
