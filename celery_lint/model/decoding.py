"""Facts of modules that were written as JSON, read again."""

from __future__ import annotations

from sys import intern
from typing import Any, get_args

from celery_lint.diagnostics import span_of_number
from celery_lint.model.comments import Comment
from celery_lint.model.defined import Defined
from celery_lint.model.facts import (
    Assignment,
    Class,
    Function,
    ImportStatement,
    MisplacedAwait,
    Module,
    Value,
    ValueKind,
    parameter_of,
)
from celery_lint.model.folders import Folder
from celery_lint.model.steps import Refused

_KINDS: dict[str, ValueKind] = {kind: kind for kind in get_args(ValueKind)}


def _value(row: list[Any]) -> Value:
    kind, span, data, chain, items, keywords = row
    return Value(
        _KINDS[kind],
        span_of_number(span),
        data,
        intern(chain),
        tuple(map(_value, items)) if items else (),
        tuple((intern(key), _value(value)) for key, value in keywords) if keywords else (),
    )


def _values(rows: list[Any]) -> tuple[Value, ...]:
    return tuple(map(_value, rows)) if rows else ()


def _function(row: list[Any]) -> Function:
    return Function(
        intern(row[0]),
        intern(row[1]),
        row[2],
        row[3],
        span_of_number(row[4]),
        row[5],
        intern(row[6]),
        intern(row[7]),
        tuple([parameter_of(*parameter) for parameter in row[8]]),
        _values(row[9]),
        _values(row[10]),
        tuple((index, _value(value)) for index, value in row[11]),
        row[12],
        row[13],
        row[14],
    )


def _class(row: list[Any]) -> Class:
    qualname, name, span, bases, decorators, attributes, methods = row
    return Class(
        qualname,
        name,
        span_of_number(span),
        tuple(map(intern, bases)),
        _values(decorators),
        {intern(key): _values(values) for key, values in attributes.items()},
        tuple(map(intern, methods)),
    )


def decode(row: list[Any], path: str) -> Module:
    """The module whose facts were written as JSON: equal names are one object, since modules repeat them.

    Raises ``ValueError``, ``TypeError`` or ``LookupError`` when damaged.
    """
    _, digest, imports, stars, bindings, functions, classes, assignments, awaits, comments = row[:10]
    further, drivers, commented_out, apart, told, needed, hidden, beat, on_path, refused, branches = row[10:]
    return Module(
        path,
        digest,
        {intern(name): intern(target) for name, target in imports.items()},
        tuple(stars),
        {intern(name): _values(values) for name, values in bindings.items()},
        Defined([(intern(name), _function(function)) for name, function in functions.items()]),
        {name: _class(class_row) for name, class_row in classes.items()},
        tuple(Assignment(a[0], a[1], a[2], span_of_number(a[3]), _value(a[4]), a[5]) for a in assignments),
        tuple(MisplacedAwait(a[0], span_of_number(a[1]), a[2], a[3]) for a in awaits),
        tuple(Comment(*comment) for comment in comments),
        tuple(further),
        tuple(drivers),
        tuple(commented_out),
        tuple((first, last) for first, last in apart),
        tuple(told),
        tuple([ImportStatement(intern(m), tuple(names), span_of_number(s)) for m, names, s in needed]),
        tuple(hidden),
        bool(beat),
        tuple([Folder(base, below) for base, below in on_path]),
        tuple([Refused(kind, name, span_of_number(s)) for kind, name, s in refused]),
        tuple((first, last) for first, last in branches),
    )
