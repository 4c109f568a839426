"""Functions that lead to what matters, so that files without a word of Celery are read for their sake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.inventory.resources.resources import Resources
from celery_lint.model.defined import at_the_end
from celery_lint.model.facts import Function, Module
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# What the calls of a function hold that runs an event loop itself.
_RUNNING_A_LOOP = (
    *at_the_end(("asyncio.run", ".run_until_complete", "tortoise.run_async")),
    "async_to_sync",
    "AsyncToSync",
    "runnify",
    "start_blocking_portal",
    "celery_lint.runtime.",
)


class Relays:
    """The functions of a project that run event loops or use loop-bound objects, directly or for others."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.resources = known.of(Resources)

    def _mentioning(self, names: Iterable[str]) -> Iterator[tuple[Module, Function]]:
        """The functions whose calls hold one of the names."""
        return self.project.functions.mentioning(self.project.product_modules(), names)

    @once
    @asking("quiet")
    def to_loops(self) -> set[Key]:
        """The functions that run an event loop, and those that call one that does.

        As far as a task can be away from it: another module's function that calls one of them may be what
        a task calls, in a file that has no word of Celery or asyncio.
        """
        level = {
            (module.path, function.qualname)
            for module, function in self.project.holding(*_RUNNING_A_LOOP)
            if function.name and not function.is_async
        }
        found = set(level)
        for _ in range(LAYERS - 1):
            names = {name_of(qualname) for _, qualname in level}
            level = {
                (module.path, function.qualname)
                for module, function in self._mentioning(names)
                if (module.path, function.qualname) not in found
                and not function.is_async
                and self.graph.calls_one(module, function, level)
            }
            if not level:
                break
            found |= level
        return found

    @once
    def to_resources(self) -> set[Pair]:
        """The names of loop-bound objects and of the functions that lead to them: (name, leaf of the module).

        A file that a task's coroutine leads to can matter to an event loop only if it holds one of them. The
        leaf may also be that of the package, for names that it re-exports.
        """
        found: set[Pair] = set()
        for module in self.project.product_modules():
            for name in module.bindings:
                if self.resources.of(self.project.member(module, name)) is not None:
                    found.update((name, leaf) for leaf in _leaves_of(module.path))
        names = {name for name, _ in found}
        if not names:
            return found
        for _ in range(LAYERS):
            more = {
                (function.name, leaf)
                for module, function in self._mentioning(names)
                for leaf in _leaves_of(module.path)
            }
            if found.issuperset(more):
                break
            names = {name for name, _ in more - found}
            found |= more
        return found


def name_of(qualname: str) -> str:
    """The bare name in a qualified one: ``Class.method``, ``outer/inner``, ``name@line``."""
    return qualname.rpartition(".")[2].rpartition("/")[2].partition("@")[0]


def _leaves_of(path: str) -> tuple[str, ...]:
    """The last component of a module's dotted name, and that of its package, which may re-export from it."""
    folder = path.rpartition("/")[0].rpartition("/")[2]
    return tuple(dict.fromkeys((leaf_of(path), folder or leaf_of(path))))
