"""What may send tasks where nobody can look: rows of a database, settings of a machine, names of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.beat.schedulers import Scheduler, Schedulers
from celery_lint.inventory.application.beat.unread import SCHEDULE
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.layers import Layers, Wrapping
from celery_lint.inventory.tasks.made.handing_on import HandingOn
from celery_lint.inventory.tasks.schedules import Entry, Schedules
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.naming import naming
from celery_lint.inventory.workers.senders.told_names import ToldNames
from celery_lint.libraries.celery import OTHER_SCHEDULERS
from celery_lint.model.facts import Function, Module
from celery_lint.model.words import words_in
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

# With these, entries of the schedule stand in a database, where nobody can look.
_DATABASES = frozenset({*OTHER_SCHEDULERS, "DatabaseScheduler", "RedBeatScheduler", "djcelery"})
# What sends in a text whatever it is told: a name that is not written there.
_SENDING = re.compile(rb"\b(?:send_task|signature|subtask)\(\s*(?![\s\"')])")
# What a row is made by: a name that is called, or a method of what has the name.
_ROW, _ENTRY = "PeriodicTask", "RedBeatSchedulerEntry"
_MAKING = frozenset({_ROW, "create", "acreate", "get_or_create", "update_or_create"})


class HiddenSenders:
    """What sends tasks that no call and no schedule of the project names."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.told_names = known.of(ToldNames)
        self.schedules = known.of(Schedules)
        self.schedulers = known.of(Schedulers)
        self.in_force = known.of(OptionsInForce)
        self.layers = known.of(Layers)
        self.handing_on = known.of(HandingOn)
        self.unparsed = known.of(UnparsedTexts)

    @once
    @asking("quiet")
    def may_send_anything(self) -> bool:
        """Whether something sends what it is told, by a name of which code may write parts."""
        return (
            "anything" in self.told_names.all
            or any(map(_may_send_anything, self.schedulers.named))
            or not all(self.schedules.is_written(s.module, s.value) for s in self.settings.named(SCHEDULE))
            or any(map(self._is_unreadable, self.schedules.all))
            or any(self._unreadable_rows())
            or self.unparsed.speak(_SENDING.search)
            or bool(self.project.unparsed and self.unparsed.hold(self.words()))
        )

    @once
    def sends_names_of_the_run(self) -> bool:
        """Whether something sends by a name that comes whole from a request, a row or a message.

        A person or a program gives it who knows the project, of which that shows little: a project that
        shows how it sends its tasks has the others written down somewhere, if somebody means them.
        """
        return "of the run" in self.told_names.all

    @once
    def may_schedule(self) -> bool:
        """Whether tasks may stand in a schedule that nobody can look at, see :meth:`may_stand_there`."""
        if any(not scheduler.is_celerys for scheduler in self.schedulers.named):
            return True
        if self.settings.hidden and not self.settings.named(SCHEDULE):
            return True  # the schedule may stand where the settings come from
        modules = self.project.modules
        return self._name_a_database(
            [
                module
                for module in modules.values()
                if modules.is_product(module.path) or "migrations" in module.path
            ]
        )

    def words(self) -> set[Pair]:
        """Names by which other files may say what is sent, with the word that stands beside them."""
        found = {(_ROW, ""), (_ENTRY, "")} if self.may_schedule else set()
        for told in self.told_names.all:
            if not isinstance(told, str):
                found.update((function.name, leaf_of(module.path)) for module, function in told)
        return found

    def may_stand_there(self, task: Task) -> bool:
        """Whether such an entry may run a task: what needs arguments is hardly ever entered by hand."""
        if task.function is None or task.wrapper is not None:
            return True  # somebody may fill in what the function takes
        for layer in self.layers.below(task):
            if self.handing_on.taken_by([layer]) is not None:
                continue
            if len(layer) != 1 or self._is_out_of_sight(layer[0]):
                return True
            return not self.needs_arguments(task, layer[0].function)
        return not self.needs_arguments(task, task.function)

    def _is_out_of_sight(self, wrapping: Wrapping) -> bool:
        """Whether nobody can tell what is given to that which runs in the place of a task's function."""
        module, function, inner = wrapping
        changed = any(self.layers.changes(module, value) for value in function.decorators)
        return not inner or bool(function.owner) or changed or self.layers.is_handed_on(wrapping)

    def needs_arguments(self, task: Task, function: Function) -> bool:
        """Whether a message must bring something for the parameters of a task's function."""
        is_bound = bool(function.owner) or self.in_force.is_bound(task)
        parameters = function.parameters[1 if is_bound else 0 :]
        return any(each.required and each.kind in ("positional", "keyword") for each in parameters)

    # ------------------------------------------------------------------ schedules

    def _name_a_database(self, modules: Sequence[Module]) -> bool:
        paths = {module.path for module in modules}
        if any(not paths.isdisjoint(said) for said in naming(self.functions, modules, _DATABASES)):
            return True
        return any(said for _, _, said in self.functions.saying(modules, _DATABASES))

    def _is_unreadable(self, entry: Entry) -> bool:
        """Whether only the run knows which task a row names that the project makes."""
        if entry.written != "row":
            return False
        given = entry.given.get("task")
        if given is None or self.project.text(entry.module, given) is not None:
            return given is None
        return self.schedules.task(entry) is None

    def _unreadable_rows(self) -> Iterator[bool]:
        """Whether rows that ``Schedules`` does not know name tasks that only the run knows."""
        for module, function in self.project.holding(_ROW, _ENTRY):
            for call in self.functions.calls(module, function):
                if call.leaf() == _ENTRY:
                    yield not self.told_names.is_text(module, call.argument(1, "task"))
                elif _ROW in words_in(call.chain) and call.leaf() in _MAKING and call.keyword("task"):
                    yield not self.told_names.is_text(module, call.keyword("task"))


def _may_send_anything(scheduler: Scheduler) -> bool:
    """Whether a scheduler is none of those whose entries are written down or rows."""
    return scheduler.kind == "unknown" and _DATABASES.isdisjoint(words_in(scheduler.name))
