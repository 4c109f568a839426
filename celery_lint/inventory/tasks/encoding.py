"""What the JSON encoder of messages and results refuses, as far as the source shows it."""

from __future__ import annotations

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.results import Results
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.django import MANAGERS
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

# What the worker's encoder was seen to refuse; dates, UUIDs, decimals and bytes it takes.
_REFUSED = {
    "builtins.complex": "a complex number",
    "builtins.enumerate": "an `enumerate`",
    "builtins.filter": "a `filter`",
    "builtins.frozenset": "a `frozenset`",
    "builtins.map": "a `map`",
    "builtins.object": "an `object`",
    "builtins.range": "a `range`",
    "builtins.reversed": "a `reversed`",
    "builtins.set": "a set",
    "builtins.zip": "a `zip`",
    "datetime.timedelta": "a `timedelta`",
    "django.shortcuts.get_object_or_404": "a model instance",
    "io.BytesIO": "a `BytesIO`",
    "io.StringIO": "a `StringIO`",
    "pathlib.Path": "a `Path`",
}
# What frameworks hand to the functions that answer requests, by the annotation of the parameter.
_HANDED = {
    "django.http.HttpRequest": "a request",
    "rest_framework.request.Request": "a request",
    "fastapi.Request": "a request",
    "fastapi.UploadFile": "an `UploadFile`",
    "starlette.requests.Request": "a request",
}
# What teaches the encoder other classes.
_TEACHING = frozenset({"kombu.utils.json.register_type", "kombu.utils.json"})
_DATACLASSES = frozenset({"dataclasses.dataclass", "attr.s", "attrs.define"})
_PLAIN_BASES = frozenset({"builtins.object", "abc.ABC", "typing.Generic", "pydantic.BaseModel"})
# Methods by which an object may tell the encoder what it is, or be something else.
_OWN_METHODS = frozenset({"__json__", "__new__", "__getattr__", "__getattribute__"})
_USERS = "django.contrib.auth.get_user_model()"
_OF_ONE = frozenset({"get", "create", "first", "last", "latest", "earliest"})
_OF_MANY = frozenset(
    ["all", "annotate", "defer", "distinct", "exclude", "filter", "none", "only", "order_by"]
    + ["prefetch_related", "reverse", "select_for_update", "select_related", "using"]
)
# Queries whose rows are no instances.
_OF_VALUES = frozenset({"values", "values_list"})


class Encoding:
    """What JSON takes: texts and numbers of any class, containers, and what Celery's encoder adds."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.tasks = known.of(Tasks)
        self.results = known.of(Results)
        self.backends = known.of(BackendSettings)

    def is_json(self, task: Task, setting: str) -> bool:
        """Whether nothing that can be seen encodes it in another way."""
        return all(
            self.project.text(each.module, each.value) == "json"
            for each in self.in_force.settings_of(task, setting)
        )

    def is_kept_as_json(self, task: Task) -> bool:
        """Whether nothing that can be seen keeps the result of a task in another way."""
        applications = self.in_force.belonging.of(task)
        return self.is_json(task, "result_serializer") and all(map(self.backends.encodes, applications))

    @once
    def is_taught(self) -> bool:
        """Whether the project teaches the encoder classes of its own."""
        return any(
            not _TEACHING.isdisjoint(module.imports.values()) for module in self.project.product_modules()
        )

    def refused(self, module: Module, flow: Flow, step: Step, value: Value) -> tuple[str, Place] | None:
        """What JSON does not take of a value in a statement, and where it stands."""
        what = self._kind(module, flow, step, value)
        if what:
            return what, module.place(value.span)
        inner: tuple[Value, ...] = ()
        if value.kind == "sequence":
            inner = value.items
        elif value.kind == "mapping":
            for key in value.items:
                if key.kind == "sequence":
                    return "a tuple as a key", module.place(key.span)
            inner = tuple(item for _, item in value.keywords)
        for item in inner:
            found = self.refused(module, flow, step, item)
            if found is not None:
                return found
        return None

    def _kind(self, module: Module, flow: Flow, step: Step, value: Value) -> str:
        if value.kind == "lambda":
            return "a lambda"
        if value.kind in ("sequence", "unknown") and value.data in ("set", "generator"):
            return f"a {value.data}"
        if value.kind == "call" and value.chain:
            return self._made(module, flow, f"{value.chain}()")
        if value.kind != "name":
            return ""
        if value.chain[:1] == "%" and value.chain[-1] not in ")]":
            return self._local(module, flow, step, value.chain[1:])
        annotated = self._annotated(module, flow, value.chain)
        return self._made(module, flow, value.chain) if annotated is None else annotated

    # ------------------------------------------------------------------ what is made

    def _made(self, module: Module, flow: Flow, chain: str) -> str:
        """What the value of a call is, or nothing where that is fine or nobody knows."""
        if chain[-2:] == "[]":
            return self._row(module, chain)
        if chain[-2:] != "()":
            return ""
        if self.results.of(module, flow.function, chain) is not None:
            return "the result of a task"
        entity = self.project.resolve(module, chain[:-2])
        if entity.kind == "external":
            return _REFUSED.get(entity.name, "") or self._row(module, chain)
        if entity.kind == "class":
            return self._instance(entity)
        return self._row(module, chain)

    def _row(self, module: Module, chain: str) -> str:
        """``Order.objects.get()`` and ``Order.objects.filter()``."""
        manager = next((each for each in MANAGERS if each in chain), "")
        if not manager or self.is_taught:
            return ""
        owner, _, query = chain.partition(manager)
        parts = [part.removesuffix("[]") for part in query.split(".")]
        if not all(part.endswith("()") for part in parts):
            return ""
        *steps, last = [part[:-2] for part in parts]
        if not _OF_MANY.union(_OF_VALUES).issuperset(steps) or not self._is_model(module, owner):
            return ""
        if last in _OF_MANY or last in _OF_VALUES:
            indexed = chain.endswith("[]") and not _OF_VALUES.isdisjoint([*steps, last])
            return "" if indexed else "rows of a model" if chain.endswith("[]") else "a `QuerySet`"
        if last not in _OF_ONE or not _OF_VALUES.isdisjoint(steps) or chain.endswith("[]"):
            return ""
        name = owner.rpartition(".")[2].lstrip(":~")
        return f"an instance of `{name}`" if name.isidentifier() else "a model instance"

    def _is_model(self, module: Module, chain: str) -> bool:
        """Whether a chain is a model of Django that says nothing of JSON itself."""
        entity = self.project.resolve(module, chain)
        if entity.kind == "external":
            return entity.name == _USERS or _is_of_django(entity.name)
        return entity.kind == "class" and self._derives_from_model(entity)

    def _derives_from_model(self, entity: Entity) -> bool:
        bases = list(self.project.bases(entity))
        classes = [class_ for base in bases if (class_ := base.class_()) is not None]
        if any(map(_has_own, classes)):
            return False
        return any(base.kind == "external" and _is_of_django(base.name) for base in bases)

    def _instance(self, entity: Entity) -> str:
        """An object of a class of the project, all of whose classes can be seen."""
        if self.is_taught:
            return ""
        name = entity.name.rpartition("/")[2].rpartition(".")[2]
        if self._derives_from_model(entity):
            return f"an instance of `{name}`"
        for base in self.project.bases(entity):
            class_ = base.class_()
            if class_ is None or base.module is None:
                if base.kind != "external" or base.name.removesuffix("[]") not in _PLAIN_BASES:
                    return ""
            elif _has_own(class_) or not all(
                self.project.resolve(base.module, decorator.chain).name in _DATACLASSES
                for decorator in class_.decorators
            ):
                return ""
        return f"an instance of `{name}`"

    # ------------------------------------------------------------------ what a name holds

    def _local(self, module: Module, flow: Flow, step: Step, path: str) -> str:
        """A parameter, an exception that was caught, the target of a loop."""
        function = flow.function
        name, _, rest = path.partition(".")
        storing = [other for other in flow.steps if name in other.stores]
        if any(parameter.name == name for parameter in function.parameters):
            return "" if storing else self._itself(module, function, path)
        if rest:
            return ""
        if storing and all(other.kind == "handler" for other in storing):
            caught = (outer for outer in flow.ancestors(step) if outer.kind == "handler")
            return f"the exception `{name}`" if any(name in outer.stores for outer in caught) else ""
        return ""

    def _itself(self, module: Module, function: Function, path: str) -> str:
        """``self`` in a method of a model."""
        if function.owner and path == "self" and function.first() == "self" and not self.is_taught:
            entity = self.project.member(module, function.owner)
            if entity.kind == "class" and self._derives_from_model(entity):
                return f"`self`, an instance of `{function.owner}`,"
        return ""

    def _annotated(self, module: Module, flow: Flow, chain: str) -> str | None:
        """What a parameter is whose annotation the chain stands for; ``None`` if it is none.

        An annotation proves nothing, but for what a web framework hands to its views.
        """
        function: Function | None = flow.function
        while function is not None:
            for parameter in function.parameters:
                made = f"{parameter.annotation}()"
                if not parameter.annotation or not chain.startswith(made):
                    continue
                stored = any(parameter.name in step.stores for step in flow.steps)
                is_task = (module.path, function.qualname) in self.tasks.by_function
                if stored or is_task or chain != made:
                    return ""
                return _HANDED.get(self.project.resolve(module, parameter.annotation).name, "")
            outer = function.qualname.rpartition("/")[0]
            function = module.functions.get(outer) if outer else None
        return None


def _has_own(class_: Class) -> bool:
    return not _OWN_METHODS.isdisjoint((*class_.methods, *class_.attributes))


def _is_of_django(name: str) -> bool:
    return name.startswith(("django.db.models.", "django.contrib.")) and ".models." in name
