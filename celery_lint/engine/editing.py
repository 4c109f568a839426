"""One module as it is in an editor, within the rest of its workspace: from one text to the next.

The workspace stays linked. While only functions come, go and change, what nobody has concluded from them
stays too (see ``project/watching``); anything else links the workspace again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from celery_lint.diagnostics import Unparsed
from celery_lint.engine.numbering import Numbering, WrittenAround
from celery_lint.engine.verdict import Verdict, judge, search
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.on_path import folders_on_path
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.commands import Deployment, Texts
from celery_lint.model.facts import Module
from celery_lint.model.lines import renumbered
from celery_lint.model.reading.apart.versions import Pythons
from celery_lint.options import Configuration
from celery_lint.project.functions import Functions
from celery_lint.project.imports import Imports
from celery_lint.project.known import Known
from celery_lint.project.project import Project
from celery_lint.project.watching.functions import WatchedFunctions
from celery_lint.project.watching.parts import Watch, WatchedKnown
from celery_lint.rule import Rule

# What they find is handed from part to part, and known by its key: everybody may keep something about it.
_HANDED_ON = (Tasks, Applications)


class Surroundings:
    """The rest of a workspace: its modules and what is not checked, the options, how it is run
    and on which Pythons.

    ``text`` reads what a file holds.
    """

    def __init__(
        self,
        modules: Mapping[str, Module],
        unparsed: Mapping[str, Unparsed],
        files: Iterable[str],
        options: Configuration,
        deployment: Deployment,
        pythons: Pythons,
        text: Callable[[str], bytes],
    ) -> None:
        self.modules = modules
        self.unparsed = unparsed
        self.files = list(files)
        self.options = options
        self.deployment = deployment
        self.pythons = pythons
        self.text = cache(text)
        #: What has been unpacked of all modules but the edited one is used again.
        self.functions = WatchedFunctions()


class Editing:
    """The module of this path while it is edited."""

    def __init__(self, path: str, around: Surroundings) -> None:
        self.path = path
        self._around = around
        names = [command.app for command in around.deployment.commands]
        self._imports = Imports([*around.files, path], names)
        self._modules = dict(around.modules)
        self._unparsed = {name: entry for name, entry in around.unparsed.items() if name != path}
        self._numbering = Numbering()
        self._written = WrittenAround(around.deployment.written, path)
        self._known: WatchedKnown | None = None
        self._watch: Watch | None = None
        if path in around.modules:
            around.functions.forget(around.modules[path])

    def verdict(self, module: Module, lines: Sequence[str], stale: Callable[[], bool] | None) -> Verdict:
        """What the rules say with these facts of the module, and these lines.

        Raises Stale where nobody waits for it. Who does not say when that is asks once.
        """
        self._numbering.take(lines)
        if self._written.take(lines, self._numbering.number):
            self.end()
        now = self._modules[self.path] = renumbered(module, self._numbering.number)
        known = (self._again(now) or self._anew(now)) if stale is not None else self._once(now)
        said = judge(known, search(known, stale), self._modules, self._unparsed.values())
        said = self._numbering.told(said, self.path)
        if known.isolation.failures:  # they lie where searches have been given up, and are known by no part
            self.end()
        if known is not self._known:
            known.let_go()
        return said

    def end(self) -> None:
        """Free all that was worked out."""
        self._written.forget()
        if self._known is not None and self._watch is not None:
            self._watch.rest()
            self._around.functions.forget(self._watch.module)
            self._around.functions.watch = None
            self._known.let_go()
            self._known = self._watch = None

    def _again(self, now: Module) -> WatchedKnown | None:
        """What is known still, if that is something."""
        known, watch = self._known, self._watch
        if known is None or watch is None:
            return None
        if self.path in known.project.modules.beside_others:  # a change may make a copy of it, or none
            self.end()
            return None
        told = watch.replace(now, self._around.functions)
        if (
            told is None
            or any(isinstance(part, _HANDED_ON) for part, _ in told.askers)
            or not known.forget(told)
        ):
            self.end()
            return None
        return known

    def _anew(self, now: Module) -> WatchedKnown:
        functions = self._around.functions
        watch = self._watch = functions.watch = Watch(now, (Rule,))
        known = self._known = WatchedKnown(self._project(watch.module, functions), watch)
        return known

    def _once(self, now: Module) -> Known:
        """What is known with a text after which no other one comes: nobody need remember who asks."""
        return Known(self._project(now, Functions()))

    def _project(self, now: Module, functions: Functions) -> Project:
        around, modules = self._around, {**self._modules, self.path: now}
        self._imports.put_on_path(folders_on_path(modules.values(), self._imports, around.deployment))
        deployment = around.deployment._replace(written=self._written)
        unparsed = Texts(self._imports.files.intersection(self._unparsed), around.text)
        given = self._imports, around.options, deployment, unparsed
        return Project(modules.values(), *given, functions=functions)
