"""Sessions that a module keeps for all tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.resources.owners import Owners, is_asked_first
from celery_lint.inventory.resources.sessions import Sessions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

# What ends the transaction of a session that many use, or gives its connection back.
_ENDINGS = frozenset({"close", "remove", "close_all", "rollback", "reset", "invalidate", "expunge_all"})

_ENDING_LEAVES = tuple(f".{leaf}" for leaf in sorted(_ENDINGS))
_NAMES = re.compile(r"[^\w]+")


class KeptSession(NamedTuple):
    """A session, or a registry of sessions (``scoped``), at module level that tasks use and nobody ends.

    ``uses`` are the places where they do, with the task.
    """

    scoped: bool
    name: str
    place: Place
    uses: tuple[tuple[Place, Task], ...]


class KeptSessions:
    """The sessions that modules keep."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sessions = known.of(Sessions)
        self.owners = known.of(Owners)
        self.tasks = known.of(Tasks)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions

    @facts
    def all(self) -> list[KeptSession]:
        """The sessions at module level that tasks use and that nothing in the project ever ends."""
        origins = dict(self.sessions.at_module_level())
        for origin in list(origins):
            if self._ended(origin) or (origins[origin][0] and self._in_flask()):
                del origins[origin]
        found = [
            KeptSession(scoped, origin[1], place, tuple(uses))
            for origin, (scoped, place) in sorted(origins.items())
            if (uses := list(self._uses(origin)))
        ]
        return [*found, *self._in_attributes()]

    def _in_attributes(self) -> Iterator[KeptSession]:
        """The sessions that objects of modules, and tasks, keep in an attribute."""
        for module in self.project.product_modules() if self.sessions.reached else ():
            for class_ in module.classes.values():
                for attribute, values in class_.attributes.items():
                    made = [value for value in values if value.kind != "constant"]
                    if len(made) != 1 or not self._is_session(module, made[0]):
                        continue
                    maker = self.functions.around(module, made[0])
                    if maker is None or maker.name == "__init__" or is_asked_first(maker, made[0]):
                        members = self.owners.members_with(module, class_, attribute)
                        uses = [] if self._ends(members) else list(self._uses_of(class_, members))
                        if uses:
                            place = module.place(made[0].span)
                            yield KeptSession(False, f"{class_.name}.{attribute}", place, tuple(uses))

    def _is_session(self, module: Module, value: Value) -> bool:
        if value.kind != "call" or "session" not in value.chain.lower():
            return False
        return self.sessions.kind(module, f"{value.chain}()") in ("sync", "async")

    def _ends(self, members: set[str]) -> bool:
        """Whether anything in the project ends a session that is reached by one of these names."""
        for module, function in self.project.calling(*_ENDING_LEAVES):
            for call in self.functions.calls(module, function) if function.mentions(*members) else ():
                if call.leaf() in _ENDINGS and not members.isdisjoint(_NAMES.split(call.chain)):
                    return True
        return False

    def _uses_of(self, class_: Class, members: set[str]) -> Iterator[tuple[Place, Task]]:
        """Where tasks use one of these members, of an object that a module keeps or of themselves."""
        for module, function, tasks in self.sessions.reached:
            if not function.mentions(*members):
                continue
            task = self.tasks.by_function.get((module.path, function.qualname))
            receiver = self.graph.receiver(task) if task is not None else None
            mine = receiver is not None and any(
                base.class_() is class_ for base in self.project.bases(receiver)
            )
            for call in self.functions.calls(module, function):
                owner, _, member = call.chain.partition(".")
                if mine and owner in (f"%{function.first()}", f":{function.owner}()"):
                    used = member.partition(".")[0].rstrip("()[]") in members
                else:
                    used = self._is_of_a_kept_object(module, call.chain, class_, members)
                if used:
                    yield module.place(call.span), tasks[0]
                    break

    def _is_of_a_kept_object(self, module: Module, chain: str, class_: Class, members: set[str]) -> bool:
        """Whether a chain goes through one of these members of an object that a module keeps."""
        while chain and chain[:1] not in "%~":
            chain, _, member = chain.rpartition(".")
            if member.rstrip("()[]") in members:
                entity = self.project.resolve(module, chain)
                if entity.kind == "instance" and entity.origin is not None and entity.class_() is class_:
                    return True
        return False

    def _uses(self, origin: Key) -> Iterator[tuple[Place, Task]]:
        for module, function, tasks in self.sessions.reached:
            if function.mentions(origin[1]):
                for call in self.functions.calls(module, function):
                    if self._is_of(module, call, origin):
                        yield module.place(call.span), tasks[0]
                        break

    def _is_of(self, module: Module, call: Call, origin: Key) -> bool:
        """Whether a call is of something of the session, or hands it on."""
        chains = [call.chain, *(given.chain for given in call.takes if given.chain)]
        for chain in chains:
            while chain and chain[:1] not in "%~" and origin[1] in chain:
                if self.project.resolve(module, chain).origin == origin:
                    return True
                chain = chain[:-2] if chain.endswith("()") else chain.rpartition(".")[0].rstrip(".")
        return False

    def _ended(self, origin: Key) -> bool:
        for module, function in self.project.holding(origin[1]):
            for call in self.functions.calls(module, function):
                leaves = {call.leaf(), *(given.leaf for given in call.takes)}
                if leaves & _ENDINGS and self._is_of(module, call, origin):
                    return True
        return False

    def _in_flask(self) -> bool:
        """Whether tasks may run in an application context, whose end removes the sessions of extensions."""
        return any(self.project.holding("app_context"))
