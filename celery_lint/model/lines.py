"""The facts of a module with other numbers of lines."""

from __future__ import annotations

from collections.abc import Callable

from celery_lint.diagnostics import Span
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
)

Line = Callable[[int], int]
"""The number of a line instead of the one that it has."""

# Where a span stands among the fields of a packed call, and of a packed statement.
_IN_CALLS, _IN_STEPS = 1, 2


def renumbered(module: Module, line: Line) -> Module:
    """The module as if its lines had other numbers, in the same order. Names of its functions stay."""
    return module._replace(
        bindings={name: _values(values, line) for name, values in module.bindings.items()},
        functions=Defined([(name, _function(each, line)) for name, each in module.functions.every()]),
        classes={name: _class(class_, line) for name, class_ in module.classes.items()},
        assignments=tuple([_assignment(each, line) for each in module.assignments]),
        misplaced_awaits=tuple([_await(each, line) for each in module.misplaced_awaits]),
        comments=tuple([_comment(each, line) for each in module.comments]),
        needed=tuple([_import(each, line) for each in module.needed]),
        refused=tuple([each._replace(span=_span(each.span, line)) for each in module.refused]),
        apart=tuple([(line(first), line(last)) for first, last in module.apart]),
        branches=tuple([(line(first), line(last)) for first, last in module.branches]),
    )


def _span(span: Span, line: Line) -> Span:
    return Span(line(span.line), span.column, line(span.end_line), span.end_column)


def _value(value: Value, line: Line) -> Value:
    return Value(
        value.kind,
        _span(value.span, line),
        value.data,
        value.chain,
        _values(value.items, line) if value.items else (),
        tuple([(key, _value(item, line)) for key, item in value.keywords]) if value.keywords else (),
    )


def _values(values: tuple[Value, ...], line: Line) -> tuple[Value, ...]:
    return tuple([_value(value, line) for value in values])


def _function(function: Function, line: Line) -> Function:
    return function._replace(
        # What a module does by itself begins at its first line, whatever stands there.
        span=_span(function.span, line) if function.name else function.span,
        end_line=line(function.end_line) if function.name else function.end_line,
        decorators=_values(function.decorators, line),
        returns=_values(function.returns, line),
        values=tuple([(number, _value(value, line)) for number, value in function.values]),
        packed_calls=_packed(function.packed_calls, _IN_CALLS, line),
        packed_steps=_packed(function.packed_steps, _IN_STEPS, line),
    )


def _packed(packed: str, at: int, line: Line) -> str:
    if not packed:
        return ""
    rows = []
    for row in packed.split("\n"):
        fields = row.split("\t", at + 1)
        first, column, last, end_column = fields[at].split()
        fields[at] = f"{line(int(first))} {column} {line(int(last))} {end_column}"
        rows.append("\t".join(fields))
    return "\n".join(rows)


def _class(class_: Class, line: Line) -> Class:
    attributes = {name: _values(values, line) for name, values in class_.attributes.items()}
    decorators = _values(class_.decorators, line)
    return class_._replace(span=_span(class_.span, line), decorators=decorators, attributes=attributes)


def _assignment(assignment: Assignment, line: Line) -> Assignment:
    span, value = _span(assignment.key_span, line), _value(assignment.value, line)
    return assignment._replace(key_span=span, value=value)


def _import(statement: ImportStatement, line: Line) -> ImportStatement:
    return statement._replace(span=_span(statement.span, line))


def _await(misplaced: MisplacedAwait, line: Line) -> MisplacedAwait:
    return misplaced._replace(span=_span(misplaced.span, line))


def _comment(comment: Comment, line: Line) -> Comment:
    if comment.whole_file:
        return comment._replace(line=line(comment.line))
    first, last = line(comment.first), line(comment.last)
    return comment._replace(line=line(comment.line), first=first, last=last)
