"""What becomes of the exceptions of a task: which handler gets one, and whether it lets it go on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, is_decorated
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.set_attributes import SetAttributes

#: What catches an exception of Celery by catching all and sundry.
CATCHES_ANY = frozenset({"BaseException", "Exception", "CeleryError"})
#: What catches Celery's signals to its worker, which are exceptions: Retry, Ignore, Reject.
CATCHES_SIGNALS = CATCHES_ANY | {"TaskPredicate"}
EVERYTHING = "BaseException"
ORDINARY = "Exception"
#: A handler of one of these catches every error there may be.
EVERY_ERROR = frozenset({EVERYTHING, ORDINARY})
_LOGGING = frozenset(
    [
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "critical",
        "fatal",
        "log",
        "print",
        "print_exc",
        "print_exception",
        "format_exc",
    ]
)
#: These end the function, or the process, although nothing says ``raise``.
LEAVING = frozenset({"retry", "replace", "exit", "_exit", "abort", "fail", "skip", "reraise", "raise_with"})
# Whoever calls one of these hands on the text of an exception, not the exception.
_TEXT = frozenset({"str", "repr", "traceback", "format_exc"})
LOOPS = frozenset({"for", "while"})
_ISINSTANCE = "~isinstance()"
_SUPPRESS = "contextlib.suppress"
_MANAGERS = frozenset({"contextmanager", "asynccontextmanager"})


class Handler(NamedTuple):
    """An ``except`` clause in the body of a task that gets every ordinary exception, or a ``with`` that does.

    ``everything``: SystemExit and the like too. ``raises``: on some way it raises, retries or ends the
    process, or nobody can tell. ``attempt`` is its ``try``, or the ``with`` itself.
    """

    body: Body
    step: Step
    attempt: Step
    everything: bool
    raises: bool
    earlier: frozenset[str]

    @property
    def spelled(self) -> str:
        """The clause as messages show it."""
        if not self.step.chains:
            return "except:"
        return f"except {EVERYTHING if self.everything else ORDINARY}"


def is_tried(flow: Flow, attempt: Step, step: Step) -> bool:
    """Whether a statement below a ``try`` stands in its body, not in its handlers or its ``finally``."""
    current = step
    for outer in flow.ancestors(step):
        if outer is attempt:
            return current.role in ("body", "else")
        current = outer
    return False


class Handlers:
    """Where the exceptions of tasks go."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.bodies = known.of(Bodies)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.set_attributes = known.of(SetAttributes)

    def explore(self) -> None:
        """Follow the chains of context managers: they are at home in modules without tasks."""
        for body in [*self.bodies.all, *(body for body, _ in self.bodies.callees)]:
            for call in self.functions.calls(body.module, body.function) if body.function.has("with") else ():
                if call.is_context_manager and call.chain[:1] not in "%~":
                    self.project.resolve(body.module, call.chain)

    # ------------------------------------------------------------------ handlers

    def caught(self, module: Module, handler: Step) -> frozenset[str] | None:
        """What a handler catches, by the last part of its names; ``None`` where that is a variable."""
        if not handler.chains:
            return frozenset({EVERYTHING})
        found = set()
        for chain in handler.chains:
            if chain == "?" or (chain[:1] == "%" and "." not in chain):
                return None
            entity = self.project.resolve(module, chain)
            for each in self._listed(module, chain, entity):
                if each.kind in ("value", "partial") or _may_be_several(each, chain):
                    return None
                if each.kind == "external":
                    found.add(each.name.rpartition(".")[2])
        return frozenset(found)

    def _listed(self, user: Module, chain: str, entity: Entity) -> Iterator[Entity]:
        """What a tuple of exceptions holds that the project names: ``PASSING = (OSError, TimeoutError)``."""
        value, module = entity.value, entity.module
        if entity.kind != "value" or value is None or module is None or value.kind != "sequence":
            yield entity
            return
        for item in value.items:
            found = self.project.resolve(module, item.chain) if item.kind == "name" else entity
            yield found if found.kind in ("external", "class") else entity
        if value.open_ended() or not self._is_bound_once(user, chain, entity):
            yield entity

    def _is_bound_once(self, user: Module, chain: str, tuple_: Entity) -> bool:
        """Whether the name of a tuple never holds another one: by ``+=``, in a branch, by ``global``."""
        names = [(user, chain[1:])] if chain[:1] == ":" else []
        if tuple_.origin is not None:
            path, name = tuple_.origin
            names.append((self.project.modules[path], name))
        elif tuple_.module is not None:
            classes = tuple_.module.classes.values()
            held = [values for class_ in classes for values in class_.attributes.values()]
            if (tuple_.value,) not in held:
                return False
        return leaf_of_chain(chain) not in self.set_attributes.names and all(
            len(home.bindings.get(name, ())) < 2 for home, name in names
        )

    @once
    def handlers(self) -> list[Handler]:
        """The handlers of every ordinary exception in the bodies of tasks."""
        return [handler for body in self.bodies.all for handler in self.handlers_in(body)]

    def handlers_in(self, body: Body) -> Iterator[Handler]:
        """The handlers of every ordinary exception in one body."""
        for attempt in body.flow.steps:
            if attempt.kind != "try":
                continue
            earlier: frozenset[str] = frozenset()
            for step in body.flow.body(attempt, "handler"):
                names = self.caught(body.module, step)
                if names is None:
                    break
                if names & EVERY_ERROR:
                    everything = EVERYTHING in names
                    raises = self.raises(body, step)
                    yield Handler(body, step, attempt, everything, raises, earlier)
                    break
                earlier |= names

    def managers_in(self, body: Body, names: frozenset[str]) -> Iterator[Handler]:
        """The ``with`` statements of a body that keep an exception with one of these names."""
        if body.function.has("with"):
            for step in body.flow.steps:
                if step.kind == "with" and self.keeps(body, step, names):
                    yield Handler(body, step, step, False, False, frozenset())

    def raises(self, body: Body, handler: Step, names: frozenset[str] = frozenset()) -> bool:
        """Whether a handler, on some way, lets the exception go on, or another in its place.

        With the ``names`` that an exception goes by, ways that are for others do not count.
        """
        flow = body.flow
        kept = set(handler.stores)
        for step in flow.below(handler):
            ends = step.kind == "raise" or self._leaves(body, step, handler)
            if ends and not (names and self.is_for_others(body, handler, step, names)):
                return True
            kept.update(step.stores)
        attempt = flow.steps[handler.parent]
        return any(
            step.kind == "raise" and kept & set(step.loads) - _caught_around(flow, step)
            for step in flow.after(attempt)
        )

    def is_for_others(self, body: Body, handler: Step, step: Step, names: frozenset[str]) -> bool:
        """Whether a statement of a handler runs only for exceptions that go by none of these names."""
        current = step
        for outer in body.flow.ancestors(step):
            if outer is handler:
                break
            if current.role == "body" and self.names_others(body, handler, outer, names):
                return True
            current = outer
        return False

    def names_others(self, body: Body, handler: Step, step: Step, names: frozenset[str]) -> bool:
        """Whether an ``if`` asks by ``isinstance`` for exceptions that go by none of these names."""
        if step.kind != "if" or step.value != _ISINSTANCE or step.chains[1:2] != (f"%{handler.name}",):
            return False
        entities = [self.project.resolve(body.module, chain) for chain in step.chains[2:]]
        return all(
            entity.kind in ("class", "external") and entity.name.rpartition(".")[2] not in names
            for entity in entities
        )

    def _leaves(self, body: Body, step: Step, handler: Step) -> bool:
        """Whether a statement may end the function by calling something."""
        if is_log(step):
            return False
        caught = set(handler.stores)
        calls = self.functions.calls(body.module, body.function)
        made = [calls[number] for number in step.calls]
        if any(leaf_of_chain(call.chain) in LEAVING for call in made):
            return True
        if any(self._may_raise(body.module, call, caught) for call in made):
            return True
        if step.kind in ("expr", "assign", "return") and step.value[:1] == "%":
            # A method of something that nobody can see through: does it get the exception, or only its text?
            handed_on = bool(caught.intersection(step.loads)) and _TEXT.isdisjoint(step.loads)
            return step.value.endswith("()") and (handed_on or leaf_of_chain(step.value) in LEAVING)
        return False

    def _may_raise(self, module: Module, call: Call, caught: set[str]) -> bool:
        """Whether a function has a ``raise``, or gets the exception where nobody can look."""
        target = self.graph.target(module, call.chain)
        if target is None:
            given = {argument.chain[1:] for argument in call.takes if argument.chain[:1] == "%"}
            hidden = call.chain[:1] == "%" or self.project.resolve(module, call.chain).kind == "unknown"
            return hidden and not caught.isdisjoint(given)
        return any(step.kind == "raise" for step in self.functions.of(*target).steps)

    def catcher(self, body: Body, step: Step, names: frozenset[str]) -> Step | None:
        """The handler of this function that gets an exception with one of these names, if that is certain.

        A ``with`` stands for the context manager in it that keeps the exception.
        """
        current, flow = step, body.flow
        for outer in flow.ancestors(step):
            if outer.kind == "try" and current.role == "body":
                for handler in flow.body(outer, "handler"):
                    caught = self.caught(body.module, handler)
                    if caught is None:
                        return None
                    if caught & names:
                        return handler
            elif outer.kind == "with" and self.keeps(body, outer, names):
                return outer
            current = outer
        return None

    # ------------------------------------------------------------------ context managers

    def keeps(self, body: Body, step: Step, names: frozenset[str]) -> bool:
        """Whether a context manager of a ``with`` keeps an exception with one of these names for certain."""
        calls = self.functions.calls(body.module, body.function)
        return any(
            self._keeps(body, calls[number], names)
            for number in step.calls
            if calls[number].is_context_manager
        )

    def _keeps(self, body: Body, call: Call, names: frozenset[str]) -> bool:
        if call.chain == _SUPPRESS:
            return bool(self._named(body.module, [given.chain for given in call.takes]) & names)
        entity = self.project.resolve(body.module, call.chain)
        made = self.project.attribute(entity, "__exit__") if entity.kind == "class" else entity
        function, module = made.function(), made.module
        if function is None or module is None:
            return False
        inner = Body(module, function, self.functions.of(module, function), body.task, "callee")
        if entity.kind == "class":
            return _keeps_all(inner)
        if not is_decorated(function, _MANAGERS):
            return False
        for step in inner.flow.steps:
            attempt = inner.flow.inside(step, "try", "body") if step.yields else None
            if attempt is not None:
                return self._kept_by(inner, attempt, body.module, call, names)
        return False

    def _kept_by(self, inner: Body, attempt: Step, module: Module, call: Call, names: frozenset[str]) -> bool:
        """Whether a ``try`` around a ``yield`` keeps what is raised in the ``with``."""
        for handler in inner.flow.body(attempt, "handler"):
            caught = self.caught(inner.module, handler)
            if caught is None:
                caught = self._given(inner, handler, module, call)
            if caught & names:
                return not self.raises(inner, handler, names)
        return False

    def _given(self, inner: Body, handler: Step, module: Module, call: Call) -> frozenset[str]:
        """What a handler catches that catches a parameter: as the call says, or as the default is."""
        found: frozenset[str] = frozenset()
        for position, parameter in enumerate(inner.function.parameters):
            if f"%{parameter.name}" not in handler.chains:
                continue
            if parameter.kind == "*":
                found |= self._named(module, [given.chain for given in call.positional[position:]])
                continue
            given = call.argument(position, parameter.name)
            if given:
                found |= self._named(module, [given.chain])
            else:
                found |= self._named(inner.module, [parameter.default])
        return found

    def _named(self, module: Module, chains: Iterable[str]) -> frozenset[str]:
        """The exceptions outside the project that chains name, by the last part of their names."""
        named = [chain for chain in chains if chain and chain[0] not in "#'?"]
        entities = [self.project.resolve(module, chain) for chain in named]
        return frozenset(e.name.rpartition(".")[2] for e in entities if e.kind == "external")


def _may_be_several(entity: Entity, chain: str) -> bool:
    """Whether what nobody can see may be a tuple of exceptions: ``config.ERRORS``, ``self.errors``.

    Classes are spelled as such, but for some of the standard library's: ``socket.timeout``.
    """
    if entity.kind not in ("external", "unknown"):
        return False
    dotted = entity.name if entity.kind == "external" else chain
    name = leaf_of_chain(dotted).strip("_")
    if dotted.endswith((")", "]")) or name.isupper():
        return True
    is_standard = dotted.partition(".")[0] in sys.stdlib_module_names
    return name[:1].islower() and name != "error" and (not is_standard or name.endswith("s"))


def _keeps_all(body: Body) -> bool:
    """Whether an ``__exit__`` says for every exception that it has been dealt with."""
    flow = body.flow
    kinds = {f"%{parameter.name}" for parameter in body.function.parameters[1:]}
    for step in flow.body():
        if step.kind == "return":
            return step.chains == ("#True",)
        if step.kind == "if":
            inside = flow.body(step)
            told = any(inner.chains == ("#True",) for inner in inside if inner.kind == "return")
            if told and step.asks_for in kinds and not step.asks_in_the_negative:
                return True
        if step.kind == "raise":
            return False
    return False


def _caught_around(flow: Flow, step: Step) -> set[str]:
    """The names that the handlers around a statement give to what they caught: none is an earlier one's."""
    return {name for outer in flow.ancestors(step) if outer.kind == "handler" for name in outer.stores}


def is_log(step: Step) -> bool:
    """Whether a statement writes a line to a log, or is a text that does nothing."""
    if step.kind != "expr" or not step.chains:
        return False
    chain = step.value
    return chain.startswith("#") or (chain.endswith("()") and leaf_of_chain(chain) in _LOGGING)


def in_loop(flow: Flow, step: Step) -> Step | None:
    """The innermost loop that a statement is repeated by."""
    current = step
    for outer in flow.ancestors(step):
        if outer.kind in LOOPS and current.role == "body":
            return outer
        current = outer
    return None


def fails_itself(handler: Handler) -> bool:
    """Whether a handler reads a name that only other handlers bind: it is gone there, UnboundLocalError."""
    flow, step = handler.body.flow, handler.step
    bound = {name for other in flow.steps if other.kind == "handler" for name in other.stores}
    kept = {name for other in flow.steps if other.kind != "handler" for name in other.stores}
    around = {*step.stores, *_caught_around(flow, step)}
    given = {parameter.name for parameter in handler.body.function.parameters}
    gone = bound - kept - around - given
    return any(not gone.isdisjoint(inner.loads) for inner in flow.body(step))
