"""Exceptions that end in a handler of the task instead of at the worker, and those that are logged twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import (
    CATCHES_ANY,
    CATCHES_SIGNALS,
    EVERY_ERROR,
    Handler,
    Handlers,
    fails_itself,
    in_loop,
    is_log,
    is_tried,
)
from celery_lint.inventory.code.waiting import Waiting
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts, once
from celery_lint.project.memory import Remembered

_SIGNALS = ("Retry", "Ignore", "Reject")
_COMPOUND = frozenset({"with", "try"})
# A condition that reads one of these, or the exception, may tell Celery's exceptions from others.
_TOLD_BY = frozenset({"Retry", "Ignore", "TaskPredicate", "sys"})


class SwallowedSignal(NamedTuple):
    """A retry, or another exception that speaks to the worker, which a handler of the task swallows.

    ``what`` is how messages call it. ``place`` is where it is raised, or where the task calls the function
    that does so at ``raised``.
    """

    body: Body
    place: Place
    what: str
    handler: Step
    raised: Place | None


class RepeatedRetry(NamedTuple):
    """A retry whose exception a handler of the task answers with another retry, at ``again``."""

    body: Body
    place: Place
    handler: Step
    raised: Place | None
    again: Place


class WideHandler(NamedTuple):
    """A handler of every ordinary exception around most of what a task does, and how it ends.

    ``ending``: ``silent`` (at most a line in a log) or ``value`` (it returns something).
    """

    handler: Handler
    ending: str
    step: Step


class LoggedTwice(NamedTuple):
    """A handler that logs an exception and raises it again, into another (``outer``) that does the same."""

    body: Body
    step: Step
    outer: Place


class BlanketHandler(NamedTuple):
    """A handler that catches what ends a process, and does not let it go on."""

    handler: Handler


class Swallowing:
    """What the handlers of tasks keep from the worker."""

    def __init__(self, known: Known) -> None:
        self.handlers = known.of(Handlers)
        self.waiting = known.of(Waiting)
        self.bodies = known.of(Bodies)
        self.project = known.project
        self.functions = known.project.functions
        self.in_force = known.of(OptionsInForce)
        self.retry_calls = known.of(RetryCalls)
        self.retries = known.of(Retries)
        # How many statements of a function do something.
        self._working = Remembered[int](lambda flow: sum(map(_works, flow.steps)))

    # ------------------------------------------------------------------ retries and their like

    @once
    def _caught(self) -> list[SwallowedSignal | RepeatedRetry]:
        found: dict[tuple[Place, Step], SwallowedSignal | RepeatedRetry] = {}
        # A decorator is told of once for all its tasks.
        for fact in [*self._retries(), *self._raised(), *self._replaced()]:
            found.setdefault((fact.place, fact.handler), fact)
        return list(found.values())

    @facts
    def signals(self) -> list[SwallowedSignal]:
        """The retries, rejections and refusals that nobody but the task hears of."""
        return [fact for fact in self._caught if isinstance(fact, SwallowedSignal)]

    @facts
    def repeated(self) -> list[RepeatedRetry]:
        """The retries that are sent twice."""
        return [fact for fact in self._caught if isinstance(fact, RepeatedRetry)]

    def _retries(self) -> Iterator[SwallowedSignal | RepeatedRetry]:
        for retry in self.retry_calls.all:
            step = retry.step
            if step is None or not retry.tasks or retry.call.in_lambda or self.retries.gives_up(retry):
                continue
            thrown = retry.given("throw")
            if retry.value.open_ended() or (thrown is not None and thrown.data is not True):
                continue
            flow = self.functions.of(retry.module, retry.function)
            body = self.bodies.by_key.get((retry.module.path, retry.function.qualname))
            body = body or Body(retry.module, retry.function, flow, retry.tasks[0], "callee")
            yield from self._swallowed(body, step, "Retry", retry.place, "retry()")

    def _raised(self) -> Iterator[SwallowedSignal | RepeatedRetry]:
        for body in self.bodies.all:
            for step in body.flow.steps:
                if step.kind == "raise" and step.chains:
                    leaf = leaf_of_chain(step.value)
                    if leaf in _SIGNALS and self._is_celery(body, step.value, leaf):
                        yield from self._swallowed(body, step, leaf, body.place(step), leaf)

    def _replaced(self) -> Iterator[SwallowedSignal | RepeatedRetry]:
        """The calls of ``self.replace``, which end the task like a retry."""
        for body in self.bodies.all:
            task = body.task
            if not body.function.may_call(".replace") or not self.in_force.is_bound(task):
                continue
            if task.function is None or not task.function.parameters:
                continue
            chain = f"%{task.function.first()}.replace"
            for call in self.functions.calls(body.module, body.function):
                step = body.flow.step_of(call) if call.chain == chain and not call.in_lambda else None
                if step is not None:
                    yield from self._swallowed(
                        body, step, "Ignore", body.module.place(call.span), "replace()"
                    )

    def _is_celery(self, body: Body, chain: str, leaf: str) -> bool:
        name = self.project.resolve(body.module, chain.removesuffix("()")).name
        return name in (f"celery.exceptions.{leaf}", f"celery.{leaf}")

    def _swallowed(
        self, body: Body, step: Step, name: str, place: Place, what: str
    ) -> Iterator[SwallowedSignal | RepeatedRetry]:
        """The handler that keeps an exception of Celery, in the function or where the task calls it."""
        names = CATCHES_SIGNALS | {name}
        raised = None
        handler = self.handlers.catcher(body, step, names)
        for outer, call in self.bodies.outwards(body):
            if handler is not None or self._uncertain(body, step):
                break
            raised = raised or place
            body, step = outer, call
            place = body.place(step)
            handler = self.handlers.catcher(body, step, names)
        if handler is None or not self._is_any(body, handler):
            return  # who names Celery's exception means it
        if handler.kind == "with" or not self.handlers.raises(body, handler, names):
            yield SwallowedSignal(body, place, what, handler, raised)
        elif name == "Retry":
            again = self._again(body, handler, names)
            if again is not None:
                yield RepeatedRetry(body, place, handler, raised, again)

    def _is_any(self, body: Body, handler: Step) -> bool:
        """Whether a handler, or the context manager of a ``with``, catches all and sundry."""
        if handler.kind == "with":
            return self.handlers.keeps(body, handler, CATCHES_ANY)
        caught = self.handlers.caught(body.module, handler)
        return caught is not None and bool(caught & CATCHES_ANY)

    def _again(self, body: Body, handler: Step, names: frozenset[str]) -> Place | None:
        """The retry that a handler asks for when it has caught an exception that goes by these names."""
        flow = body.flow
        below = flow.below(handler)
        asking = _asking(handler, below)
        for retry in self.retry_calls.all:
            step = retry.step
            if retry.function is not body.function or step is None or step not in below:
                continue
            if self.retries.gives_up(retry) or self.handlers.is_for_others(body, handler, step, names):
                continue
            around = list(flow.ancestors(step))
            for question in asking:
                ends = flow.ends(flow.body(question)) or flow.ends(flow.body(question, "else"))
                before = question.number < step.number and ends
                # It may be asked for this very exception: only where others are named, its way is known.
                if (question in around or before) and not self.handlers.names_others(
                    body, handler, question, names
                ):
                    return None
            return retry.place
        return None

    def _uncertain(self, body: Body, step: Step) -> bool:
        """Whether a ``try`` around a statement has a handler that nobody can see through."""
        return any(
            self.handlers.caught(body.module, handler) is None
            for outer in body.flow.ancestors(step)
            if outer.kind == "try"
            for handler in body.flow.body(outer, "handler")
        )

    @once
    def _signalled(self) -> set[tuple[str, int]]:
        """The handlers that a swallowed retry is told for, by path and line."""
        return {(fact.body.module.path, fact.handler.span.line) for fact in self.signals}

    def _is_told(self, handler: Handler) -> bool:
        return (handler.body.module.path, handler.step.span.line) in self._signalled

    # ------------------------------------------------------------------ handlers around most of a task

    @facts
    def wide(self) -> list[WideHandler]:
        """The handlers around most of what a task does that keep its failure from the worker."""
        found = []
        for handler in self.handlers.handlers:
            if handler.raises or handler.everything or self._is_told(handler) or not self._covers(handler):
                continue
            ending = self._ending(handler)
            if ending is not None:
                found.append(WideHandler(handler, *ending))
        return found

    def _covers(self, handler: Handler) -> bool:
        """Whether the ``try`` holds more than half of the statements and stands under no condition."""
        flow, attempt = handler.body.flow, handler.attempt
        if not self._is_all(handler.body) or not self.bodies.has_a_run(handler.body):
            return False
        if in_loop(flow, attempt) is not None or any(
            outer.kind not in _COMPOUND for outer in flow.ancestors(attempt)
        ):
            return False
        if flow.inside(attempt, "try", "handler") or flow.inside(attempt, "try", "finally"):
            return False
        key = handler.body.module.path, handler.body.function.qualname
        below = flow.below(attempt)
        outside = self._working.of(key, flow) - sum(map(_works, below))
        return sum(is_tried(flow, attempt, step) for step in below) > outside

    def _is_all(self, body: Body) -> bool:
        """Whether a body is all that its task does: a coroutine, where the task only runs it."""
        start = self.bodies.started_at(body)
        if start is None:
            return True
        outer, step = start
        calls = self.functions.calls(outer.module, outer.function)
        others = [each for each in outer.flow.steps if each is not step and _works(each)]
        return not any(
            not calls[number].chain.startswith(("asyncio.", "uvloop.")) and "loop" not in calls[number].chain
            for each in others
            for number in each.calls
        )

    def _ending(self, handler: Handler) -> tuple[str, Step] | None:
        flow = handler.body.flow
        steps = flow.below(handler.step)
        for step in steps:
            if step.kind == "return" and step.chains != ("#None",):
                return "value", step
        if self._is_cleanup(handler.body):
            return None
        steps += [
            s for s in flow.below(handler.attempt) if flow.inside(s, "try", "finally") is handler.attempt
        ]
        quiet = all(step.kind in ("pass", "return") or is_log(step) for step in steps)
        if not quiet:
            return None
        later = [s for s in flow.after(handler.attempt) if s.parent == handler.attempt.parent]
        if any(not (is_log(s) or (s.kind == "return" and s.chains == ("#None",))) for s in later):
            return None
        if handler.body.role == "coroutine" and any(
            step.kind == "return" and step.chains != ("#None",) for step in flow.steps
        ):
            return None  # its caller can tell
        return "silent", handler.step

    def _is_cleanup(self, body: Body) -> bool:
        """Whether a body is the coroutine of something that a handler or a ``finally`` of its task does."""
        if body.role != "coroutine":
            return False
        start = self.bodies.started_at(body)
        if start is None:
            return True
        flow, step = start[0].flow, start[1]
        return bool(flow.inside(step, "try", "handler") or flow.inside(step, "try", "finally")) or any(
            outer.kind == "handler" for outer in flow.ancestors(step)
        )

    # ------------------------------------------------------------------ bare except, BaseException

    @facts
    def blankets(self) -> list[BlanketHandler]:
        """The handlers that keep a revoke or a shutdown from ending the task."""
        return [
            BlanketHandler(handler)
            for handler in self.handlers.handlers
            if handler.everything
            and not handler.raises
            and "SystemExit" not in handler.earlier
            and not self._is_told(handler)
            and self._can_wait(handler)
            and self._works_on(handler)
            and not fails_itself(handler)
        ]

    def _can_wait(self, handler: Handler) -> bool:
        """Whether what is tried waits for something: elsewhere hardly anything is ever interrupted."""
        return any(
            self._waits(handler.body, step) or step.waits
            for step in handler.body.flow.below(handler.attempt)
            if is_tried(handler.body.flow, handler.attempt, step)
        )

    def _works_on(self, handler: Handler) -> bool:
        """Whether there is still work to do after the handler; without any, the task ends anyway."""
        body, flow = handler.body, handler.body.flow
        inside = flow.below(handler.step)
        if flow.ends(flow.body(handler.step)):
            return any(step.kind == "continue" for step in inside)
        if in_loop(flow, handler.attempt) is not None:
            return True
        again = [step for step in inside if in_loop(flow, step) in inside]  # what it does once is its last
        return any(self._waits(body, step) for step in [*again, *flow.after(handler.attempt)])

    def _waits(self, body: Body, step: Step) -> bool:
        calls = self.functions.calls(body.module, body.function)
        return any(self.waiting.waits(body.module, calls[number]) for number in step.calls)

    # ------------------------------------------------------------------ logged more than once

    @facts
    def logged_twice(self) -> list[LoggedTwice]:
        """The handlers that log what another one, further out in the task, logs again."""
        found = []
        for handler in self.handlers.handlers:
            if self._logs_and_raises(handler.body, handler.step):
                outer = self._outer(handler.body, handler.attempt)
                if outer is not None:
                    found.append(LoggedTwice(handler.body, handler.step, outer))
        return found

    def _logs_and_raises(self, body: Body, step: Step) -> bool:
        steps = body.flow.body(step)
        if len(steps) < 2 or not all(is_log(inner) for inner in steps[:-1]):
            return False
        last = steps[-1]
        again = not last.chains or (step.stores and last.chains == (f"%{step.name}",))
        return last.kind == "raise" and bool(again)

    def _outer(self, body: Body, attempt: Step) -> Place | None:
        handler = self.handlers.catcher(body, attempt, EVERY_ERROR)
        if handler is None:
            start = self.bodies.started_at(body)
            if start is None:
                return None
            body, step = start
            handler = self.handlers.catcher(body, step, EVERY_ERROR)
        if handler is None or not self._logs_and_raises(body, handler):
            return None
        return body.place(handler)


def _asking(handler: Step, below: Sequence[Step]) -> list[Step]:
    """The conditions in a handler that look at what was caught."""
    seen = {*handler.stores, *_TOLD_BY}
    found = []
    for step in below:
        if seen.isdisjoint(step.loads):
            continue
        if step.kind in ("if", "while", "match", "assert", "case"):
            found.append(step)
        elif step.kind == "assign":
            seen.update(step.stores)
    return found


def _works(step: Step) -> bool:
    """Whether a statement does something besides holding others and logging."""
    return step.kind not in (*_COMPOUND, "import") and not is_log(step)
