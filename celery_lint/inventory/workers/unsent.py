"""Which tasks nothing sends, as far as a project shows what it sends."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from celery_lint.diagnostics import Span
from celery_lint.files.filter import Pair
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.unimported import Unimported
from celery_lint.inventory.workers.loading.unrun import Unrun
from celery_lint.inventory.workers.loading.unrun import Why as NoWorker
from celery_lint.inventory.workers.loading.unwritten import Unwritten
from celery_lint.inventory.workers.naming import only_called_in, only_called_outside, within
from celery_lint.inventory.workers.senders.hidden import HiddenSenders
from celery_lint.inventory.workers.senders.lookups import Lookups
from celery_lint.inventory.workers.senders.meanings import Meanings
from celery_lint.inventory.workers.senders.mentions import Mention, mentions_in, mentions_of, stands_in
from celery_lint.inventory.workers.senders.shown import SEVERAL, Shown
from celery_lint.inventory.workers.senders.unmade import Unmade
from celery_lint.inventory.workers.senders.unused import Unused
from celery_lint.inventory.workers.unawaited import Unawaited
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.words import words_in
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

# A task that is sent, or made a signature, whatever holds it.
_SENT = r"\b{}\.(?:delay|apply|si?\b|signature|subtask|map|starmap|chunks)"
# Settings that say how a task is sent if somebody sends it, and where it is defined.
_ONLY_HOW = ("task_routes", "task_annotations", *IMPORT_LISTS)


Why = Literal["unsent", "unmade"] | NoWorker
"""Why a task never runs: nothing sends or makes it, or no worker of the project has it.

Of those that are ``doubled`` one may run: two have one name, and it is chance which of them a worker has.
"""


class Unsent:
    """The tasks that nothing sends: they stand there, and no bug of theirs happens to anybody.

    It answers *yes* only where the project names a task nowhere but where it is made, in its own function, in
    routes, or in tasks that nothing sends either; and where all that is sent is in sight: by tasks and
    names that are written down, with a schedule in the settings. A schedule that nobody can look at, of a
    database or a machine, runs what needs no arguments. Where one is sent at one place, that is too little,
    but for those that do nothing yet, and for those that no worker has imported either.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.tasks = known.of(Tasks)
        self.unrun = known.of(Unrun)
        self.lookups = known.of(Lookups)
        self.hidden = known.of(HiddenSenders)
        self.meanings = known.of(Meanings)
        self.shown = known.of(Shown)
        self.unawaited = known.of(Unawaited)
        self.unwritten = known.of(Unwritten)
        self.unimported = known.of(Unimported)
        self.unmade = known.of(Unmade)
        self.unused = known.of(Unused)
        self.unparsed = known.of(UnparsedTexts)

    def is_unsent(self, task: Task) -> bool:
        """Whether a project that sends other tasks nowhere names this one, but where it is made.

        Or whether no worker runs it, and nothing that runs asks for it.
        """
        return self.why(task) is not None

    def why(self, task: Task) -> Why | None:
        """Why it never runs, where that is certain. A broken import is told first: it has a place to mend."""
        unsent = task.key in self._unsent and task.module.path not in self.unrun.unimportable.all
        return "unsent" if unsent else self.unmade.why(task) or self.unrun.all.get(task.key)

    def is_left_out(self, task: Task) -> bool:
        """Whether nothing sends a task of a project that sends at least one other.

        Too little to be silent about the bugs of a sketch, but who counts tasks that run leaves it out.
        """
        return self.is_unsent(task) or task.key in self._left_out

    def is_only_called(self, task: Task) -> bool:
        """Whether a task that nothing sends is called as a function, in the process of the caller."""
        return task.key in self._only_called

    def is_unnamed(self, task: Task) -> bool:
        """Whether the product names a task nowhere but where it is made and imported.

        Somebody may send it all the same, by a name that the run knows; nobody waits for what it does.
        """
        named = mentions_in(self.project, self.project.product_modules(), self._names(task))
        return all(mention.function is task.function is not None for _, mention in named)

    def is_within(self, module: Module, function: Function) -> bool:
        """Whether a function is, or stands in, that of a task that nothing sends."""
        return stands_in(module, function, self._unsent) or stands_in(module, function, self.unrun.all)

    def holds(self, place: Place) -> bool:
        """Whether a place lies in a task that never runs, in its decorators, or where nothing is imported.

        Or in the body of one that nobody awaits, or in a module whose settings nothing has. Or in the
        decorators of one that is only called: what they say is for messages.
        """
        path = place.path
        if path in self.unrun.unimportable.all or path in self.unimported.all:
            return True
        if self.unrun.orphans.is_passed_by(path) or path in self.unrun.uninstalled.all:
            return True
        return self.unrun.orphans.sets_nothing(place.path) or any(
            first <= place.span.line <= last for first, last in self._lines.get(place.path, ())
        )

    @once
    def _lines(self) -> dict[str, list[tuple[int, int]]]:
        """The first and the last line of each of these tasks, by path."""
        found: dict[str, list[tuple[int, int]]] = {}
        for task in self.tasks.product:
            if task.function is None or task.class_ is not None:
                continue
            if task.key in self.unawaited.keys:
                for step in self.functions.of(task.module, task.function).steps[:1]:
                    first = max(step.span.line, task.function.span.line + 1)  # CEL111 stands at the `def`
                    found.setdefault(task.module.path, []).append((first, task.function.end_line))
            if self.is_unsent(task) or self.is_only_called(task):
                starts = [task.function.span, *(decorator.span for decorator in task.function.decorators)]
                last = task.function.end_line if self.is_unsent(task) else task.function.span.line - 1
                found.setdefault(task.module.path, []).append((min(span.line for span in starts), last))
        return found

    @once
    def product(self) -> list[Task]:
        """The tasks of the product but for those: what nothing sends happens to nobody."""
        return [task for task in self.tasks.product if not self.is_unsent(task)]

    @once
    def running(self) -> list[Task]:
        """Those of them whose body runs: nobody awaits a coroutine function that Celery calls."""
        return [task for task in self.product if task.key not in self.unawaited.keys]

    @once
    def started(self) -> list[Task]:
        """Those of them that a worker may start: what is only called runs where it is called."""
        return [task for task in self.running if not self.is_only_called(task)]

    def words(self) -> set[Pair]:
        """Names of tasks that nothing read so far names: another file that does may send them.

        Each with the word that stands beside it, if it says nothing alone.
        """
        found = self.unrun.orphans.words() | self.unimported.words() | self.unrun.uninstalled.words()
        found |= self.unmade.words()
        unsent = self._unsent
        if self._named and self._shows(SEVERAL):
            found |= self.unused.words(self._all_mentions, self._users, unsent)
        if self.shown.sends_nothing:
            found.update((function.name, leaf_of(module.path)) for module, function in self.lookups.all)
        if not unsent and not self.unrun.all:
            return found
        found.update(self.hidden.words())
        found.update((function.name, "") for _, function in self.lookups.all)
        for task in self.tasks.product:
            if self.is_unsent(task):
                found |= self._pairs(task)
        return found

    def _pairs(self, task: Task) -> set[Pair]:
        """The words by which anybody may mean a task, each with what must stand beside it."""
        before = dict.fromkeys(self._names(task) - self._own(task), "".join(self._before(task)))
        return {(name, before.get(name, task.owner)) for name in self._names(task)}

    @once
    @asking("quiet")
    def _unsent(self) -> frozenset[Key]:
        unwritten = self.unwritten.keys
        if self.shown.sends(SEVERAL) or not self.shown.sends(1):
            return self._unsent_of(SEVERAL)
        lost = [task.key for task in self._named if task.key in unwritten or self.unrun.has_no_worker(task)]
        return self._unsent_of(1).intersection(lost) if lost else self._unsent_of(SEVERAL)

    @once
    def _left_out(self) -> frozenset[Key]:
        return self._unsent if self.shown.sends(SEVERAL) else self._unsent_of(1)

    @once
    def without_messages(self) -> frozenset[Key]:
        """The tasks of a project that sends one or more that nothing sends: functions call them at most."""
        return self._unsent_of(1, called=True)

    @once
    def _only_called(self) -> frozenset[Key]:
        return self._unsent_of(SEVERAL, called=True) - self._unsent

    def _unsent_of(self, several: int, called: bool = False) -> frozenset[Key]:
        """The tasks that nothing sends, if a project sends so many others that this shows how it does.

        ``called`` tells that those are among them that functions call by their names, and do nothing else.
        """
        tasks = self._named
        if not tasks or not self._shows(several):
            return frozenset()
        mentions = self._all_mentions
        if any(self.lookups.is_used(*found, mentions) for found in self.lookups.all):
            return frozenset()
        hides = self.shown.hides_schedule
        left = {
            task.key: task
            for task in tasks
            if not (hides and self.hidden.may_stand_there(task))
            and not (self.project.unparsed and self.unparsed.hold(self._pairs(task)))
        }
        while True:  # what only tasks name that nothing sends is not sent either
            sent = [task for task in left.values() if self._is_named(task, mentions, left, called)]
            if not sent:
                return frozenset(left if not hides or self._shows_enough(left) else ())
            for task in sent:
                del left[task.key]

    def _shows(self, several: int) -> bool:
        """Whether the project shows what it sends, and that it sends it."""
        return self.shown.is_deployed and (self.shown.sends(several) or self._has_idle_lookups)

    @once
    def _has_idle_lookups(self) -> bool:
        """Whether nothing is sent but by a function that nobody calls, although somebody imports it.

        The project is an application that would send what it is told, and does the work itself.
        """
        names = {function.name for _, function in self.lookups.all}
        return self.shown.sends_nothing and any(
            target.rpartition(".")[2] in names
            for module in self.project.product_modules()
            for target in module.imports.values()
        )

    def _shows_enough(self, left: Collection[Key]) -> bool:
        """Whether most tasks that a schedule out of sight is not likely to run are named by code."""
        unlikely = [task for task in self._named if not self.hidden.may_stand_there(task)]
        return len(unlikely) >= 2 * len(left)

    # ------------------------------------------------------------------ who names a task

    @once
    def _users(self) -> dict[str, list[Mention]]:
        """Who uses what names the tasks."""
        return self.unused.users(self._all_mentions)

    @once
    def _named(self) -> list[Task]:
        """The tasks that somebody must name who sends them."""
        return [
            task
            for task in self.tasks.product
            if task.function is not None and task.class_ is None and not task.is_periodic
        ]

    @once
    def _all_mentions(self) -> dict[str, list[Mention]]:
        """Where tasks and what looks tasks up are named."""
        names = {n for task in self._named for n in (*self._names(task), *self._before(task), task.owner)} - {
            ""
        }
        return mentions_of(self.project, names | {function.name for _, function in self.lookups.all})

    def _is_named(
        self, task: Task, mentions: dict[str, list[Mention]], left: dict[Key, Task], called: bool
    ) -> bool:
        return any(
            self._counts(task, name, mention, left) and not (called and self._only_calls(name, mention))
            for name in self._names(task)
            for mention in self._saying(task, name, mentions)
        )

    def _only_calls(self, name: str, mention: Mention) -> bool:
        module, function = mention
        if function is None:
            return only_called_outside(self.functions, module, name)
        return only_called_in(self.functions, module, function, name, name in self.meanings.methods)

    def _saying(self, task: Task, name: str, mentions: dict[str, list[Mention]]) -> list[Mention]:
        """Where a word may mean a task: the end of `ai.chat` says nothing where no `ai` stands."""
        found = mentions.get(name, [])
        before = self._before(task)
        if found and name in self._own(task) and task.owner:
            return [mention for mention in found if self._may_mean_method(task, name, mention, mentions)]
        if not found or name in self._own(task) or not before:
            return found
        said = {mention.key for mention in mentions.get(before[0], ())}
        said |= {(path, None) for path, _ in said}
        return [mention for mention in found if mention.key in said]

    def _may_mean_method(
        self, task: Task, name: str, mention: Mention, mentions: dict[str, list[Mention]]
    ) -> bool:
        """Whether the name of a method is that of this class: `post` of `requests.post()` is another.

        It is where the class is named as well, where one of its own methods says it, or where a task of this
        name is sent.
        """
        module, function = mention
        owner = task.owner
        if any(said.module is module for said in mentions.get(owner, ())):
            return True
        if any(target.rpartition(".")[2] == owner for target in module.imports.values()):
            return True
        if function is None:
            return False
        if function.owner and function.owner == (task.function.owner if task.function is not None else ""):
            return f"{name}." in function.packed_calls or f".{name}" in function.packed_steps
        sent = re.compile(_SENT.format(re.escape(name)))
        return any(sent.search(text) for text in (function.packed_calls, function.packed_steps))

    def _counts(self, task: Task, name: str, mention: Mention, left: dict[Key, Task]) -> bool:
        """Whether somebody who names a task may send it."""
        module, function = mention
        if function is not None and stands_in(module, function, left):
            return False
        if module.path in self.unimported.all:
            return False
        passed = [*self._only_how.get(module.path, ())]
        passed.extend(self._decorators.get((module.path, name), ()))
        passed.extend(
            self.unused.kept(module, name, self._users, left) if function is None or not function.name else ()
        )
        passed.extend(self.meanings.by_hand(name, module) if function is None or not function.name else ())
        if function is None:
            return any(not within(span, passed) for span in self.meanings.outside(task, name, module))
        if function.name:
            inside = self.meanings.inside(task, name, module, function, passed)
            # A task that needs arguments is hardly ever scheduled by hand, but who knows what it calls then.
            callers = left if not self.hidden.may_schedule else ()
            return inside and not self.unused.is_uncalled(mention, self._users, callers)
        spans = self.meanings.at_import(task, name, module, function)
        return any(not within(span, passed) for span in spans)

    def _names(self, task: Task) -> set[str]:
        """The words by which anybody may mean a task."""
        return {*self._own(task), *words_in(task.name)[-1:]}

    def _own(self, task: Task) -> set[str]:
        """The words that code knows a task by."""
        name = task.function.name if task.function is not None else task.label
        return {name, task.label, *self._further.get(task.key, ())}

    def _before(self, task: Task) -> list[str]:
        """The word before the last in a name that does not end like the function's."""
        words = words_in(task.name)
        return words[-2:-1] if words and words[-1] not in self._own(task) else []

    @once
    def _further(self) -> dict[Key, list[str]]:
        """The names that modules bind their tasks to besides: ``notify = send``."""
        found: dict[Key, list[str]] = {}
        for task in self.tasks.product:
            chain = f":{task.function.name}" if task.function is not None else ""
            for name, values in task.module.bindings.items() if chain else ():
                if len(values) == 1 and values[0].kind == "name" and values[0].chain == chain:
                    found.setdefault(task.key, []).append(name)
        return found

    @once
    def _decorators(self) -> dict[Key, list[Span]]:
        """Where tasks are made, by path and the words that mean them: two may have one name."""
        found: dict[Key, list[Span]] = {}
        for task in self.tasks.product:
            if task.function is not None:
                spans = [decorator.span for decorator in task.function.decorators]
                spans += [task.module.bindings[name][0].span for name in self._further.get(task.key, ())]
                for name in self._names(task):
                    found.setdefault((task.module.path, name), []).extend(spans)
        return found

    @once
    def _only_how(self) -> dict[str, list[Span]]:
        """The values that say how tasks are sent, by path."""
        found: dict[str, list[Span]] = {}
        for name in _ONLY_HOW:
            for setting in self.settings.named(name):
                found.setdefault(setting.module.path, []).append(setting.value.span)
        return found
