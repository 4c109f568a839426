"""Tasks whose module no worker imports, and imports that end a worker when it starts."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.loaded_together import LoadedTogether, Reason
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.application.signals.connections import connected
from celery_lint.inventory.tasks.names import ModuleNames
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.absent import AbsentModules
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.orphans import Misled, Orphans
from celery_lint.inventory.workers.loading.unimportable import Unimportable
from celery_lint.inventory.workers.loading.unimported import Unimported
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.facts import Module, Place
from celery_lint.model.purpose import is_test_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once
from celery_lint.project.modules import leaf_of


class Unloaded(NamedTuple):
    """A task that is sent, and whose module no worker imports.

    ``discovery`` is what workers look for in its place; ``misled`` the search that takes the classes of
    applications for packages. ``search`` is the one that finds nothing in the package of the task.
    ``unscheduled``: only a schedule sends the task that stands in this very module, so that beat has not got
    it either; ``too_late`` where a handler sets it up that nobody would call if the application listed the
    module. ``lacking`` is what the module takes from another that has it not, and where it says so.
    ``reason`` is what it may have in common with other modules.
    """

    task: Task
    module: str
    user: Place
    discovery: str
    misled: Misled | None = None
    search: Place | None = None
    unscheduled: bool = False
    too_late: bool = False
    lacking: tuple[str, Place] | None = None
    reason: Reason | None = None


class NoModule(NamedTuple):
    """A name that workers import at their start, and that is no module of the project."""

    place: Place
    name: str


class UnloadedTasks:
    """What workers import too little, and too much."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.orphans = known.of(Orphans)
        self.worker_imports = known.of(WorkerImports)
        self.module_names = known.of(ModuleNames)
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.commands = known.of(Commands)
        self.unimportable = known.of(Unimportable)
        self.unsent = known.of(Unsent)
        self.absent = known.of(AbsentModules)
        self.unimported = known.of(Unimported)
        self.together = known.of(LoadedTogether)

    @facts
    def unloaded(self) -> list[Unloaded]:
        """The first task that is sent of each module that no worker imports."""
        found: dict[str, Unloaded] = {}
        used = [use for use in self._used() if use[1].path not in self.unimported.all]
        outside = {task.module.path for task, user, _ in used if user.path != task.module.path}
        for task, user, unscheduled in used:
            path = task.module.path
            if not task.module.compiles or _is_nested(task):
                continue  # its import fails, or makes no task
            if self.unsent.why(task) == "unsent" or task.key in self.unsent.unrun.copies:
                continue  # only tasks send it that nothing sends; or workers have another of its name
            if path not in outside and not unscheduled and self._is_out_of_use(task, user):
                continue  # only the module itself sends it
            lacking = self._lacking(task.module)
            if path in found or (lacking is None and path in self.unimportable.all):
                continue
            if lacking is not None and user.path in self.unimportable.all:
                continue  # no process gets as far as sending it
            unloaded = self._unloaded(task, user)
            if unloaded is not None:
                too_late = unscheduled and user in self._late_hooks
                found[path] = unloaded._replace(unscheduled=unscheduled, too_late=too_late, lacking=lacking)
        alike = {path for path, each in found.items() if not each.unscheduled and each.lacking is None}
        reasons = self.together.reasons(alike)
        return [each._replace(reason=reasons.get(path)) for path, each in found.items()]

    def _is_out_of_use(self, task: Task, user: Place) -> bool:
        """Whether no process ever imports a module, or only by a name that makes other tasks of its tasks.

        So does a script that puts a folder on the path: `monthly.bills` is not `shop.monthly.bills`.
        """
        path = task.module.path
        if self.orphans.why(path) in _NOWHERE:
            return True
        if self._is_program(task.module):
            return False
        stem, name = leaf_of(path), self._dotted(path)
        said = [
            (module.path, dotted)
            for module in self.project.modules.values()
            for dotted in module.all_imports
            if stem in dotted and stem in dotted.split(".")
            if module.path != path and not is_test_path(module.path)
            if self._may_mean(module, dotted, task.module)
        ]
        if not said:  # functions that send something may be for whoever is to come, tasks are not
            return self.tasks.is_within(user)
        return all(
            importer in self.unimported.all or not (dotted[:1] == "." or f"{dotted}.".startswith(f"{name}."))
            for importer, dotted in said
        )

    def _may_mean(self, importer: Module, dotted: str, module: Module) -> bool:
        """Whether an import leads to a module, or to none that is known here and has the end of its name."""
        located = self.project.imports.locate(dotted, importer.path)
        if located is not None:
            return located.path == module.path
        stem = leaf_of(module.path)
        return self._dotted(module.path).endswith(f".{dotted.partition(f'.{stem}')[0]}.{stem}")

    def _lacking(self, module: Module) -> tuple[str, Place] | None:
        """What a module itself takes from another that certainly has it not, and where."""
        if module.path not in self.unimportable.all:
            return None
        for statement, missing in self.unimportable.failing.get(module.path, ()):
            return missing.module or missing.name, module.place(statement.span)
        return None

    def _unloaded(self, task: Task, user: Place) -> Unloaded | None:
        """A task that somebody sends, if no worker imports its module."""
        path = task.module.path
        if self.worker_imports.never(path):
            if user.path == path and self._is_program(task.module):
                return None  # a script that tries out a task of its own
            near, search = self._near_discovery(path)
            return Unloaded(task, self._dotted(path), user, near, search=search)
        near, search = self._near_discovery(path)
        left_out = search is not None or self._lists_others(path)
        if left_out and user.path != path and self.worker_imports.is_passed_by(path):
            return Unloaded(task, self._dotted(path), user, near, search=search)
        why = self.orphans.why(path)
        if why not in _NOT_IMPORTED:
            return None
        # Whoever imports it in a function may have it send a task of its own.
        by_itself = user.path == path and why == "late" and not self.tasks.is_within(user)
        if by_itself or self.orphans.why(user.path) is None:
            return Unloaded(task, self._dotted(path), user, near, self.orphans.misled(path), search)
        return None

    def _lists_others(self, path: str) -> bool:
        """Whether the only application lists modules that stand beside one."""
        folder = path.rpartition("/")[0]
        return any(
            each.rpartition("/")[0] == folder
            for application in self.applications.product
            for each in self.worker_imports.listed(application) or ()
        )

    def explore(self) -> None:
        """Follow the imports of the workers, where a module of tasks is not among what they name."""
        _ = self.unloaded

    def _used(self) -> Iterator[tuple[Task, Place, bool]]:
        """The tasks of the product that somebody sends, and where; last, what only would be scheduled there.

        That is by a schedule of the task's own module, if beat does not import that either.
        """
        hooks = self._hooks
        for sending in self.sendings.all:
            task = sending.task
            if task is not None and sending.how != "apply" and sending.place not in hooks:
                yield task, sending.place, False
        by_name = {task.name: task for task in self.tasks.product}
        scheduled = [(by_name[name], place) for _, name, place in self.schedules.named if name in by_name]
        for task, place in scheduled:
            if not self._is_unread(place.path):
                yield task, place, False
        for task, place in (*scheduled, *hooks.values()):
            if place.path == task.module.path and self._is_unread(place.path):
                yield task, place, True

    @once
    def _hooks(self) -> dict[Place, tuple[Task, Place]]:
        """What handlers of signals schedule of their own module, where nobody imports that."""
        return {
            sending.place: (sending.task, sending.place)
            for sending in self.sendings.all
            if sending.task is not None and not sending.sends and self._signal_before(sending)
            if sending.task.module.path == sending.module.path and self._is_unread(sending.module.path)
        }

    @once
    def _late_hooks(self) -> frozenset[Place]:
        """Those of them that an application calls before it imports what it lists."""
        return frozenset(
            sending.place
            for sending in self.sendings.all
            if sending.place in self._hooks and self._signal_before(sending) != _LAST
        )

    def _signal_before(self, sending: Sending) -> str:
        """The signal of an application whose handler makes a signature, if it is one."""
        for decorator in sending.function.decorators:
            signal = connected(self.project, sending.module, decorator.chain)
            if signal is not None and signal.of_application:
                return signal.name
        return ""

    def _is_unread(self, path: str) -> bool:
        """Whether neither a worker nor beat has what a module sets."""
        if not (self.worker_imports.never(path) or self.orphans.why(path) is not None):
            return False
        named = [command.app.partition(":")[0] for command in self.project.deployment.others]
        return not any(path in self.project.imports.files_of(dotted) for dotted in named if dotted)

    def _is_program(self, module: Module) -> bool:
        """Whether somebody starts the module itself."""
        top = module.functions.get("")
        return top is not None and any(call.in_main for call in self.project.functions.calls(module, top))

    def _dotted(self, path: str) -> str:
        return self.module_names.of(path)

    def _near_discovery(self, path: str) -> tuple[str, Place | None]:
        """What is searched for in the package of a module, which is another; and the search, if in vain."""
        for discovery in self.worker_imports.discoveries:
            for package in discovery.packages or ():
                located = self.project.imports.locate(package, discovery.module.path)
                folder = located.path.removesuffix("__init__.py") if located is not None else ""
                if folder.endswith("/") and path.startswith(folder) and discovery.related:
                    looked_for = f"{package}.{discovery.related}"
                    there = self.project.imports.locate(looked_for, discovery.module.path)
                    in_vain = there is None or bool(there.rest)
                    return looked_for, discovery.place if in_vain else None
        return "", None

    # ------------------------------------------------------------------ too much

    @facts
    def missing(self) -> list[NoModule]:
        """What ``include`` and ``imports`` name and the project does not have, in one of its own packages."""
        found: dict[Place, NoModule] = {}
        unstarted = self.commands.unstarted  # whoever sends through one imports nothing that it lists
        for application in self.applications.product:
            for module, place, text in self._listed(application) if application not in unstarted else ():
                if self._is_missing(module, text):
                    found[place] = NoModule(place, text)
        return list(found.values())

    def _listed(self, application: Application) -> Iterator[tuple[Module, Place, str]]:
        for name in IMPORT_LISTS:
            for setting in self.settings.candidates(application, name):
                known = self.project.constant(setting.module, setting.value)
                if not setting.certain or known is None:
                    continue
                for item in known.items if known.kind == "sequence" else (known,):
                    text = self.project.text(setting.module, item)
                    if text is not None:
                        yield setting.module, setting.module.place(item.span), text

    def _is_missing(self, module: Module, text: str) -> bool:
        if "," in text or " " in text:
            return True
        located = self.project.imports.locate(text, module.path)
        if located is None:
            return self.absent.of(module.path, text) is not None
        if not located.rest:
            return False
        return located.path.endswith("/__init__.py") and all(p.isidentifier() for p in text.split("."))


_NOT_IMPORTED = ("unnamed", "late")
# Neither an import nor a text leads to it.
_NOWHERE = ("unnamed", "shadowed")
# The only signal of an application that it sends behind the import of what it lists.
_LAST = "on_after_finalize"


def _is_nested(task: Task) -> bool:
    """Whether a task is defined in a function: whoever imports the module has not called it."""
    return task.function is not None and task.function.is_nested()
