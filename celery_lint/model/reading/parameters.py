"""The parameters of a function, and what they stand for where a call says nothing."""

from __future__ import annotations

import ast

from celery_lint.model.facts import Parameter, parameter_of
from celery_lint.model.reading.expressions import annotated_call
from celery_lint.model.reading.scopes import Scope, chain_of
from celery_lint.model.reading.values import constant_word


def parameter_facts(arguments: ast.arguments, scope: Scope) -> list[Parameter]:
    """The parameters, in the order of the source."""
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    outer = scope.outer or scope
    annotations = {name: chain_of(annotation, outer) for name, annotation in scope.annotations.items()}
    given = [*map(annotated_call, (a.annotation for a in positional[:without_default])), *arguments.defaults]
    defaults = [_default(default, outer) for default in given]
    found = [
        parameter_of(
            argument.arg, "positional", index < without_default, annotations.get(argument.arg, ""), default
        )
        for index, (argument, default) in enumerate(zip(positional, defaults, strict=True))
    ]
    if arguments.vararg is not None:
        found.append(parameter_of(arguments.vararg.arg, "*", False, ""))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        annotation = annotations.get(argument.arg, "")
        stands_for = _default(default or annotated_call(argument.annotation), outer)
        found.append(parameter_of(argument.arg, "keyword", default is None, annotation, stands_for))
    if arguments.kwarg is not None:
        found.append(parameter_of(arguments.kwarg.arg, "**", False, ""))
    return found


def _default(node: ast.expr | None, scope: Scope) -> str:
    """What a parameter stands for where a call says nothing: a chain, or a constant in one word."""
    if isinstance(node, ast.Constant):
        return constant_word(node.value)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return chain_of(node, scope)
    while isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and _is_conversion(node)):
        node = node.left if isinstance(node, ast.BinOp) else node.args[0]
    return chain_of(node, scope) if isinstance(node, ast.Call) else ""


def _is_conversion(node: ast.Call) -> bool:
    """``str(uuid4())``: what it stands for is what is converted."""
    return isinstance(node.func, ast.Name) and node.func.id in ("str", "int") and len(node.args) == 1
