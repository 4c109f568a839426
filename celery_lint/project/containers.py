"""Functions that return what they take out of a container, as far as their ``return`` tells."""

from __future__ import annotations

from collections.abc import Callable

from celery_lint.model.facts import Module, Value
from celery_lint.project.entity import Entity

# Methods by which containers are asked for what they hold, where the container itself is not known.
_TAKING = frozenset({"find", "get", "require", "resolve", "setdefault", "take"})


def is_taken_out(resolve: Callable[[Module, str], Entity], module: Module, value: Value, depth: int) -> bool:
    """Whether a value comes out of a container: an item, or what a function gives that takes one."""
    chain = value.chain
    if not depth or chain[:1] in "%~" or value.kind not in ("name", "call"):
        return False
    if value.kind == "name":
        return chain.endswith("[]")
    callee = resolve(module, chain)
    function, home = callee.function(), callee.module
    if function is None or home is None:
        return callee.kind in ("unknown", "value") and chain.rpartition(".")[2] in _TAKING
    return any(is_taken_out(resolve, home, returned, depth - 1) for returned in function.returns)
