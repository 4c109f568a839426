"""How a task may be called, as its caller sees it, and what makes that unknowable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.made.handing_on import HandingOn
from celery_lint.inventory.tasks.made.ways import Ways
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Given
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known

# What sends a task or makes a signature of it: a class that has its own may take other arguments.
_SENDING_METHODS = frozenset({"apply_async", "delay", "apply", "s", "si", "signature", "subtask"})
# What a maker may say of a task that decides what arguments it takes, and who looks at them.
_SHAPING = frozenset({"bind", "base", "filter", "typing"})
# What an application makes tasks with.
_MAKING_METHODS = frozenset({"task", "_task_from_fun", "register_task"})


class Signature(NamedTuple):
    """How a task may be called: without the task itself, which ``bind`` puts in front.

    ``required`` have no default. ``more_positional`` and ``more_keywords`` tell that it takes any.
    ``passes_itself``: the task is put in front of what it is given, and Python counts it. ``on_the_way`` are
    keywords that a wrapper around its function takes for itself.
    """

    task: Task
    positional: tuple[str, ...]
    keyword_only: tuple[str, ...]
    required: tuple[str, ...]
    more_positional: bool
    more_keywords: bool
    passes_itself: bool = False
    on_the_way: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        """Whether the task has a parameter of this name, or takes any keyword."""
        return self.more_keywords or name in (*self.positional, *self.keyword_only) or name in self.on_the_way

    @property
    def spelled(self) -> str:
        """The parameters as messages show them."""
        shown = [self._shown(name) for name in self.positional]
        if self.more_positional or self.keyword_only:
            shown.append("*args" if self.more_positional else "*")
        shown += [self._shown(name) for name in self.keyword_only]
        return f"({', '.join([*shown, '**kwargs'] if self.more_keywords else shown)})"

    def _shown(self, name: str) -> str:
        return name if name in self.required else f"{name}=…"


class Mismatch(NamedTuple):
    """Why arguments do not fit: ``unknown`` or ``twice`` (``names``: the keywords), ``many``, ``missing``.

    Where there are several reasons, it is the one that Python names.
    """

    kind: Literal["unknown", "twice", "many", "missing"]
    names: tuple[str, ...]
    taken: int
    given: int


class Signatures:
    """The signatures of tasks. What is not certain has none, and a reason."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.makers = known.of(Makers)
        self.task_options = known.of(TaskOptions)
        self.applications = known.of(Applications)
        self.in_force = known.of(OptionsInForce)
        self.layers = known.of(Layers)
        self.ways = known.of(Ways)
        self.handing_on = known.of(HandingOn)
        self._doubts: dict[Key, str] = {}

    def of(self, task: Task) -> Signature | None:
        """The signature of a task, if nothing can change it where nobody can look."""
        if task.function is None or self.doubt(task):
            return None
        parameters = task.function.parameters
        itself = task.class_ is not None or bool(self.binds(task))
        if itself:
            parameters = parameters[1:]
        positional = tuple([given.name for given in parameters if given.kind == "positional"])
        keyword_only = tuple([given.name for given in parameters if given.kind == "keyword"])
        required = tuple([given.name for given in parameters if given.required])
        kinds = {given.kind for given in parameters}
        taken = self.handing_on.taken_by([*(self.ways.around(task) or ()), *self.layers.below(task)])
        return Signature(
            task,
            positional,
            keyword_only,
            required,
            "*" in kinds,
            "**" in kinds,
            itself,
            taken or frozenset(),
        )

    def binds(self, task: Task) -> bool | None:
        """Whether the task is its function's first argument; ``None`` where nobody knows."""
        given = self.task_options.get(task, "bind")
        if given is None:
            asked = _SHAPING if task.wrapper is not None else frozenset[str]()
            return None if self.task_options.open_ended(task, asked) else False
        known = self.project.constant(*given)
        return bool(known.data) if known is not None and known.kind == "constant" else None

    def is_checked(self, task: Task) -> bool:
        """Whether Celery compares arguments with the signature already where the task is sent."""
        if task.class_ is not None or task.inner_decorators:  # there is no header to compare with
            return False
        if self.ways.around(task) != []:  # the header is that of a wrapper, which takes anything
            return False
        given = self.task_options.get(task, "typing")
        if given is not None:
            known = self.project.constant(*given)
            return known is not None and known.data is True
        return not any(
            application.value.keyword("strict_typing") or application.value.open_ended()
            for application in self.applications.product
        )

    def doubt(self, task: Task) -> str:
        """Why nobody can tell how the task is called, or nothing."""
        found = self._doubts.get(task.key)
        if found is None:
            found = self._doubts[task.key] = next(self._reasons(task), "")
        return found

    def _reasons(self, task: Task) -> Iterator[str]:
        function = task.function
        if function is None:
            yield "its function cannot be seen"
            return
        if task.wrapper is not None:
            around = self.ways.around(task)
            if around is None or self.handing_on.taken_by(around) is None:
                yield f"it is made by `{task.wrapper[1]}`, which may change its arguments"
            if self.task_options.spreads_unknown(task, _SHAPING):
                yield f"it is made by `{task.wrapper[1]}`, which may give it other options"
        if self._is_filtered(task):
            yield "`filter` puts something else in its place"
        if self.handing_on.taken_by(self.layers.below(task)) is None:
            yield f"{_spelled(task.inner_decorators[0])} below the task decorator may change its arguments"
        yield from self._outside(task, function)
        if task.class_ is None and self.binds(task) is None:
            yield "nobody can tell whether it is bound"
        if task.class_ is not None and function.decorators:
            yield f"{_spelled(function.decorators[0])} around `run` may change its arguments"
        if not function.parameters and (task.class_ is not None or self.binds(task)):
            yield "it does not take the task that is put in front of its arguments"
        yield from self._classes(task)

    def _outside(self, task: Task, function: Function) -> Iterator[str]:
        """What replaces the task after it was made, or makes it in another way."""
        module, name = task.module, function.qualname
        if task.class_ is None:
            if function.owner:
                yield "it is defined in a class"
            above = function.decorators[: max(len(function.decorators) - len(task.inner_decorators) - 1, 0)]
            if above:
                yield f"{_spelled(above[0])} above the task decorator may put something else in its place"
            made = function.decorators[len(above) : len(above) + 1]
            if made and self.makers.is_only_configured(module, made[0]):
                yield f"{_spelled(made[0])} is a task decorator by the configuration alone"
        if name in module.bindings:
            yield f"`{name}` is bound to something else as well"
        if module.functions.again(name):
            yield f"`{name}` is defined several times"

    def _classes(self, task: Task) -> Iterator[str]:
        """What the classes of the task, and of its application, may do to its arguments."""
        if not self.task_options.bases_known(task):
            yield "it derives from a class that cannot be seen"
        overridden = self.overridden(task)
        if overridden:
            yield f"its class has its own `{min(overridden)}`"
        if not self.in_force.own_application(task):
            yield "the class of its application cannot be seen"
        for application in self.applications.product:
            own = self.application_has(application, *_MAKING_METHODS)
            if own:
                yield f"the class of its application has its own `{own}`"

    def application_has(self, application: Application, *names: str) -> str:
        """The first of these methods that the class of an application has of its own, or nothing."""
        entity = self.project.member(application.module, application.origin[1])
        for base in self.project.bases(entity._replace(kind="class")) if entity.class_() else ():
            class_ = base.class_()
            own = set(names).intersection(class_.methods) if class_ is not None else set()
            if "task" in own and class_ is not None and base.module is not None:
                ways = self.ways.through((base.module.path, f"{class_.qualname}.task"))
                if ways and all(way.layers == () for way in ways):  # it has its own, and makes the same
                    own.remove("task")
            if own:
                return min(own)
        return ""

    def is_plain(self, task: Task) -> bool:
        """Whether all that a task derives from, and its application, can be seen, and it stays a task."""
        return (
            self.task_options.bases_known(task)
            and self.in_force.own_application(task)
            and not self._is_filtered(task)
        )

    def _is_filtered(self, task: Task) -> bool:
        """Whether what ``filter`` makes of the task, a method for example, takes its place."""
        given = self.task_options.get(task, "filter")
        return given is not None and not (given[1].kind == "constant" and given[1].data is None)

    def overridden(self, task: Task) -> frozenset[str]:
        """The methods that send a task or make a signature of it, as far as its classes have their own.

        One that hands on all that it gets is none.
        """
        found: set[str] = set()
        for entity in self.task_options.classes(task):
            class_ = entity.class_()
            if class_ is not None and entity.module is not None:
                functions = entity.module.functions
                found |= _SENDING_METHODS & class_.attributes.keys()
                found |= {
                    name
                    for name in _SENDING_METHODS.intersection(class_.methods)
                    if not self.handing_on.hands_up(entity.module, functions.get(f"{class_.qualname}.{name}"))
                }
        return frozenset(found)


def mismatch(signature: Signature, given: Given, before: int = 0, partial: bool = False) -> Mismatch | None:
    """Why arguments do not fit a signature, if they certainly do not.

    ``before`` counts the arguments that Celery puts in front of them: the result of the task before.
    ``partial``: what is missing may still come.
    """
    count = before + len(given.positional)
    taken = len(signature.positional)
    names = [name for name, _ in given.keywords]
    unknown = tuple([name for name in names if not signature.takes(name)])
    if unknown:
        return Mismatch("unknown", unknown, taken, count)
    twice = tuple([n for n in names if n in signature.positional[:count] and n not in signature.on_the_way])
    if twice:
        return Mismatch("twice", twice, taken, count)
    if count > taken and not signature.more_positional:
        return Mismatch("many", tuple(names), taken, count)
    if partial or given.more_keywords:
        return None
    filled = {*names, *signature.positional[: taken if given.more_positional else count]}
    missing = tuple([name for name in signature.required if name not in filled])
    return Mismatch("missing", missing, taken, count) if missing else None


def _spelled(decorator: Value) -> str:
    name = decorator.chain.lstrip(":.~%").removesuffix("()")
    return f"`@{name}`" if name else "a decorator"


def type_error(signature: Signature, found: Mismatch) -> str:
    """What Python raises where a task is called so, and Celery where it compares before it sends.

    Both count the task itself among the arguments that are too many: nobody writes it.
    """
    task = signature.task
    name = f"{task.label}.run" if task.class_ is not None else task.label
    own = int(found.kind == "many" and signature.passes_itself)
    return f"TypeError: {name}() {_complaint(signature, found, own)}"


def _complaint(signature: Signature, found: Mismatch, own: int) -> str:
    """The words of Python. ``own`` is 1 if the task itself counts, and 0 otherwise."""
    if found.kind == "unknown":
        return f"got an unexpected keyword argument {found.names[0]!r}"
    if found.kind == "twice":
        return f"got multiple values for argument {found.names[0]!r}"
    if found.kind == "missing":
        kind = "positional"
        names = [name for name in found.names if name in signature.positional]
        if not names:
            names, kind = list(found.names), "keyword-only"
        return f"missing {len(names)} required {kind} argument{'s' * (len(names) > 1)}: {_listed(names)}"
    least = own + sum(name in signature.required for name in signature.positional)
    most, given = own + found.taken, own + found.given
    wanted = f"from {least} to {most}" if least < most else f"{most}"
    were = "was" if given == 1 else "were"
    also = sum(name in signature.keyword_only for name in found.names)
    given_text = f"{given}"
    if also:
        given_text += f" positional argument{'s' * (given > 1)} (and {also} keyword-only"
        given_text += f" argument{'s' * (also > 1)})"
    return f"takes {wanted} positional argument{'s' * (most != 1)} but {given_text} {were} given"


def _listed(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
