"""What statements of tasks may raise, and what never raises."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from celery_lint.inventory.code.bodies import Body
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import EVERY_ERROR, Handlers, is_log
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import UNFORKED
from celery_lint.libraries.django import LAZY, MODEL
from celery_lint.libraries.exceptions import RAISING, UNSENT
from celery_lint.libraries.network import CONNECTS, SOCKETS, WAITING_METHODS
from celery_lint.libraries.sqlalchemy import (
    ASYNC_ENGINES,
    ASYNC_MAKERS,
    ASYNC_SESSIONS,
    MAPPED_BASES,
    MAPPED_BY_ANOTHER,
    SYNC_ENGINES,
    SYNC_MAKERS,
    SYNC_SESSIONS,
)
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# Calls that a task never sees fail.
_HARMLESS = frozenset(
    [
        "~bool()",
        "~callable()",
        "~dict()",
        "~frozenset()",
        "~getattr()",
        "~hasattr()",
        "~id()",
        "~isinstance()",
        "~issubclass()",
        "~len()",
        "~list()",
        "~object()",
        "~repr()",
        "~set()",
        "~str()",
        "~tuple()",
        "~type()",
        "collections.Counter()",
        "collections.OrderedDict()",
        "collections.defaultdict()",
        "collections.deque()",
        "datetime.datetime.now()",
        "datetime.datetime.utcnow()",
        "django.utils.timezone.now()",
        "io.BytesIO()",
        "io.StringIO()",
        "time.monotonic()",
        "time.perf_counter()",
        "time.time()",
        "uuid.uuid4()",
    ]
)
# Methods of what the task holds itself: the first never fail, the second wait for nobody.
_OF_CONTAINERS = frozenset({"append", "add", "extend", "insert", "items", "keys", "values", "copy"})
_OF_VALUES = _OF_CONTAINERS | frozenset(
    {"decode", "encode", "format", "isoformat", "join", "lower", "replace", "split", "strip", "upper"}
)
# Methods that give what an object holds as a dictionary or tuple, which is then asked for a key.
_AS_DATA = frozenset({"_asdict", "as_dict", "model_dump", "to_dict"})
# What may be raised where nothing is called.
_WITHOUT_A_CALL = frozenset(
    [
        "ArithmeticError",
        "AssertionError",
        "AttributeError",
        "IndexError",
        "KeyError",
        "LookupError",
        "TypeError",
        "ValueError",
        "ZeroDivisionError",
    ]
)
_SOFT = frozenset({"SoftTimeLimitExceeded"})
_OF_ITERATORS = frozenset({"StopIteration", "StopAsyncIteration"})
_ASKING_ITERATORS = ("~next()", "~anext()")
# What an object of a library asks its server first.
_OPENING = frozenset({"connect", "login"})
_DEPTH = 2
_MAKING = (
    "client",
    "create",
    "current",
    "from_",
    "get_",
    "init",
    "make",
    "new_",
    "resource",
    "session",
    "set_",
)


# Engines, sessions and their makers: all that asks nobody before it is used.
_UNCONNECTED = (
    *(SYNC_ENGINES | ASYNC_ENGINES | SYNC_MAKERS | ASYNC_MAKERS),
    *(f"{session}()" for session in SYNC_SESSIONS | ASYNC_SESSIONS),
    *(f"{maker}()" for maker in SYNC_MAKERS | ASYNC_MAKERS),
)
# What a class may have to say about what its objects are made of.
_CHECKING = frozenset({"__init__", "__setattr__", "__post_init__"})
_CHECKED_BY = frozenset({"validates"})


class Failing:
    """Which statements may raise, and whether a handler gets it."""

    def __init__(self, known: Known) -> None:
        self.handlers = known.of(Handlers)
        self.graph = known.of(CallGraph)
        self.time_limits = known.of(TimeLimits)
        self.pools = known.of(Pools)
        self.project = known.project
        self.functions = known.project.functions

    # ------------------------------------------------------------------ before a name is bound

    def may_come_before(self, body: Body, clause: Step, attempt: Step, bound: Step) -> bool:
        """Whether a handler of a ``try`` may get anything before a statement there has bound its names."""
        caught = self.handlers.caught(body.module, clause)
        return any(self._may_raise(body, step, caught) for step in _until(body.flow, attempt, bound))

    def _may_raise(self, body: Body, step: Step, caught: frozenset[str] | None) -> bool:
        """Whether a statement may raise one of these exceptions; ``None`` for any."""
        if step.kind == "raise":
            return True
        if cannot_fail(step) or self.never_fails(body, step):
            return False
        calls = self.functions.calls(body.module, body.function)
        made = [call for call in (calls[number] for number in step.calls) if not _is_harmless(call)]
        plain = not made and (step.kind == "if" or _is_plain(step))
        if caught is None or not caught.isdisjoint(EVERY_ERROR):
            return not plain and not self._makes_a_row(body, step, calls)
        if caught and caught <= _OF_ITERATORS:
            return step.value in _ASKING_ITERATORS
        if not made and _only_asks(step, calls):
            return False
        if not made:
            return not plain and not caught.isdisjoint(_WITHOUT_A_CALL)
        if caught and caught <= _SOFT:
            return self._soft_limit_possible(body) and any(
                self._may_take_time(body.module, call, _DEPTH) for call in made
            )
        return not self._makes_a_row(body, step, calls)

    def _soft_limit_possible(self, body: Body) -> bool:
        """Whether anything may end the task of a body by a soft limit."""
        if self.pools.of([body.task]).only(*UNFORKED):
            return False
        return self.time_limits.soft_limit_possible(body.task)

    def _may_take_time(self, module: Module, call: Call, depth: int) -> bool:
        """Whether a call may take so long that a limit ends it: it waits, or nobody knows what it does."""
        chain = call.chain
        if chain[:1] == "~" or f"{chain}()" in _HARMLESS or (chain[:1] == "%" and call.leaf() in _OF_VALUES):
            return chain == "~open"
        target = self.graph.target(module, chain)
        if target is None or depth == 0 or target[1].has("while"):
            return True
        inner, function = target
        return any(
            self._may_take_time(inner, each, depth - 1) for each in self.functions.calls(inner, function)
        )

    # ------------------------------------------------------------------ what usually fails

    def gets(self, body: Body, clause: Step, failing: Step) -> bool:
        """Whether a handler gets what a statement may raise."""
        caught = self.handlers.caught(body.module, clause)
        if caught is None:
            return False
        if caught & EVERY_ERROR:
            return True
        possible = set(RAISING.get(failing.value, ()))
        calls = self.functions.calls(body.module, body.function)
        for number in failing.calls:
            chain = calls[number].chain
            possible.update(RAISING.get(f"{chain}()", ()))
            possible.update(UNSENT.get(chain.partition(".")[0], ()))
            model, managed, _ = chain.partition(".objects.")
            if managed and f"{model}.DoesNotExist" in clause.chains:
                return chain.endswith(".get")
        return bool(caught & possible)

    def may_fail(self, body: Body, step: Step) -> bool:
        """Whether it is usual that a statement raises: it asks somebody else for something, or converts."""
        if step.kind == "try" or cannot_fail(step) or self.never_fails(body, step):
            return False
        if step.value in RAISING:
            return True
        calls = self.functions.calls(body.module, body.function)
        own = [step, *(body.flow.below(step) if step.kind in ("if", "for", "while") else ())]
        return any(
            self._call_may_fail(body.module, calls[number], _DEPTH) for each in own for number in each.calls
        )

    def never_fails(self, body: Body, step: Step) -> bool:
        """Whether all that a statement does is to call functions that catch whatever they raise."""
        calls = self.functions.calls(body.module, body.function)
        made = [calls[number] for number in step.calls]
        if step.kind not in ("assign", "expr") or not made or step.value.removesuffix("()") != made[0].chain:
            return False
        targets = [self.graph.target(body.module, call.chain) for call in made]
        return all(target is not None and self._catches_all(*target) for target in targets)

    def _makes_a_row(self, body: Body, step: Step, calls: Sequence[Call]) -> bool:
        """Whether a statement binds an object of a mapped class, made of names, constants and plain calls."""
        outer = next((calls[number] for number in step.calls if calls[number].parent < 0), None)
        if outer is None or step.kind != "assign" or step.value != f"{outer.chain}()":
            return False
        if outer.is_open_ended or not leaf_of_chain(outer.chain)[:1].isupper():
            return False
        module = body.module
        at_hand = all(self._is_at_hand(module, given, calls) for given in outer.takes)
        return at_hand and self._is_mapped(module, outer.chain)

    def _is_at_hand(self, module: Module, given: Argument, calls: Sequence[Call]) -> bool:
        """Whether nothing is usually raised where an argument is worked out."""
        if given.kind == "call":
            call = calls[given.number]
            return not self._call_may_fail(module, call, _DEPTH) and all(
                self._is_at_hand(module, inner, calls) for inner in call.takes
            )
        return given.kind in ("constant", "text", "mapping") or (
            given.kind == "name" and (given.chain[:1] != "%" or "." not in given.chain)
        )

    def _is_mapped(self, module: Module, chain: str) -> bool:
        """Whether a chain names a class that SQLAlchemy or Django maps, which checks nothing by itself."""
        entity = self.project.resolve(module, chain)
        if entity.kind != "class":
            return False
        mapped = False
        for base in self.project.bases(entity):
            class_ = base.class_()
            if class_ is not None and base.module is not None:
                own = [base.module.functions.get(f"{class_.qualname}.{name}") for name in class_.methods]
                if not _CHECKING.isdisjoint(class_.methods) or any(map(_checks, own)):
                    return False
            name = base.name if base.kind == "external" else ""
            mapped = mapped or name in MAPPED_BASES or name == MODEL or name.endswith(MAPPED_BY_ANOTHER)
        return mapped

    def _catches_all(self, module: Module, function: Function) -> bool:
        """Whether a function has nothing that can fail outside of a ``try`` whose handler goes on."""
        if not function.has("try") or function.is_generator or function.decorators:
            return False
        flow = self.functions.of(module, function)
        return all(
            cannot_fail(step)
            or (step.kind == "return" and not _calls(step) and step.value[:1] in ("", "#", "[", "{", "%"))
            or (step.kind == "try" and self._is_guarded(module, flow, step))
            for step in flow.body()
        )

    def _is_guarded(self, module: Module, flow: Flow, attempt: Step) -> bool:
        """Whether what a ``try`` raises ends in a handler that does nothing which can fail."""
        aside = [*flow.body(attempt, "else"), *flow.body(attempt, "finally")]
        if any(_calls(step) for part in aside for step in (part, *flow.below(part))):
            return False
        guarded = False
        for handler in flow.body(attempt, "handler"):
            caught = self.handlers.caught(module, handler)
            guarded = guarded or bool(caught and caught & EVERY_ERROR)
            if any(
                step.kind == "raise" or (_calls(step) and not is_log(step)) for step in flow.below(handler)
            ):
                return False
        return guarded

    def _call_may_fail(self, module: Module, call: Call, depth: int) -> bool:
        name = leaf_of_chain(call.chain)
        if call.in_lambda or not name or f"{call.chain}()" in _HARMLESS:
            return False
        if f"{call.chain}()" in RAISING or call.chain in CONNECTS or call.chain in SOCKETS:
            return True
        if call.chain[:1] == "%":
            return name in WAITING_METHODS and "." in call.chain
        if name[:1].isupper():
            return False  # a constructor
        if ".objects." in call.chain:
            return name not in LAZY  # what a queryset is made of asks nobody yet
        target = self.graph.target(module, call.chain)
        if target is not None:
            inner_module, function = target
            if function.is_generator or depth == 0:
                return False
            complains = function.has("raise") and not self._only_makes(inner_module, function)
            return complains or any(
                self._call_may_fail(inner_module, inner, depth - 1)
                for inner in self.functions.calls(inner_module, function)
            )
        if name in _OPENING and "()." in call.chain:
            return True
        entity = self.project.resolve(module, call.chain)
        path = entity.name if entity.kind == "external" else ""
        root = path.partition(".")[0]
        if not path or root in ("builtins", *sys.stdlib_module_names):
            return False
        if path.startswith(("requests.", "httpx.")) or name in WAITING_METHODS:
            return True
        # A function of a module that nobody has read. What makes or finds an object hardly ever fails.
        return path.count(".") == 1 and "()" not in path and not name.startswith(_MAKING)

    def _only_makes(self, module: Module, function: Function) -> bool:
        """Whether a function gives an engine or a session: what it raises is about how it is configured."""
        made = [f"{v.chain}()" if v.kind == "call" else v.chain for v in function.returns if v.chain]
        return bool(made) and all(self.project.resolve(module, chain).name in _UNCONNECTED for chain in made)


def _checks(method: Function | None) -> bool:
    """Whether a method is called with what an object is given."""
    return method is not None and any(leaf_of_chain(d.chain) in _CHECKED_BY for d in method.decorators)


def _calls(step: Step) -> bool:
    """Whether a statement calls anything."""
    return bool(step.calls) or step.value.endswith("()")


def cannot_fail(step: Step) -> bool:
    """Whether a statement logs, or binds a constant, an empty display or the time."""
    if is_log(step):
        return True
    if step.kind != "assign" or not step.chains:
        return False
    chain = step.value
    return chain[:1] in ("#", "[", "{") or chain in _HARMLESS


def _is_harmless(call: Call) -> bool:
    """Whether a call never fails: it makes a container, or asks one that a name or an item holds."""
    if call.in_lambda or f"{call.chain}()" in _HARMLESS:
        return True
    owner, _, leaf = call.chain.rpartition(".")
    if leaf in _AS_DATA:
        return not call.takes and owner[:1] == "%"
    if leaf == "get" and owner.endswith("()") and leaf_of_chain(owner) in _AS_DATA:
        return bool(call.argument(0).text)
    return call.chain.endswith("[].get") or (call.chain[:1] == "%" and call.leaf() in _OF_CONTAINERS)


def _only_asks(step: Step, calls: Sequence[Call]) -> bool:
    """Whether a statement reads nothing but what its calls are called on: `row.to_dict().get("a") or ""`."""
    chains = [calls[number].chain for number in step.calls]
    if step.value[:1] == "%" and step.value.endswith("()") and leaf_of_chain(step.value) in _AS_DATA:
        chains.append(step.value)  # nobody keeps that call
    asked = {chain.partition(".")[0][1:] for chain in chains}
    return bool(chains) and all(name.lstrip("=@!") in asked for name in step.loads)


def _is_plain(step: Step) -> bool:
    """Whether a statement binds what another name holds, or what a module offers."""
    chain = step.value
    if step.kind != "assign" or chain[:1] in ("?", "*", "|") or "()" in chain or "[" in chain:
        return False
    return bool(chain) and (chain[:1] not in ("%", "'", "~") or "." not in chain)


def _until(flow: Flow, attempt: Step, bound: Step) -> Iterator[Step]:
    """The statements of a ``try`` that are run until one is, itself too, whatever their conditions say.

    Of what stands below an ``if`` only what raises: whether the rest is run, nobody knows.
    """
    for step in flow.body(attempt):
        if step.number > bound.number:
            return
        yield step
        below = (inner for inner in flow.below(step) if inner.number <= bound.number)
        if step.kind in ("if", "match"):
            yield from (inner for inner in below if inner.kind == "raise")
        elif step.kind != "try" or not any(not each.chains for each in flow.body(step, "handler")):
            yield from below
