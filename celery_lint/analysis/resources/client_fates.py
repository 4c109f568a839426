"""What becomes of a new asynchronous client in the function that made it or took it."""

from __future__ import annotations

from celery_lint.analysis.resources.engine_fates import Made
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.clients import BORROWERS, RELEASES
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

# Where a function has one of these words, somebody may end the client.
_ENDING = (*sorted(RELEASES), "aclosing", "exit_async", "enter_async", "push_async")
# This keeps the database of the client until it is called again.
_INIT_BEANIE = frozenset({"beanie.init_beanie", "beanie.odm.utils.init.init_beanie"})
_ASKING = frozenset({"if", "while", "assert", "with"})
_LEADING_NOWHERE = frozenset({"def", "class", "global", "delete"})


class ClientFate:
    """What becomes of one new client, or of a part of it (a database, a collection)."""

    def __init__(self, known: Known, module: Module, function: Function, made: Made) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.module = module
        self.flow = known.project.functions.of(module, function)
        self.calls = known.project.functions.calls(module, function)
        #: The names that hold the client or a part of it, and how chains on them begin.
        self.names: set[str] = set()
        self.chains: set[str] = set()
        self.used = False
        self.unknown = function.mentions(*_ENDING)
        self.given_back = False
        if not self.unknown:
            self._follow(made)

    def is_left(self) -> bool:
        """Whether the function ends, and the client with its connections is nobody's."""
        return self.used and not self.unknown and not self.given_back

    def returned(self) -> str:
        """What the function returns, if that holds the client."""
        return "client" if self.given_back and not self.unknown else ""

    def _follow(self, made: Made) -> None:
        call, step = made.call, self.flow.step_of(made.call)
        chain = f"{call.chain}()"
        if call.parent >= 0:
            outer = self.calls[call.parent]
            name = self.project.resolve(self.module, outer.chain).name
            chain = f"{outer.chain}()" if name in BORROWERS else ""
            self.used = name in _INIT_BEANIE
        if step is None or not (chain or self.used):
            self.unknown = True
            return
        self.chains.add(chain or "()")
        self._see(step)
        for later in self.flow.steps[step.number + 1 :]:
            if not self.unknown and not self.names.isdisjoint((*later.loads, *later.stores)):
                self._see(later)

    def _see(self, step: Step) -> None:
        """A statement that reads or binds one of the names, or makes the client."""
        if step.kind in _LEADING_NOWHERE or step.yields:
            self.unknown = True
            return
        met = self._calls(step)
        if any(self._is_part(item.partition("=")[0]) for item in step.chains if step.kind == "with"):
            self.unknown = True  # the block ends it
        elif self._is_part(step.value):
            self._hold(step)
        elif step.kind == "return" and step.value in ("(", "[", "{", "?"):
            self.unknown = True  # it may be among what is returned
        else:
            self.unknown |= not met and step.kind not in _ASKING

    def _hold(self, step: Step) -> None:
        """A statement whose value is the client or a part of it."""
        if step.kind == "return":
            self.given_back = True
        elif step.kind != "assign" or len(step.stores) != 1 or step.name in self.names:
            self.unknown = step.kind != "expr"
        elif any(
            step.name in other.stores and other is not step and other.chains != ("#None",)
            for other in self.flow.steps
        ):
            self.unknown = True  # a global name, or another client in another case
        else:
            self.names.add(step.name)
            self.chains.add(step.value)

    def _calls(self, step: Step) -> bool:
        """Whether the calls of a statement use the client; what may keep or end it makes its end unknown."""
        met = False
        for number in step.calls:
            call = self.calls[number]
            if call.chain.startswith(tuple(f"{chain}{end}" for chain in self.chains for end in ".[")):
                self.used = met = True
            name = self.project.resolve(self.module, call.chain).name
            if name in _INIT_BEANIE:
                self.used = met = True
            elif any(self._is_part(given.chain) for given in call.takes):
                met = True
                self._lend(call.chain, name)
        return met

    def _lend(self, chain: str, name: str) -> None:
        if name in BORROWERS:
            self.chains.add(f"{chain}()")
            return
        target = self.graph.target(self.module, chain)
        closure = self.graph.closure(*target) if target is not None and target[1].name != "__init__" else []
        keeps = any(
            function.mentions(*_ENDING)
            or any(
                step.kind == "assign" and not step.stores
                for step in self.project.functions.of(module, function).steps
            )
            for module, function in closure
        )
        self.used = True
        self.unknown |= keeps or not closure

    def _is_part(self, chain: str) -> bool:
        """Whether a chain is the client or a part of it, and not what a method of it gives."""
        for known in self.chains:
            rest = chain.removeprefix(known)
            if chain.startswith(known) and (not rest or (rest[0] in ".[" and "()" not in rest)):
                return True
        return False
