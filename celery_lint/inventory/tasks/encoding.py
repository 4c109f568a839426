"""What the JSON encoder of messages and results refuses, as far as the source shows it."""

from __future__ import annotations

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.application.signals.connections import connected
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.results import Results, only_binding
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.django import MANAGERS
from celery_lint.libraries.network import HTTP_VERBS, REQUESTS_SESSIONS
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once
from celery_lint.project.memory import Remembered

_CLIENTS = ("requests", "httpx", *REQUESTS_SESSIONS)
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
    "collections.deque": "a `deque`",
    "datetime.timedelta": "a `timedelta`",
    "django.http.HttpResponse": "an `HttpResponse`",
    "django.http.JsonResponse": "a `JsonResponse`",
    "django.shortcuts.get_object_or_404": "a model instance",
    "flask.jsonify": "a `Response`",
    "io.BytesIO": "a `BytesIO`",
    "io.StringIO": "a `StringIO`",
    "pathlib.Path": "a `Path`",
    "rest_framework.response.Response": "a `Response`",
    "subprocess.Popen": "a `Popen`",
    "subprocess.run": "a `CompletedProcess`",
    **{f"{client}.{verb}": "a `Response`" for client in _CLIENTS for verb in HTTP_VERBS},
}
# What frameworks hand to the functions that answer requests, by the annotation of the parameter.
_HANDED = {
    "django.http.HttpRequest": "a request",
    "rest_framework.request.Request": "a request",
    "fastapi.Request": "a request",
    "fastapi.UploadFile": "an `UploadFile`",
    "starlette.requests.Request": "a request",
}
# What Celery gives to the handlers of task classes, by position, and to those of its signals, by name.
_FAILED = {"exc": "the exception `{}`", "exception": "the exception `{}`", "einfo": "the `ExceptionInfo`"}
_GIVEN_TO = {"on_failure": {1: "exc", 5: "einfo"}, "on_retry": {5: "einfo"}}
_OF_SIGNALS = {
    "task_failure": ("exception", "einfo"),
    "task_internal_error": ("exception", "einfo"),
    "task_retry": ("einfo",),
}
# What teaches the encoder other classes.
_TEACHING = frozenset({"kombu.utils.json.register_type", "kombu.utils.json"})
_DECORATORS = frozenset({"dataclasses.dataclass", "attr.s", "attrs.define", "enum.unique"})
# Members of these are neither texts nor numbers, but of `IntEnum`, `StrEnum`, and where `str` is a base.
_ENUMERATIONS = frozenset({"enum.Enum", "enum.Flag"})
_PLAIN_BASES = _ENUMERATIONS | {"builtins.object", "abc.ABC", "typing.Generic", "pydantic.BaseModel"}
# Methods by which an object may tell the encoder what it is, or be something else.
_OWN_METHODS = frozenset({"__json__", "__new__", "__getattr__", "__getattribute__"})
_MODELS = frozenset({"django.contrib.auth.get_user_model()", "django.apps.apps.get_model()"})
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
        self._given_back = Remembered(self._returned_by)
        self._asked: set[Key] = set()

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
        """What JSON does not take of a value in a statement, and where it stands.

        What Python cannot even make never gets that far.
        """
        if cannot_be_made(value):
            return None
        what = self._kind(module, flow, step, value)
        if what:
            return what, module.place(value.span)
        for key in value.items if value.kind == "mapping" else ():
            if key.kind == "sequence":
                return "a tuple as a key", module.place(key.span)
        for item in _inner(value):
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
        if value.kind == "either" and value.data != "|":  # the one or the other
            kinds = [self._kind(module, flow, step, item) for item in value.items]
            return kinds[0] if kinds and all(kinds) else ""
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
            return self._member(module, chain)
        if self.results.of(module, flow.function, chain) is not None:
            return "the result of a task"
        entity = self.project.resolve(module, chain[:-2])
        if entity.kind == "external":
            return _REFUSED.get(entity.name, "") or self._row(module, chain)
        if entity.kind == "class":
            return self._instance(entity)
        if entity.kind == "function" and entity.module is not None and entity.function() is not None:
            return self._given_back.of((entity.module.path, entity.name), entity)
        return self._row(module, chain)

    def _returned_by(self, entity: Entity) -> str:
        """What a function of the project returns, if nothing that it returns is fine."""
        module, function = entity.module, entity.function()
        if module is None or function is None or not function.has("return"):
            return ""
        key = (module.path, entity.name)
        if function.is_async or function.is_generator or function.decorators or key in self._asked:
            return ""
        self._asked.add(key)
        flow = self.project.functions.of(module, function)
        found = {self._result(module, flow, step) for step in flow.steps if step.kind == "return"}
        self._asked.discard(key)
        return "" if "" in found else min(found, default="")

    def _result(self, module: Module, flow: Flow, step: Step) -> str:
        value = result_of(flow.function, step)
        found = self.refused(module, flow, step, value) if value is not None else None
        if found is None:
            return ""
        return "an exception" if found[0].startswith("the exception") else found[0]

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
            return entity.name in _MODELS or _is_of_django(entity.name)
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
                self.project.resolve(base.module, decorator.chain).name in _DECORATORS
                for decorator in class_.decorators
            ):
                return ""
        return f"an instance of `{name}`"

    def _member(self, module: Module, chain: str) -> str:
        """``Status.DONE``, of an enumeration that is nothing else besides."""
        owner, _, name = chain.rpartition(".")
        entity = self.project.resolve(module, owner) if owner and owner[:1] not in "%~" else None
        class_ = entity.class_() if entity is not None and entity.kind == "class" else None
        if entity is None or class_ is None or name not in class_.attributes or name[:1] == "_":
            return ""
        bases = self.project.bases(entity)
        if not any(base.name in _ENUMERATIONS for base in bases if base.class_() is None):
            return ""
        return f"a member of `{class_.name}`" if self._instance(entity) else ""

    # ------------------------------------------------------------------ what a name holds

    def _local(self, module: Module, flow: Flow, step: Step, path: str) -> str:
        """A parameter, an exception that was caught, the target of a loop."""
        function = flow.function
        name, _, rest = path.partition(".")
        storing = [other for other in flow.steps if name in other.stores]
        if any(parameter.name == name for parameter in function.parameters):
            return (
                "" if storing else self._itself(module, function, path) or self._given(module, function, path)
            )
        if rest:
            return ""
        if storing and all(other.kind == "handler" for other in storing):
            caught = (outer for outer in flow.ancestors(step) if outer.kind == "handler")
            return f"the exception `{name}`" if any(name in outer.stores for outer in caught) else ""
        found = {self._bound(module, flow, other, name) for other in storing}
        return "" if "" in found else min(found, default="")

    def _bound(self, module: Module, flow: Flow, step: Step, name: str) -> str:
        """What a statement binds to a name that has several bindings, or that a loop binds."""
        if step.stores != (name,):
            return ""
        if step.kind == "assign" and step.value[:1] not in ("", *"#'{[(|*?%"):
            return self._made(module, flow, step.value)
        if step.kind != "for":
            return ""
        calls = self.project.functions.calls(module, flow.function)
        own = [calls[number] for number in step.calls if calls[number].parent == -1]
        if own:
            last = max(own, key=lambda call: call.span.end)
            return "" if last.is_argument else self._item(module, f"{last.chain}()")
        lists = [load[1:] for load in step.loads if load[0] == "["]
        binding = only_binding(flow, lists[0]) if len(lists) == 1 else None
        return self._item(module, binding.value) if binding is not None else ""

    def _item(self, module: Module, rows: str) -> str:
        """An item of ``Order.objects.filter()``."""
        parts = {part[:-2] for part in rows.split(".") if part.endswith("()")}
        if not parts.isdisjoint(_OF_VALUES):
            return ""
        return (
            "a model instance"
            if self._row(module, rows.removesuffix(".iterator()")) == "a `QuerySet`"
            else ""
        )

    def _itself(self, module: Module, function: Function, path: str) -> str:
        """``self`` in a method of a model."""
        if function.owner and path == "self" and function.first() == "self" and not self.is_taught:
            entity = self.project.member(module, function.owner)
            if entity.kind == "class" and self._derives_from_model(entity):
                return f"`self`, an instance of `{function.owner}`,"
        return ""

    def _given(self, module: Module, function: Function, name: str) -> str:
        """What Celery gives to a handler of failures by this parameter: the exception, or `einfo`."""
        names = [parameter.name for parameter in function.parameters]
        if name not in names or self.is_taught:
            return ""
        if function.owner and function.name in _GIVEN_TO and not function.decorators:
            if not self.tasks.is_task_class(Entity("class", function.owner, module)):
                return ""
            given = _GIVEN_TO[function.name].get(names.index(name), "")
            positional = function.parameters[names.index(name)].kind == "positional"
            return _FAILED[given].format(name) if given and positional else ""
        for decorator in function.decorators[-1:]:  # one below it may have made another function
            signal = connected(self.project, module, decorator.chain)
            if signal is not None and name in _OF_SIGNALS.get(signal.name, ()):
                return _FAILED[name].format(name)
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
                handed = _HANDED.get(self.project.resolve(module, parameter.annotation).name, "")
                return handed or self._given(module, function, parameter.name)
            outer = function.qualname.rpartition("/")[0]
            function = module.functions.get(outer) if outer else None
        return None


def result_of(function: Function, step: Step) -> Value | None:
    """The value of a `return`, as far as it is kept."""
    for value in function.returns:
        if step.span.holds(value.span):
            return value
    if step.value[:1] == "%":
        return Value("name", step.span, None, step.value)
    return None


def _inner(value: Value) -> tuple[Value, ...]:
    """The values that stand in one as it is written down."""
    if value.kind == "mapping":
        return tuple(item for _, item in value.keywords)
    return value.items if value.kind == "sequence" else ()


def cannot_be_made(value: Value) -> bool:
    """Whether a value holds a set of a dictionary or of a set: ``TypeError: unhashable type``."""
    hashed = value.kind == "sequence" and value.data == "set"
    return any((hashed and _is_unhashable(item)) or cannot_be_made(item) for item in _inner(value))


def _is_unhashable(value: Value) -> bool:
    """Whether it is a dictionary or a set, or a list that a comprehension makes."""
    return value.kind == "mapping" or (
        value.kind in ("sequence", "unknown") and value.data in ("set", "list")
    )


def _has_own(class_: Class) -> bool:
    return not _OWN_METHODS.isdisjoint((*class_.methods, *class_.attributes))


def _is_of_django(name: str) -> bool:
    return name.startswith(("django.db.models.", "django.contrib.")) and ".models." in name
