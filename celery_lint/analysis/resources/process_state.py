"""What tasks leave behind in their process: settings of the process, and values in their modules."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.libraries.threads import CONTAINERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Assignment, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, facts, once

_ENVIRONMENT = "os.environ"
#: Calls that change the whole process, and those that take it back.
_CHANGES = {
    "os.chdir": ("os.chdir", "os.fchdir"),
    "socket.setdefaulttimeout": ("socket.setdefaulttimeout",),
    "locale.setlocale": ("locale.setlocale", "locale.resetlocale"),
    "random.seed": ("random.seed", "random.setstate"),
    "django.utils.translation.activate": (
        "django.utils.translation.activate",
        "django.utils.translation.deactivate",
        "django.utils.translation.deactivate_all",
        "django.utils.translation.override",
    ),
    "django.utils.timezone.activate": (
        "django.utils.timezone.activate",
        "django.utils.timezone.deactivate",
        "django.utils.timezone.override",
    ),
}
#: What changes the process for all that run in it later, by dotted path.
OF_THE_PROCESS = frozenset({*_CHANGES, _ENVIRONMENT})
_LEAVES = frozenset(name.rpartition(".")[2] for name in _CHANGES)
_WORDS = ("os.chdir", "setdefaulttimeout", "setlocale", "random.seed", "activate")
# What makes a path of its parts, and nothing else.
_PATHS = frozenset({"os.path.join", "os.path.abspath", "os.path.realpath", "pathlib.Path"})

_ADDING = frozenset({"append", "appendleft", "extend", "insert", "add"})


class ProcessChange(NamedTuple):
    """A call in the code of tasks that changes the process for all that run in it later."""

    site: Site
    place: Place
    name: str


class ModuleValue(NamedTuple):
    """A value of a module that the code of tasks changes, and reads nowhere near."""

    site: Site
    place: Place
    name: str


class ProcessState:
    """Changes of the process and of modules that outlive a task."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.project = known.project
        self.settings = known.of(Settings)
        self.commands = known.of(Commands)

    @once
    def _one_task_each(self) -> bool:
        """Whether a process runs a single task and ends."""
        commands = self.commands.all
        if commands and all(command.tasks_per_child == 1 for command in commands):
            return True
        return any(
            self.project.usual_number(setting.module, setting.value) == 1
            for setting in self.settings.named("worker_max_tasks_per_child")
        )

    # ------------------------------------------------------------------ the process

    @facts
    def changes(self) -> list[ProcessChange]:
        """What tasks change for the whole process and do not take back, once a function and kind."""
        if self._one_task_each:
            return []
        found: list[ProcessChange] = []
        for site in self.sites.holding(*_WORDS):
            found.extend(self._changes(site))
        sites = {site.key: site for site in self.sites.all}
        for path in dict.fromkeys(path for path, _ in sites):
            for assignment in self.project.modules[path].assignments:
                here = sites.get((path, assignment.function))
                if here is not None and assignment.target == _ENVIRONMENT and assignment.subscript:
                    found.extend(self._environment(here, assignment))
        return found

    def _changes(self, site: Site) -> Iterator[ProcessChange]:
        if site.function.is_generator:
            return  # a context manager: what follows its yield takes it back
        seen = set()
        calls = self.sites.calls(site)
        for call in calls:
            if call.leaf() not in _LEAVES or call.in_lambda or call.is_context_manager:
                continue
            name = self.sites.name(site.module, call.chain)
            if name not in _CHANGES or name in seen or not call.takes:
                continue
            if not self.sites.is_open(site, self.sites.flow(site).step_of(call)):
                continue
            seen.add(name)
            if (
                not self._taken_back(site, name, call, calls)
                and not _of_all(name, call)
                and not (name == "os.chdir" and self._is_same_folder(site, call))
            ):
                yield ProcessChange(site, site.module.place(call.span), name)

    def _taken_back(self, site: Site, name: str, call: Call, calls: list[Call]) -> bool:
        if name == "locale.setlocale" and len(call.takes) < 2:
            return True  # only asks for the locale
        if self._is_undone_around(site, name, call):
            return True
        return any(
            other.number > call.number
            and other.leaf() in {back.rpartition(".")[2] for back in _CHANGES[name]}
            and self.sites.name(site.module, other.chain) in _CHANGES[name]
            for other in calls
        )

    def _is_undone_around(self, site: Site, name: str, call: Call) -> bool:
        """Whether the call stands under a ``with`` whose context manager of the project takes it back."""
        flow = self.sites.flow(site)
        step = flow.step_of(call)
        for outer in flow.ancestors(step) if step is not None else ():
            for chain in outer.chains if outer.kind == "with" else ():
                entity = self.project.resolve(site.module, chain.partition("=")[0].removesuffix("()"))
                function = entity.function()
                if function is None or entity.module is None or not function.is_generator:
                    continue
                calls = self.project.functions.calls(entity.module, function)
                undone = {self.sites.name(entity.module, inner.chain) for inner in calls}
                if not undone.isdisjoint(_CHANGES[name]):
                    return True
        return False

    def _is_same_folder(self, site: Site, call: Call) -> bool:
        """Whether every task goes to the same folder: one that is written down whole, or is configured."""
        given = call.argument(0, "path")
        if given.kind == "text":
            return given.text.startswith("/")
        flow = self.sites.flow(site)
        parameters = {parameter.name for parameter in site.function.parameters}
        own = parameters.union(*(step.stores for step in flow.steps))
        step = flow.step_of(call)
        names = own.intersection(step.loads if step is not None else ())
        seen: set[str] = set()
        while names - seen:
            seen |= names
            if not names.isdisjoint(parameters):
                return False
            made = [step for step in flow.steps if not names.isdisjoint(step.stores)]
            calls = [self.sites.calls(site)[number] for step in made for number in step.calls]
            if any(step.kind != "assign" for step in made) or any(
                self.sites.name(site.module, call.chain) not in _PATHS for call in calls
            ):
                return False
            names = {name for step in made for name in step.loads if name in own}
        return bool(seen)

    def _environment(self, site: Site, assignment: Assignment) -> Iterator[ProcessChange]:
        """A variable that gets a value of this call; a fixed value is the same for every task."""
        if not _of_this_call(assignment.value) or site.function.is_generator:
            return
        for step in self.sites.flow(site).steps:
            calls = [self.sites.calls(site)[number] for number in step.calls]
            if step.kind == "delete" and {"os", "environ"} & set(step.loads):
                return
            if any(
                _ENVIRONMENT in call.chain and call.leaf() in ("pop", "clear", "update") for call in calls
            ):
                return
            if any(given.chain.startswith(_ENVIRONMENT) for call in calls for given in call.takes):
                return  # copied, or patched for a while
        again = [
            other
            for other in site.module.assignments
            if other.target == _ENVIRONMENT
            and other.function == assignment.function
            and (other.key == assignment.key or not other.key)
        ]
        if len(again) == 1:
            place = site.module.place(assignment.key_span)
            yield ProcessChange(site, place, _ENVIRONMENT)

    # ------------------------------------------------------------------ modules

    @facts
    def values(self) -> list[ModuleValue]:
        """Values of modules that tasks change."""
        if self._one_task_each:
            return []
        found: list[ModuleValue] = []
        for site in self.sites.all:
            if not site.is_task() and not any(task.module is site.module for task in site.tasks):
                continue
            if site.function.may_call(*(f".{leaf}" for leaf in _ADDING)):
                found.extend(self._additions(site))
            found.extend(self._globals(site))
            found.extend(self._items(site))
        return found

    def _items(self, site: Site) -> Iterator[ModuleValue]:
        """Items set in a module's dictionary or list."""
        for assignment in site.module.assignments:
            if assignment.function != site.function.qualname or not assignment.subscript:
                continue
            owner, line = assignment.target, assignment.key_span.line
            if owner[:1] in "%~" or "()" in owner:
                continue
            entity = self.project.resolve(site.module, owner)
            if not _is_container(entity):
                continue
            name = owner.rpartition(".")[2].lstrip(":")
            for step in self.sites.flow(site).steps:
                if step.kind == "assign" and step.span.line <= line <= step.span.end_line:
                    if not self._read(site, step, {name, *self._roots(site, owner)}):
                        yield ModuleValue(site, site.module.place(step.span), name)
                    break

    def _additions(self, site: Site) -> Iterator[ModuleValue]:
        for call in self.sites.made(site):
            if call.leaf() not in _ADDING or call.chain[:1] in "%~" or call.in_lambda:
                continue
            owner = call.chain.rpartition(".")[0]
            step = self.sites.flow(site).step_of(call)
            if step is None or step.kind != "expr" or "()" in owner:
                continue
            entity = self.project.resolve(site.module, owner)
            name = owner.rpartition(".")[2].lstrip(":")
            if _is_container(entity) and not self._read(site, step, {name, *self._roots(site, owner)}):
                yield ModuleValue(site, site.module.place(call.span), name)

    def _roots(self, site: Site, owner: str) -> set[str]:
        """The names under which the module has imported what a chain leads to."""
        if owner[:1] == ":":
            return set()
        return {
            name
            for name, path in site.module.imports.items()
            if owner == path or owner.startswith(f"{path}.")
        }

    def _globals(self, site: Site) -> Iterator[ModuleValue]:
        if not site.function.has("global"):
            return
        flow = self.sites.flow(site)
        declared = {name for step in flow.steps if step.kind == "global" for name in step.stores}
        for step in flow.steps:
            if step.kind not in ("augment", "assign") or not declared.intersection(step.stores):
                continue
            for name in declared.intersection(step.stores):
                fixed = step.kind == "assign" and step.chains[:1] in (("#None",), ("{",), ("[",))
                known = name in site.module.bindings
                if known and not fixed and not self._read(site, step, {name}):
                    yield ModuleValue(site, site.module.place(step.span), name)

    def _read(self, site: Site, changed: Step, names: set[str]) -> bool:
        """Whether another statement of the function reads the value: it is a memo, or a limit per process."""
        names = names.intersection((*changed.loads, *changed.stores)) or names
        return any(
            step.number != changed.number and not names.isdisjoint(step.loads)
            for step in self.sites.flow(site).steps
        )


def _of_all(name: str, call: Call) -> bool:
    """Whether a call sets what every task of the project would set, or starts over on purpose."""
    given = call.argument(0)
    if name == "random.seed" and given.kind in ("constant", "text"):
        return True
    return given.chain.endswith(("settings.LANGUAGE_CODE", "settings.TIME_ZONE"))


def _of_this_call(value: Value) -> bool:
    """Whether a value comes from a parameter or local variable."""
    if value.kind == "name":
        return value.chain.startswith("%")
    if value.kind == "call":
        return any(_of_this_call(item) for item in value.items)
    return False


def _is_container(entity: Entity) -> bool:
    if entity.origin is None:
        return False
    if entity.kind == "value" and entity.value is not None:
        return entity.value.kind in ("sequence", "mapping")
    return entity.kind == "external" and entity.name in CONTAINERS
