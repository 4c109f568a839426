"""What may send tasks where nobody can look: rows of a database, settings of a machine, names of the run."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.schedules import SCHEDULE, Entry, Schedules
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.naming import NOWHERE, naming, spans_of
from celery_lint.libraries.celery import OTHER_SCHEDULERS
from celery_lint.model.arguments import Argument
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.words import held, words_in
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# With these, entries of the schedule stand in a database, where nobody can look.
_DATABASES = frozenset({*OTHER_SCHEDULERS, "DatabaseScheduler", "RedBeatScheduler", "djcelery"})
# What a row is made by: a name that is called, or a method of what has the name.
_ROW, _ENTRY = "PeriodicTask", "RedBeatSchedulerEntry"
_MAKING = frozenset({_ROW, "create", "acreate", "get_or_create", "update_or_create"})
# A name is followed through so many functions that pass it on.
_DEEPEST = 3


class HiddenSenders:
    """What sends tasks that no call and no schedule of the project names."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.in_force = known.of(OptionsInForce)

    @once
    @asking("quiet")
    def may_send_anything(self) -> bool:
        """Whether something sends what it is told, by a name that only the run knows, with any arguments."""
        return (
            None in self._told
            or any(map(self._is_own_scheduler, self.settings.named("beat_scheduler")))
            or not all(self.schedules.is_written(s.module, s.value) for s in self.settings.named(SCHEDULE))
            or any(map(self._is_unreadable, self.schedules.all))
            or any(self._unreadable_rows())
        )

    @once
    def may_schedule(self) -> bool:
        """Whether tasks may stand in a schedule that nobody can look at, see :meth:`may_stand_there`."""
        if self.settings.named("beat_scheduler"):
            return True
        if self.settings.hidden and not self.settings.named(SCHEDULE):
            return True  # the schedule may stand where the settings come from
        modules = self.project.modules
        return any(
            self._names_a_database(module)
            for module in modules.values()
            if modules.is_product(module.path) or "migrations" in module.path
        )

    def words(self) -> set[Pair]:
        """Names by which other files may say what is sent, with the word that stands beside them."""
        found = {(_ROW, ""), (_ENTRY, "")} if self.may_schedule else set()
        for told in self._told:
            for module, function in told or ():
                found.add((function.name, leaf_of(module.path)))
        return found

    def may_stand_there(self, task: Task) -> bool:
        """Whether such an entry may run a task: what needs arguments is hardly ever entered by hand."""
        if task.function is None or task.inner_decorators or task.wrapper is not None:
            return True  # somebody may fill in what the function takes
        return not self.needs_arguments(task, task.function)

    def needs_arguments(self, task: Task, function: Function) -> bool:
        """Whether a message must bring something for the parameters of a task's function."""
        is_bound = bool(function.owner) or self.in_force.is_bound(task)
        parameters = function.parameters[1 if is_bound else 0 :]
        return any(each.required and each.kind in ("positional", "keyword") for each in parameters)

    # ------------------------------------------------------------------ schedules

    def _names_a_database(self, module: Module) -> bool:
        if any(module.path in said for said in naming(self.functions, [module], _DATABASES)):
            return True
        return any(said for _, _, said in self.functions.saying([module], _DATABASES))

    def _is_own_scheduler(self, setting: Setting) -> bool:
        """Whether a scheduler is none of those whose entries are rows: it may send whatever it likes."""
        text = self.project.text(setting.module, setting.value)
        return text is None or _DATABASES.isdisjoint(words_in(text))

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
                    yield not self._is_text(module, call.argument(1, "task"))
                elif _ROW in words_in(call.chain) and call.leaf() in _MAKING and call.keyword("task"):
                    yield not self._is_text(module, call.keyword("task"))

    def _is_text(self, module: Module, given: Argument) -> bool:
        """Whether an argument is a text that is written down, here or as a constant."""
        return bool(given.text) or self._constant(module, given.chain, "constant") is not None

    def _constant(self, module: Module, chain: str, kind: str) -> Value | None:
        """The constant of this kind that a chain names."""
        known = self.project.constant(module, Value("name", NOWHERE, None, chain)) if chain else None
        return known if known is not None and known.kind == kind else None

    # ------------------------------------------------------------------ names

    @once
    @asking("quiet")
    def _told(self) -> list[list[tuple[Module, Function]] | None]:
        """For each call that sends by a name that is no text: who hands it on; ``None`` if anybody may."""
        return [
            self._passing_on(sending.module, sending.function, given.chain if given else "", _DEEPEST)
            for sending in self.sendings.all
            if sending.through == "application" and sending.task is None
            for given in [_name_given(sending)]
            if given is None or self.project.text(sending.module, given) is None
        ]

    def _passing_on(
        self, module: Module, function: Function, chain: str, depth: int
    ) -> list[tuple[Module, Function]] | None:
        """The functions that hand on a parameter, if everybody who calls them writes down a text for it."""
        name = chain.removeprefix("%")
        if not depth or name == chain or function.is_nested() or function.decorators:
            return None
        if name not in function.filled() or any(name in step.stores for step in function.steps()):
            return None
        modules = self.project.product_modules()
        outside, given = naming(self.functions, modules, {function.name})
        if any(
            other.path in outside or (other.path in given and self._is_handed_on(other, function.name))
            for other in modules
        ):
            return None  # it may be called by another name
        found = [(module, function)]
        for other, caller, said in self.functions.saying(modules, {function.name}):
            if said and caller is not function:
                further = self._told_by(other, caller, function, name, depth)
                if further is None:
                    return None
                found += further
        return found

    def _is_handed_on(self, module: Module, name: str) -> bool:
        """Whether a function takes a name by default or gives it back uncalled."""
        return any(
            name in words_in(" ".join(parameter.default for parameter in function.parameters))
            or any(
                each.kind != "call" and next(spans_of(each, name), None) is not None
                for value in (*function.returns, *(value for _, value in function.values))
                for each in held(value)
            )
            for _, function in module.functions.every()
        )

    def _told_by(
        self, module: Module, caller: Function, called: Function, name: str, depth: int
    ) -> list[tuple[Module, Function]] | None:
        """The functions that hand a name on to a caller, if all its calls tell it; else ``None``."""
        calls = self.functions.calls(module, caller)
        those = [call for call in calls if call.leaf() == called.name]
        if not those or any(leaf_of_chain(given) == called.name for call in calls for given in call.named):
            return None
        found = []
        for call in those:
            given = call.argument(called.filled().index(name), name)
            if not self._is_text(module, given):
                further = self._passing_on(module, caller, given.chain, depth - 1)
                if further is None:
                    return None
                found += further
        return found


def _name_given(sending: Sending) -> Value | None:
    value = sending.value
    return value.first() or value.keyword("name") if value is not None else None
