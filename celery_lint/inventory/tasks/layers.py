"""What stands around a task's own function: the wrappers that the project's decorators put there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Parameter, Value
from celery_lint.project.entity import Entity, Key, is_decorated
from celery_lint.project.known import Known

#: Decorators after which a function stands itself around those that it decorates.
_TURNED = frozenset({"contextmanager", "decorator"})
_CONTEXT_DECORATOR = "contextlib.ContextDecorator"
#: These give back the function that they get.
KEEPING = frozenset({"wraps", "update_wrapper"})
_ASKING_FOR_COROUTINES = "iscoroutinefunction"
_DEEPEST = 4


class Wrapping(NamedTuple):
    """A function that runs in the place of another. ``inner`` is the chain by which it calls that one, if
    it calls it."""

    module: Module
    function: Function
    inner: str

    @property
    def key(self) -> Key:
        """Path and qualified name."""
        return self.module.path, self.function.qualname


Layer = tuple[Wrapping, ...]
"""The wrappings of one decorator, one of which runs; none where nobody can see what it does."""


class Layers:
    """The layers around the functions of tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.makers = known.of(Makers)
        self.tasks = known.of(Tasks)
        self._made: dict[Key, Layer] = {}
        self._of: dict[Key, list[Layer]] = {}

    def of(self, task: Task) -> list[Layer]:
        """The layers around a task's function, the outermost first."""
        found = self._of.get(task.key)
        if found is None:
            found = self.below(task)
            if task.wrapper is not None:
                found.insert(0, self._maker(task.wrapper))
            self._of[task.key] = found
        return found

    def below(self, task: Task) -> list[Layer]:
        """The layers of the decorators below that of a task."""
        return [self.decorated(task.module, value) for value in task.inner_decorators]

    def explore(self) -> None:
        """Follow the decorators to the modules that they are written in."""
        for task in self.tasks.product:
            for value in task.inner_decorators:
                self.project.resolve(task.module, value.chain)

    def around(self, task: Task) -> list[Wrapping]:
        """The wrappings that run with a task, the outermost first."""
        found = [wrapping for layer in self.of(task) for wrapping in layer]
        if task.function is None or task.function.is_async:
            return found
        # A decorator for both kinds of functions has a wrapper for each.
        return [wrapping for wrapping in found if not wrapping.function.is_async]

    # ------------------------------------------------------------------ what Celery gets

    def coroutine(self, task: Task) -> tuple[Module, Function] | None:
        """The ``async def`` that Celery calls for a task: its own or one of a layer, if that is certain."""
        function = task.function
        if function is None:
            return None
        for layer in self.of(task):
            given = {self._gives(wrapping) for wrapping in layer}
            if "coroutine" in given and (len(given) == 1 or (function.is_async and self._asks(layer[0]))):
                chosen = next(w for w in layer if self._gives(w) == "coroutine")
                return chosen.module, chosen.function
            if given != {"same"}:
                return None
        return (task.module, function) if function.is_async else None

    def _gives(self, wrapping: Wrapping) -> str:
        """What a wrapping returns: ``coroutine``, the ``same`` as what it stands around, or ``other``."""
        module, function, inner = wrapping
        if any(self.changes(module, value) for value in function.decorators) or self.is_handed_on(wrapping):
            return "other"
        if function.is_async:
            return "other" if function.is_generator else "coroutine"
        if function.is_generator:
            return "same"  # a context manager
        made = [call for call in self.functions.calls(module, function) if call.chain == inner]
        plain = inner and made and not function.hands_on(inner) and all(_is_given_back(c) for c in made)
        return "same" if plain else "other"

    def changes(self, module: Module, value: Value) -> bool:
        """Whether a decorator may make something else of a function."""
        leaf = value.chain.rpartition(".")[2].rstrip("()").lstrip(":~")
        return leaf not in KEEPING | _TURNED and self.makers.maker(module, value) is None

    def is_handed_on(self, wrapping: Wrapping) -> bool:
        """Whether a function around it hands a wrapping to what may make something else of it."""
        module, function, _ = wrapping
        outer = module.functions.get(function.parent)
        chain = f":{function.qualname}"
        if outer is None or not outer.hands_on(chain):
            return False
        for call in self.functions.calls(module, outer):
            if call.hands_on(chain) and call.chain.rpartition(".")[2].rstrip("()") not in KEEPING:
                callee = call.chain.removesuffix("()")
                value = Value("call" if callee != call.chain else "name", call.span, None, callee)
                if self.makers.maker(module, value) is None:
                    return True
        return False

    def _asks(self, wrapping: Wrapping) -> bool:
        """Whether the decorator of a wrapping tells coroutine functions from others."""
        outer = wrapping.module.functions.get(wrapping.function.parent)
        return outer is not None and outer.mentions(_ASKING_FOR_COROUTINES)

    # ------------------------------------------------------------------ what a decorator puts around

    def decorated(self, module: Module, value: Value) -> Layer:
        """The layer of a decorator, called or not."""
        entity = self.project.resolve(module, value.chain)
        for _ in range(_DEEPEST):
            given = entity.value.first() if entity.kind == "partial" and entity.value is not None else None
            if given is None or entity.module is None:
                break
            entity = self.project.value_entity(entity.module, given)
        return self._layer(entity)

    def _maker(self, key: Key, depth: int = 0) -> Layer:
        """The layer of a maker of tasks that the project wrote, or of another that it uses."""
        path, name = key
        module = self.project.modules.get(path)
        if module is None or depth > _DEEPEST:
            return ()
        found = self._layer(Entity("function" if name in module.functions else "class", name, module))
        for function in () if found else self.functions.within(module, name):
            for call in self.functions.calls(module, function):
                used = self.project.resolve(module, call.chain.removesuffix("()"))
                other = (used.module.path, used.name) if used.module is not None else key
                if other != key and other in self.makers.wrappers:
                    return self._maker(other, depth + 1)
        return found

    def _layer(self, entity: Entity) -> Layer:
        module = entity.module
        if module is None or entity.kind not in ("function", "class", "instance"):
            return ()
        key = (module.path, entity.name)
        found = self._made.get(key)
        if found is None:
            self._made[key] = ()  # a decorator that decorates itself
            made = self._of_function(module, entity.name)
            if entity.kind != "function":
                made = self._of_class(entity._replace(kind="instance"))
            found = self._made[key] = tuple(made)
        return found

    def _of_function(self, module: Module, qualname: str) -> Iterator[Wrapping]:
        """The functions in a decorator that run in the place of what it decorates."""
        function = module.functions.get(qualname)
        if function is None:
            return
        if is_decorated(function, _TURNED):
            first = function.parameters[:1] if not function.is_generator else ()
            yield Wrapping(module, function, chain_of(first[0]) if first else "")
            return
        family = self.functions.within(module, qualname)
        outer, taken = self._takes_function(family)
        if outer is None or taken is None:
            return
        yield from self._in_place(module, outer, taken, family)
        if outer.may_call("partial"):
            yield from self._bound(module, outer, taken)

    def _in_place(
        self, module: Module, outer: Function, taken: Parameter, family: list[Function]
    ) -> Iterator[Wrapping]:
        """The functions in one that use its parameter, or each other, and that none of the others uses."""
        name = taken.name
        inside = [inner for inner in family if inner.parent == outer.qualname]
        reads = {
            inner.name: {load for step in self.functions.of(module, inner).steps for load in step.loads}
            for inner in inside
        }
        using = {name}
        chain = chain_of(taken)
        for _ in inside[:_DEEPEST]:
            using |= {inner.name for inner in inside if not using.isdisjoint(reads[inner.name])}
        for inner in inside:
            own = reads[inner.name]
            used = any(inner.name in reads[other.name] for other in inside if other is not inner)
            if not used and not using.isdisjoint(own):
                yield Wrapping(module, inner, chain if name in own else "")

    def _takes_function(self, family: list[Function]) -> tuple[Function | None, Parameter | None]:
        """The function of a decorator that gets what it decorates, and the parameter: others in it use it.

        ``def locked(timeout): def decorate(f): def run(*args): return f(*args)``: it is ``decorate``.
        """
        best: tuple[int, int, Function | None, Parameter | None] = (-1, -1, None, None)
        for outer in family:
            inside = [inner for inner in family if inner.qualname.startswith(f"{outer.qualname}/")]
            for parameter in outer.parameters:
                chain = chain_of(parameter)
                called = any(f"\n{chain}\t" in f"\n{inner.packed_calls}" for inner in inside)
                if parameter.kind == "positional" and (
                    called or any(inner.hands_on(chain) for inner in [outer, *inside])
                ):
                    rank = (int(called), outer.qualname.count("/"), outer, parameter)
                    if rank[:2] > best[:2]:
                        best = rank
        return best[2], best[3]

    def _bound(self, module: Module, outer: Function, taken: Parameter) -> Iterator[Wrapping]:
        """``return partial(run_locked, f)``: a function beside the decorator runs in its place."""
        chain = chain_of(taken)
        for call in self.functions.calls(module, outer):
            if call.leaf() == "partial" and call.hands_on(chain):
                target = self.project.resolve(module, call.argument(0).chain)
                function = target.function()
                if function is not None and target.module is not None:
                    given = function.parameter_given(call.of_what_it_is_given(), chain)
                    own = next((each for each in function.parameters if each.name == given), None)
                    yield Wrapping(target.module, function, chain_of(own) if own is not None else "")

    def _of_class(self, entity: Entity) -> Iterator[Wrapping]:
        """The methods of a class that run around what its objects, or itself, decorate."""
        if any(base.name == _CONTEXT_DECORATOR for base in self.project.bases(entity)):
            for name in ("__enter__", "__exit__"):
                method = self.project.attribute(entity, name)
                function = method.function()
                if function is not None and method.module is not None:
                    yield Wrapping(method.module, function, "")
            return
        method = self.project.attribute(entity, "__call__")
        function = method.function()
        if function is None or method.module is None:
            return
        inner = list(self._of_function(method.module, function.qualname))
        if inner:
            yield from inner
            return
        kept = f":{function.owner}()."
        calls = self.functions.calls(method.module, function)
        own = next((call.chain for call in calls if self._is_kept(method.module, call, kept)), "")
        yield Wrapping(method.module, function, own)

    def _is_kept(self, module: Module, call: Call, kept: str) -> bool:
        """Whether a call is of an attribute that the object got when it was made: ``self.function()``."""
        name = call.chain.removeprefix(kept)
        class_ = module.classes.get(kept[1:].partition("()")[0])
        return (
            name != call.chain
            and name.isidentifier()
            and class_ is not None
            and any(value.chain[:1] == "%" for value in class_.attributes.get(name, ()))
        )


def chain_of(parameter: Parameter) -> str:
    """What names a parameter in its function: with a class as annotation, an instance of that."""
    seen_through = parameter.annotation and parameter.annotation[0] != "~"
    return f"{parameter.annotation}()" if seen_through else f"%{parameter.name}"


def _is_given_back(call: Call) -> bool:
    return call.is_returned and not (call.is_awaited or call.is_argument or call.in_lambda)
