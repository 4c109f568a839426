"""Which calls of a function that tasks call wait for the result of a task, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.code.walks import Walks
from celery_lint.inventory.tasks.results import WAITING, Result, Results, may_wait, only_binding, waits
from celery_lint.inventory.tasks.sendings import SENDERS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.records import NamedTuple
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_WORDS = tuple(f".{word}" for word in sorted(WAITING))
_SENDING = tuple(f".{word}" for word in sorted(SENDERS))
_MADE = tuple(f"{word}()" for word in _SENDING)


class Waited(NamedTuple):
    """A call that waits. ``chain`` is the result that is waited for, in ``made``, a site."""

    call: Call
    result: Result
    chain: str
    made: Site


class WaitedResults:
    """The results that functions wait for, also those that they are given.

    A function that is given a result is one that waits for it where some task gives it one; what it is given
    elsewhere does not matter.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.results = known.of(Results)
        self.sites = known.of(Sites)
        self.walks = known.of(Walks)

    def words(self) -> Iterator[tuple[str, str]]:
        """The functions that are given a result: their files need not hold a word of Celery."""
        found = self.project.calling(*_SENDING)
        for module, function in [each for each in found if self.walks.may_come_to(*each)]:
            calls = self.sites.functions.calls(module, function)
            for call in calls:
                if call.leaf() in SENDERS and call.parent >= 0:
                    yield calls[call.parent].leaf(), ""
                if any(chain.endswith(_MADE) for chain in call.named):
                    yield call.leaf(), ""

    def of(self, site: Site) -> Iterator[Waited]:
        """The calls of a site that wait for a result, in the order of the source."""
        function = site.function
        if not function.may_call(*_WORDS):
            return
        given = {f"%{parameter.name}": parameter.name for parameter in function.parameters}
        own, sends = may_wait(function), function.may_call(*_SENDING)
        if (
            not own
            and not sends
            and not any(function.mentions(f"{chain}.", f"@[{chain}[]") for chain in given)
        ):
            return
        for call in self.sites.calls(site):
            if not waits(call):
                continue
            result = self.results.waited_for(site.module, function, call) if own else None
            chain = call.items[0] if call.items else call.chain.rpartition(".")[0]
            if sends and result is None and not call.items and not call.positional and chain[:1] == "%":
                chain = _last_value(self.sites.flow(site), call, chain[1:])
                result = self.results.of(site.module, function, chain)
            if result is not None:
                yield Waited(call, result, chain, site)
                continue
            if call.positional:
                continue  # `mapping.get(key)`
            name = given.get(call.chain.rpartition(".")[0], "")
            items = {given.get(chain.removesuffix("[]"), "") for chain in call.items}
            if name or (len(items) == 1 and "" not in items):
                yield from self._handed(site, call, name or items.pop(), not name)

    def _handed(self, site: Site, call: Call, name: str, several: bool) -> Iterator[Waited]:
        """The first result that a caller gives for a parameter, or gives several of."""
        filled = site.function.filled()
        position = filled.index(name) if name in filled else len(filled)
        if any(name in step.stores for step in self.sites.flow(site).steps):
            return
        for caller, way in self.sites.ways(site):
            if way.chain.rpartition(".")[2].lstrip(":%~") != site.function.name:
                continue  # what a pool or a wrapper is given to call
            argument = way.argument(position, name)
            chain = self._made(caller, way, argument) if several else self._chain(caller, argument)
            result = self.results.of(caller.module, caller.function, chain) if chain else None
            if result is not None and (several or not result.several or call.leaf() in WAITING):
                yield Waited(call, result, chain, caller)
                return

    def _chain(self, caller: Site, argument: Argument) -> str:
        if argument.kind == "call":
            return f"{self.sites.calls(caller)[argument.number].chain}()"
        return argument.chain

    def _made(self, caller: Site, way: Call, argument: Argument) -> str:
        """The result that is one of those in a list: written out in the call, or bound to a name before."""
        calls = self.sites.calls(caller)
        if argument.kind == "unknown":
            made = [other for other in calls if other.parent == way.number and not other.is_looked_into]
        else:
            binding = only_binding(self.sites.flow(caller), argument.local) if argument.local else None
            if binding is None or binding.value != "[":
                return ""
            made = [calls[number] for number in binding.calls if not calls[number].is_looked_into]
            made = [other for other in made if other.parent == -1]
        chains = {f"{other.chain}()" for other in made if not other.is_tested}
        return chains.pop() if len(chains) == 1 else ""


def _last_value(flow: Flow, call: Call, name: str) -> str:
    """What a name holds that is bound several times, if the block of the call binds it last; or nothing."""
    step = flow.step_of(call)
    if step is None:
        return ""
    parent = flow.steps[step.parent] if step.parent >= 0 else None
    for before in reversed(flow.body(parent, step.role)):
        if before.number < step.number:
            if before.kind == "assign" and before.stores == (name,):
                return before.value
            for each in (before, *flow.below(before)):
                if name in each.stores or (each.kind == "delete" and name in each.loads):
                    return ""
    return ""
