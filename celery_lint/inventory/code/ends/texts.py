"""Texts that bytes are given, and methods that one of the two lacks: ``urlopen(url).read().split("<p>")``.

In Python 3 that is a ``TypeError`` or an ``AttributeError``. In Python 2 it was right, so what is called, or
the file itself, must be of Python 3 alone.
"""

from __future__ import annotations

from celery_lint.libraries.network import HTTP_VERBS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# Bytes, by what gives them; `requests` is there for Python 2 as well.
_OF_PYTHON_3 = ("urllib.request.urlopen().read()", *(f"httpx.{verb}().content" for verb in HTTP_VERBS))
_BYTES = frozenset({*_OF_PYTHON_3, *(f"requests.{verb}().content" for verb in HTTP_VERBS)})
_TEXTS = frozenset({f"{library}.{verb}().text" for library in ("httpx", "requests") for verb in HTTP_VERBS})
_OWNERS = _BYTES | _TEXTS
_WORDS = ("urlopen()", "requests.", "httpx.")
#: Methods of bytes that raise when a text is the first that they are given.
REFUSING = frozenset(
    {
        "count", "endswith", "find", "index", "lstrip", "partition", "replace", "rfind", "rindex",
        "rpartition", "rsplit", "rstrip", "split", "startswith", "strip",
    }
)  # fmt: skip
#: Methods that bytes, and texts, have no more.
LACKED_BY_BYTES = frozenset({"encode", "format"})
LACKED_BY_TEXTS = frozenset({"decode"})
# What only Python 3 imports.
_ANNOTATIONS = "__future__.annotations"
_MODULES = frozenset({"asyncio", "contextvars", "dataclasses"})


class TextsAndBytes:
    """What takes bytes for a text, or a text for bytes."""

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions

    def is_refused(self, module: Module, function: Function, owner: str, call: Call) -> bool:
        """Whether a method is called that its owner has not, or that refuses the text that it is given."""
        if owner not in _OWNERS:
            return False
        method = call.leaf()
        if method in REFUSING:
            refused = owner in _BYTES and call.argument(0).kind == "text"
        elif method in LACKED_BY_BYTES:
            refused = owner in _BYTES
        else:
            refused = method in LACKED_BY_TEXTS and owner in _TEXTS
        return refused and _is_of_python_3(module, function, owner)

    def steps(self, module: Module, function: Function) -> set[int]:
        """The numbers of the statements that do so by a variable which is bound again and again."""
        packed = function.packed_steps
        if not function.name or not any(word in packed for word in _WORDS):
            return set()
        flow = self.functions.of(module, function)
        return {step.number for step in flow.steps if self._is_wrong(module, flow, step)}

    def _is_wrong(self, module: Module, flow: Flow, step: Step) -> bool:
        chain = step.value
        if not step.gives_text or chain[:1] != "%":
            return False
        receiver, _, method = chain.partition("()")[0].rpartition(".")
        name, dot, attributes = receiver[1:].partition(".")
        binding = _bound_before(flow, step, name) if method in REFUSING else None
        owner = f"{binding.value}{dot}{attributes}" if binding is not None else ""
        return owner in _BYTES and _is_of_python_3(module, flow.function, owner)


def _bound_before(flow: Flow, step: Step, name: str) -> Step | None:
    """The statement that has certainly bound a variable last when another is come to for the first time."""
    if any(other.kind in ("def", "global") for other in flow.steps):
        return None
    last = next((other for other in reversed(flow.steps[: step.number]) if name in other.stores), None)
    if last is None or last.kind != "assign" or len(last.stores) != 1 or last.waits:
        return None
    beside = any(
        (each.parent, each.role) == (last.parent, last.role) for each in (step, *flow.ancestors(step))
    )
    return last if beside else None


def _is_of_python_3(module: Module, function: Function, owner: str) -> bool:
    return (
        owner in _OF_PYTHON_3
        or owner.startswith("httpx.")
        or function.is_async
        or any(parameter.annotation for parameter in function.parameters)
        or any(
            target == _ANNOTATIONS or target.partition(".")[0] in _MODULES
            for target in module.imports.values()
        )
    )
