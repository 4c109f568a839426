"""Sessions that a module keeps for all tasks."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.resources.sessions import Sessions
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

# What ends the transaction of a session that many use, or gives its connection back.
_ENDINGS = frozenset({"close", "remove", "close_all", "rollback", "reset", "invalidate", "expunge_all"})


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
        self.functions = known.project.functions

    @facts
    def all(self) -> list[KeptSession]:
        """The sessions at module level that tasks use and that nothing in the project ever ends."""
        origins = dict(self.sessions.at_module_level())
        for origin in list(origins):
            if self._ended(origin) or (origins[origin][0] and self._in_flask()):
                del origins[origin]
        return [
            KeptSession(scoped, origin[1], place, tuple(uses))
            for origin, (scoped, place) in sorted(origins.items())
            if (uses := list(self._uses(origin)))
        ]

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
        for module in self.project.product_modules():
            for function in module.functions.values():
                if not function.mentions(origin[1]):
                    continue
                for call in self.functions.calls(module, function):
                    leaves = {call.leaf(), *(given.leaf for given in call.takes)}
                    if leaves & _ENDINGS and self._is_of(module, call, origin):
                        return True
        return False

    def _in_flask(self) -> bool:
        """Whether tasks may run in an application context, whose end removes the sessions of extensions."""
        return any(
            function.mentions("app_context")
            for module in self.project.product_modules()
            for function in module.functions.values()
        )
