"""Whether what stands around the function of a task gives it all that it gets."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from celery_lint.inventory.application.applications import is_task_base
from celery_lint.inventory.tasks.layers import Layer, Layers, Wrapping
from celery_lint.inventory.tasks.made.ways import Ways
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Parameter
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

#: With these a mapping is changed, or a list.
_CHANGING = frozenset({"pop", "popitem", "update", "setdefault", "clear"})
_BINDING = frozenset({"assign", "augment", "delete"})
#: These show what they are given.
_TELLING = frozenset({"debug", "info", "warning", "error", "exception", "log"})
_DEEPEST = 2


class HandingOn:
    """What the layers around the functions of tasks hand on."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.layers = known.of(Layers)
        self.ways = known.of(Ways)

    def taken_by(self, layers: Iterable[Layer]) -> frozenset[str] | None:
        """The keywords that layers keep for themselves, if they hand on everything else as it is."""
        found: set[str] = set()
        for layer in layers:
            for wrapping in layer:
                taken = self._taken(wrapping)
                if taken is None:
                    return None
                found.update(call.argument(0).text for call in taken)
            if not layer:
                return None
        return frozenset(found)

    def _taken(self, wrapping: Wrapping) -> list[Call] | None:
        """``def run(*args, **kwargs): return f(*args, **kwargs)``, whatever it does around that.

        It may take out before what it names: ``kwargs.pop("trace")``. Those calls are what is told.
        """
        module, function, inner = wrapping
        if [parameter.kind for parameter in function.parameters] != ["*", "**"] or not inner:
            return None
        if any(self.layers.changes(module, value) for value in function.decorators):
            return None
        calls = self.functions.calls(module, function)
        made = [call for call in calls if call.chain == inner]
        if not made or self.layers.is_handed_on(wrapping):
            return None
        flow = self.functions.of(module, function)
        args, kwargs = [parameter.name for parameter in function.parameters]
        given = _keywords_of(made[0])
        for call in made:
            step = flow.step_of(call)
            passed = [each.keyword or each.kind for each in call.takes] == ["starred", "**"]
            if not passed or not call.takes[0].data or not given or _keywords_of(call) != given:
                return None
            if step is not None and not {args, kwargs}.issubset(step.loads):
                return None
        taken = [call for call in calls if call.chain == f"{given}.pop" and call.argument(0).text]
        others = [call for call in calls if call not in taken]
        late = any(call.number > made[0].number for call in taken)
        if late or any(call.leaf() in _CHANGING or self._may_change(module, call, given) for call in others):
            return None
        return None if any(_binds(step, (args, kwargs)) for step in flow.steps) else taken

    def _may_change(self, module: Module, call: Call, given: str, depth: int = 0) -> bool:
        """Whether a call gets the very mapping or sequence, and may put something in it."""
        handed = any(each.chain == given and each.keyword != "**" for each in call.takes)
        if not handed or call.leaf() in _TELLING:
            return False
        callee = self.project.resolve(module, call.chain.removesuffix("()"))
        function, home = callee.function(), callee.module
        if function is None or home is None or depth > _DEEPEST:
            return callee.kind != "external"
        name = function.parameter_given(call, given)
        calls = self.functions.calls(home, function)
        return (
            not name
            or any(_binds(step, (name,)) for step in self.functions.of(home, function).steps)
            or any(call.chain.startswith(f"%{name}.") and call.leaf() in _CHANGING for call in calls)
            or any(self._may_change(home, call, f"%{name}", depth + 1) for call in calls)
        )

    def hands_up(self, module: Module, method: Function | None) -> bool:
        """Whether a method of a class of tasks gives Celery's own all that it gets, and nothing else."""
        if method is None or method.decorators or method.is_async or method.is_generator:
            return False
        calls = self.functions.calls(module, method)
        own = (f"~super().{method.name}", f"Task.{method.name}")
        made = [call for call in calls if call.chain == own[0] or self._is_celery(module, call, own[1])]
        given = [each for each in method.parameters[1:] if each.kind != "keyword"]
        if not made or len(given) + 1 != len(method.parameters):
            return False
        for call in made:
            takes = call.takes[1:] if call.chain != own[0] else call.takes
            if len(takes) != len(given) or not all(map(_is_passed, given, takes)):
                return False
        names = [each.name for each in given]
        chains = [f"%{name}" for name in names]
        return not any(
            (call.leaf() in _CHANGING and call.chain.rpartition(".")[0] in chains)
            or (call not in made and any(self._may_change(module, call, chain) for chain in chains))
            for call in calls
        ) and not any(_binds(step, names) for step in self.functions.of(module, method).steps)

    def _is_celery(self, module: Module, call: Call, name: str) -> bool:
        if not call.chain.endswith(name):
            return False
        callee = self.project.resolve(module, call.chain)
        return callee.kind == "external" and is_task_base(callee.name.rpartition(".")[0])

    def reads_keywords(self, task: Task) -> bool:
        """Whether a layer looks at the keywords that it hands on, or gives them to somebody else as well."""
        absent = self.ways.absent(task)
        own = self.ways.around(task)
        if own is None:
            return True
        return any(self._reads(each, absent) for layer in own for each in layer) or any(
            self._reads(each, ()) for layer in self.layers.below(task) for each in layer
        )

    def _reads(self, wrapping: Wrapping, absent: Collection[str]) -> bool:
        module, function, inner = wrapping
        taken = self._taken(wrapping)
        if taken is None:
            return True
        name, known = function.parameters[1].name, {call.number for call in taken}
        calls = {call.number: call for call in self.functions.calls(module, function)}
        given = next(_keywords_of(call) for call in calls.values() if call.chain == inner)
        for step in self.functions.of(module, function).steps:
            if name not in step.loads:
                continue
            made = [calls[number] for number in step.calls if number not in known]
            handed = [call for call in made if call.hands_on(given) or call.chain.startswith(f"{given}.")]
            plain = all(call.chain == inner for call in handed) and (len(made) < len(step.calls) or handed)
            if not plain and self.ways.needs(module, function, step).isdisjoint(absent):
                return True
        return False


def _keywords_of(call: Call) -> str:
    """What ``**`` unpacks in a call : with an annotation, an instance of that."""
    return call.takes[-1].chain if call.takes and call.takes[-1].keyword == "**" else ""


def _is_passed(given: Parameter, argument: Argument) -> bool:
    """Whether a parameter is what the call is given at its place, or by its name."""
    if given.kind == "*":
        return argument.kind == "starred" and bool(argument.data)
    keyword = "**" if given.kind == "**" else given.name
    return argument.chain == f"%{given.name}" and (argument.keyword or keyword) == keyword


def _binds(step: Step, names: Collection[str]) -> bool:
    """Whether a statement gives one of these names, or an item of it, another value."""
    said = step.stores or (step.loads if step.kind in _BINDING else ())
    return any(name in said for name in names)
