"""What a maker of the project hands to Celery in the place of the function that it gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from celery_lint.inventory.tasks.layers import KEEPING, Layer, Layers, Wrapping, chain_of
from celery_lint.inventory.tasks.makers import Maker, Makers
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_DEEPEST = 4
#: What is done with a finished task and leaves it as it is: it is kept, or told of.
_HARMLESS = frozenset({"append", "add", "debug", "info", "setdefault"})
_FALSE = frozenset({"#None", "#False", "#0", "'"})


class Way(NamedTuple):
    """One way through a maker, and what it puts around the function, the outermost first.

    ``layers`` is ``None`` where nobody can tell, or where something else than the task comes back.
    ``needs``: the parameters of the maker that must be true for it.
    """

    layers: tuple[Layer, ...] | None
    needs: frozenset[str] = frozenset()


_UNSEEN = Way(None)
_ITSELF = Way(())


class Ways:
    """The ways through the makers of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.makers = known.of(Makers)
        self.layers = known.of(Layers)
        self._of: dict[Key, list[Way]] = {}

    def around(self, task: Task) -> list[Layer] | None:
        """What the maker of a task puts around its function, or nothing where nobody can tell."""
        if task.wrapper is None:
            return []
        absent = self.absent(task)
        open_ = [way for way in self.through(task.wrapper) if absent.isdisjoint(way.needs)]
        if not open_ or any(way.layers is None for way in open_):
            return None
        return [layer for way in open_ for layer in way.layers or ()]

    def absent(self, task: Task) -> frozenset[str]:
        """The parameters of its maker that a task gives nothing, and that are false then."""
        function, key = task.function, task.wrapper
        if function is None or key is None or task.class_ is not None:
            return frozenset()
        at = len(function.decorators) - len(task.inner_decorators) - 1
        maker = self.project.modules[key[0]].functions.get(key[1])
        value = function.decorators[at] if at >= 0 else None
        if maker is None or value is None or (value.kind == "call" and value.open_ended()):
            return frozenset()
        used = self.project.resolve(task.module, value.chain)
        if used.kind != "function" or used.module is None or (used.module.path, used.name) != key:
            return frozenset()
        count = len(value.items) if value.kind == "call" else 1
        filled = {*maker.filled()[:count], *(name for name, _ in value.keywords)}
        return frozenset(
            given.name
            for given in maker.parameters
            if given.name not in filled
            and given.default in _FALSE
            and given.kind in ("positional", "keyword")
        )

    def through(self, key: Key, depth: int = 0) -> list[Way]:
        """The ways through a maker, a function or the class of one."""
        found = self._of.get(key)
        if found is None:
            self._of[key] = []  # one that hands on what it gets to itself has no other way
            module = self.project.modules[key[0]]
            function = module.functions.get(key[1]) or module.functions.get(f"{key[1]}.__call__")
            seen = function is not None and depth <= _DEEPEST
            found = (
                list(self._through(module, function, depth)) if seen and function is not None else [_UNSEEN]
            )
            self._of[key] = found
        return found

    def _through(self, module: Module, function: Function, depth: int) -> Iterator[Way]:
        flow = self.functions.of(module, function)
        steps = [step for step in flow.steps if step.kind == "return"]
        strange = any(_leaf(value) not in KEEPING | {"staticmethod"} for value in function.decorators)
        if not steps or strange or function.is_async or function.is_generator or depth > _DEEPEST:
            yield _UNSEEN
            return
        for step in steps:
            needs = self.needs(module, function, step)
            value = next((value for value in function.returns if _holds(step, value)), None)
            ways: Iterable[Way] = [_UNSEEN]
            if value is not None:
                ways = self._of_value(module, function, value, depth)
                yield from self._changed(module, function, value)
            for way in ways:
                yield way._replace(needs=way.needs | needs)

    def needs(self, module: Module, function: Function, step: Step) -> frozenset[str]:
        """The parameters of the outermost function that must be true for a statement to run."""
        flow, outermost = self.functions.of(module, function), function.qualname.partition("/")[0]
        maker = module.functions.get(outermost)
        found, role = set(), step.role
        for around in flow.ancestors(step):
            said = (around.value[:1] == "!") == (role == "else") and len(around.chains) == 1
            if around.kind == "if" and role in ("body", "else") and said and around.asks_for[:1] == "%":
                found.add(around.asks_for[1:])
            role = around.role
        if maker is None or not found:
            return frozenset()
        found &= {given.name for given in maker.parameters if given.kind in ("positional", "keyword")}
        for each in self.functions.within(module, outermost):
            if each is not maker:
                found -= {given.name for given in each.parameters}
            found -= {name for inner in self.functions.of(module, each).steps for name in inner.stores}
        return frozenset(found)

    def _of_value(self, module: Module, function: Function, value: Value, depth: int) -> Iterator[Way]:
        """What it means that a maker, or a decorator in it, gives back this."""
        if value.kind == "either":
            for item in value.items:
                yield from self._of_value(module, function, item, depth)
            return
        value = self._whole(module, function, value)
        inner = self._nested(module, function, value.chain)
        if value.kind == "name" and inner is not None:
            made = [self.makers.maker(module, each) for each in inner.decorators]
            if not any(made):
                yield from self._through(module, inner, depth + 1)
            for way in self._of_maker(made[0], depth) if any(made) else ():  # `@app.task` above the wrapper
                own: Layer = (self._wrapping(module, inner),)
                yield Way((*way.layers, own)) if way.layers is not None else _UNSEEN
        elif value.kind == "name":
            yield from self._of_maker(self.makers.maker_in(module, function, value), depth)
        elif value.kind == "call" and inner is not None:
            taken = self._handed(module, function, value.items[0], False) if len(value.items) == 1 else None
            for way in self._through(module, inner, depth + 1):
                yield way if taken == () else _UNSEEN
        elif value.kind == "call":
            yield from self._of_call(module, function, value, depth)
        else:
            yield _UNSEEN

    def _whole(self, module: Module, function: Function, value: Value) -> Value:
        """A call with what it is given, also where only the call itself is kept, or what a name holds."""
        value = function.made(value)
        known = value.kind == "call" and bool(value.items or value.keywords)
        called = value.chain if value.kind == "call" else value.chain[:-2]
        if known or (value.kind != "call" and value.chain[-2:] != "()"):
            return value
        calls = self.functions.calls(module, function)
        made = [call for call in calls if call.chain == called and (call.is_bound or call.span == value.span)]
        return _recorded(calls, made[0]) if len(made) == 1 else Value("unknown", value.span)

    def _of_call(self, module: Module, function: Function, value: Value, depth: int) -> Iterator[Way]:
        """``app.task(**options)``, ``app.task(f)``, ``shared_task(**options)(f)``, ``partial(task, x=1)``."""
        made = value.keyword("()")
        maker = self.makers.maker_in(module, function, made or value)
        items = value.items
        if made is None and value.chain == "functools.partial":
            items = items[1:]
        if maker is None:
            yield _UNSEEN
            return
        own = maker.wrapper is None or made is not None
        taken = [self._handed(module, function, item, own) for item in items]
        around = tuple([layer for each in taken for layer in each or ()])
        for way in self._of_maker(maker, depth):
            known = way.layers is not None and None not in taken and (len(items) < 2 or not own)
            yield Way((*(way.layers or ()), *around)) if known else _UNSEEN

    def _of_maker(self, maker: Maker | None, depth: int) -> list[Way]:
        """The ways through one that another uses, whatever it is given."""
        if maker is None:
            return [_UNSEEN]
        if maker.wrapper is None:
            return [_ITSELF]
        return [Way(way.layers) for way in self.through(maker.wrapper, depth + 1)]

    def _handed(
        self, module: Module, function: Function, value: Value, to_celery: bool
    ) -> tuple[Layer, ...] | None:
        """What stands around the function, where this is handed on: to Celery, or to another function.

        An option of the other one is nothing.
        """
        if value.kind == "constant" and not to_celery:
            return ()
        if value.kind == "call":
            if _leaf(value) in KEEPING and value.items:  # `wraps(function)(inner)`
                return self._handed(module, function, value.items[0], to_celery)
            if len(value.items) != 1 or value.keywords:
                return None
            layer = self.layers.decorated(module, value._replace(kind="name"))
            inside = self._handed(module, function, value.items[0], to_celery)
            return (layer, *inside) if layer and inside is not None else None
        inner = self._nested(module, function, value.chain) if value.kind == "name" else None
        if inner is not None:
            return ((self._wrapping(module, inner),),)
        for outer in self._enclosing(module, function):
            for given in outer.parameters:
                if value.chain == chain_of(given) and given.kind == "positional":
                    first = outer.filled()[:1] == [given.name]
                    return (
                        ()
                        if (first or not to_celery) and not self._is_bound(module, outer, given.name)
                        else None
                    )
        return None

    def _nested(self, module: Module, function: Function, chain: str) -> Function | None:
        """A function that is defined in one, or in one around it."""
        found = module.functions.get(chain[1:]) if chain[:1] == ":" and "/" in chain else None
        around = [outer.qualname for outer in self._enclosing(module, function)]
        return found if found is not None and found.parent in around else None

    def _enclosing(self, module: Module, function: Function | None) -> Iterator[Function]:
        """A function, and those that it is defined in."""
        while function is not None and function.name:
            yield function
            function = module.functions.get(function.parent) if function.is_nested() else None

    def _wrapping(self, module: Module, inner: Function) -> Wrapping:
        """A function that is handed to Celery, with the parameter of those around it that it calls."""
        outer = module.functions.get(inner.parent)
        calls = {call.chain for call in self.functions.calls(module, inner)}
        for each in self._enclosing(module, outer):
            for given in each.parameters:
                chain = chain_of(given)
                if given.kind == "positional" and chain in calls:
                    again = self._is_bound(module, each, given.name)
                    again = again or (outer is not None and self._is_bound(module, outer, inner.name))
                    return Wrapping(module, inner, "" if again else chain)
        return Wrapping(module, inner, "")

    def _is_bound(self, module: Module, function: Function, name: str) -> bool:
        """Whether a function gives another value to one of its parameters, or of the functions in it."""
        steps = self.functions.of(module, function).steps
        return any(name in step.stores and step.kind != "def" for step in steps)

    def _changed(self, module: Module, function: Function, value: Value) -> Iterator[Way]:
        """The ways on which something is done to the finished task that is given back."""
        flow = self.functions.of(module, function)
        chain = value.chain
        inner = self._nested(module, function, chain)
        if value.kind != "name" or (inner is None and chain[-2:] != "()"):
            return
        made = [step for step in flow.steps if step.kind == "assign" and step.value == chain]
        names = {name for step in made for name in step.stores}
        names |= {inner.name} if inner is not None else set()
        for step in flow.steps:
            if step.kind in ("return", "def") or names.isdisjoint(step.loads):
                continue
            if self._is_set(step, chain) or self._is_given_away(module, function, flow, step, chain):
                yield Way(None, self.needs(module, function, step))

    def _is_set(self, step: Step, chain: str) -> bool:
        """``task.delay = …``, unlike ``tasks[name] = task``."""
        return step.kind in ("assign", "augment", "delete") and not step.stores and step.value != chain

    def _is_given_away(self, module: Module, function: Function, flow: Flow, step: Step, chain: str) -> bool:
        return any(
            call.hands_on(chain) and call.leaf() not in _HARMLESS | KEEPING
            for call in self.functions.calls(module, function)
            if flow.step_of(call) is step
        )


def _recorded(calls: list[Call], call: Call) -> Value:
    """A call as a value, as far as its record tells."""
    items, keywords = [], []
    for given in call.takes:
        known = Value("unknown", call.span)
        if given.kind == "name":
            known = Value("name", call.span, None, given.chain)
        elif given.kind in ("text", "constant"):
            known = Value("constant", call.span, given.data)
        elif given.kind == "call":
            known = _recorded(calls, calls[given.number])
        if given.keyword or given.kind == "starred":
            keywords.append((given.keyword or "*", known))
        else:
            items.append(known)
    if call.chain[-2:] == "()":  # `plain(acks_late=True)(function)`
        inner = [
            each
            for each in calls
            if each.chain == call.chain[:-2]
            and (each.span.line, each.span.column) == (call.span.line, call.span.column)
        ]
        known = _recorded(calls, inner[0]) if len(inner) == 1 else Value("unknown", call.span)
        keywords.insert(0, ("()", known))
    return Value("call", call.span, None, call.chain, tuple(items), tuple(keywords))


def _holds(step: Step, value: Value) -> bool:
    first, last = (step.span.line, step.span.column), (step.span.end_line, step.span.end_column)
    return first <= (value.span.line, value.span.column) < last


def _leaf(value: Value) -> str:
    return value.chain.rpartition(".")[2].rstrip("()").lstrip(":~")
