"""Constant dictionaries and lists of functions: what a chain may take out of one."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.model.chains import steps_of_component
from celery_lint.model.facts import Module, Value
from celery_lint.project.entity import UNKNOWN, Entity
from celery_lint.project.project import Project


def taken_out(project: Project, module: Module, chain: str) -> Iterator[Entity]:
    """What a chain may mean that takes something out of a table which its module or class writes down.

    ``TABLE[key]`` and ``TABLE.get(key)``, what is called there, and what is asked of it: ``.run``.
    """
    if chain[:1] == "%" or ("[]" not in chain and ".get()" not in chain):
        return
    owner, taken, rest = _parted(chain)
    if not taken:
        return
    table = project.resolve(module, owner)
    if table.module is not None and table.value is not None:
        for value in _entries(table.value):
            yield project.follow(_entry(project, table.module, value), *rest)


def written_mapping(project: Project, module: Module, value: Value) -> tuple[Module, Value | None]:
    """The mapping that an expression means, and the module that writes it; ``dict(a=1)`` as ``{"a": 1}``."""
    owner = module
    if value.kind in ("name", "call") and not _is_dict(value):
        entity = project.value_entity(module, value)
        if entity.value is None or entity.kind not in ("value", "external"):
            return module, None
        owner, value = entity.module or module, entity.value
    if value.kind == "mapping":
        return owner, value
    if not _is_dict(value):
        return owner, None
    named = tuple([(key, item) for key, item in value.keywords if key not in ("*", "()")])
    names = tuple([Value("constant", item.span, key) for key, item in named])
    unpacked = tuple([("**", item) for item in value.items])
    return owner, Value("mapping", value.span, None, "", (*value.items, *names), (*unpacked, *named))


def _is_dict(value: Value) -> bool:
    return value.kind == "call" and value.chain in ("~dict", "builtins.dict")


def _entries(table: Value) -> list[Value]:
    if table.kind == "mapping" or _is_dict(table):
        return [value for key, value in table.keywords if key not in ("*", "**")]
    return [*table.items] if table.kind == "sequence" else []


def _entry(project: Project, module: Module, value: Value) -> Entity:
    """What an entry stands for: also behind ``partial``, or the one call of a ``lambda``."""
    if value.kind == "lambda":
        called = value.first()
        return project.resolve(module, called.chain) if called is not None else UNKNOWN
    entity = project.value_entity(module, value)
    given = entity.value.first() if entity.kind == "partial" and entity.value is not None else None
    return project.value_entity(module, given) if given is not None else entity


def _parted(chain: str) -> tuple[str, bool, tuple[list[str], list[str]]]:
    """A chain as the table that something is taken out of, whether that is so, and what follows it."""
    parts = chain.split(".")
    for number, part in enumerate(parts):
        name, steps = steps_of_component(part)
        if steps[:1] == ["[]"]:
            return ".".join([*parts[:number], name]), True, (steps[1:], parts[number + 1 :])
        if name == "get" and steps[:1] == ["()"]:
            return ".".join(parts[:number]), True, (steps[1:], parts[number + 1 :])
    return "", False, ([], [])
