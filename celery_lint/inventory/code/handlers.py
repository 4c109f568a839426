"""What becomes of the exceptions of a task: which handler gets one, and whether it lets it go on."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

#: What catches an exception of Celery by catching all and sundry.
CATCHES_ANY = frozenset({"BaseException", "Exception", "CeleryError"})
#: What catches Celery's signals to its worker, which are exceptions: Retry, Ignore, Reject.
CATCHES_SIGNALS = CATCHES_ANY | {"TaskPredicate"}
EVERYTHING = "BaseException"
ORDINARY = "Exception"
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
# These end the function, or the process, although nothing says ``raise``.
_LEAVING = frozenset({"retry", "replace", "exit", "_exit", "abort", "fail", "skip", "reraise", "raise_with"})
# Whoever calls one of these hands on the text of an exception, not the exception.
_TEXT = frozenset({"str", "repr", "traceback", "format_exc"})
LOOPS = frozenset({"for", "while"})


class Handler(NamedTuple):
    """An ``except`` clause in the body of a task that gets every ordinary exception.

    ``everything``: SystemExit and the like too. ``raises``: on some way it raises, retries or ends the
    process, or nobody can tell. ``attempt`` is its ``try``.
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
            if entity.kind in ("value", "partial"):
                return None
            if entity.kind == "external":
                found.add(entity.name.rpartition(".")[2])
        return frozenset(found)

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
                if names & {EVERYTHING, ORDINARY}:
                    everything = EVERYTHING in names
                    raises = self.raises(body, step)
                    yield Handler(body, step, attempt, everything, raises, earlier)
                    break
                earlier |= names

    def raises(self, body: Body, handler: Step) -> bool:
        """Whether a handler, on some way, lets the exception go on, or another in its place."""
        flow = body.flow
        kept = set(handler.stores)
        for step in flow.below(handler):
            if step.kind == "raise" or self._leaves(body, step, handler):
                return True
            kept.update(step.stores)
        attempt = flow.steps[handler.parent]
        return any(step.kind == "raise" and kept & set(step.loads) for step in flow.after(attempt))

    def _leaves(self, body: Body, step: Step, handler: Step) -> bool:
        """Whether a statement may end the function by calling something."""
        if is_log(step):
            return False
        caught = set(handler.stores)
        calls = self.functions.calls(body.module, body.function)
        made = [calls[number] for number in step.calls]
        if any(leaf_of_chain(call.chain) in _LEAVING for call in made):
            return True
        if any(self._may_raise(body.module, call, caught) for call in made):
            return True
        if step.kind in ("expr", "assign", "return") and step.value[:1] == "%":
            # A method of something that nobody can see through: does it get the exception, or only its text?
            handed_on = bool(caught.intersection(step.loads)) and _TEXT.isdisjoint(step.loads)
            return step.value.endswith("()") and (handed_on or leaf_of_chain(step.value) in _LEAVING)
        return False

    def _may_raise(self, module: Module, call: Call, caught: set[str]) -> bool:
        """Whether a function has a ``raise``, or gets the exception where nobody can look."""
        target = self.graph.target(module, call.chain)
        if target is None:
            given = {argument.chain[1:] for argument in call.takes if argument.chain[:1] == "%"}
            hidden = call.chain[:1] == "%" or self.project.resolve(module, call.chain).kind == "unknown"
            return hidden and not caught.isdisjoint(given)
        return any(step.kind == "raise" for step in self.functions.of(*target).steps)

    def catcher(self, module: Module, flow: Flow, step: Step, names: frozenset[str]) -> Step | None:
        """The handler of this function that gets an exception with one of these names, if that is certain."""
        current = step
        for outer in flow.ancestors(step):
            if outer.kind == "try" and current.role == "body":
                for handler in flow.body(outer, "handler"):
                    caught = self.caught(module, handler)
                    if caught is None:
                        return None
                    if caught & names:
                        return handler
            current = outer
        return None

    def swallows(self, body: Body, step: Step, names: frozenset[str]) -> Step | None:
        """The handler that ends the way of an exception raised at a statement of a task."""
        handler = self.catcher(body.module, body.flow, step, names)
        if handler is None or self.raises(body, handler):
            return None
        return handler

    # ------------------------------------------------------------------ finally


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
