"""Where words stand in what a module binds, and in what its functions take and give."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from sys import intern

from celery_lint.diagnostics import Span
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.words import Saying, given_words, held, texts_of, words_in, words_of_values
from celery_lint.project.functions import Functions

# An import by another name has no place of its own.
NOWHERE = Span(0, 0, 0, 0)


def naming(functions: Functions, modules: Sequence[Module], names: Collection[str]) -> tuple[Saying, Saying]:
    """Which of these names modules hold in what they bind, and in what their functions take and give."""
    functions.note("given", names)
    return (
        functions.words_of_modules("bound", _outside, modules, names),
        functions.words_of_modules("given", _given, modules, names),
    )


def _bound(module: Module) -> Iterator[Value]:
    """What a module and its classes bind and set."""
    for name, values in module.bindings.items():
        if name != "__all__":  # what a module offers
            yield from values
    for assignment in module.assignments:
        yield assignment.value
    for each in module.classes.values():
        for values in each.attributes.values():
            yield from values


def _outside(module: Module) -> Iterator[str]:
    """The words in what a module binds and sets, and of what it calls by another name."""
    yield from words_of_values(_bound(module))
    for name, target in module.imports.items():
        yield target.partition(".")[0]
        if target.rpartition(".")[2] != name:
            yield target.rpartition(".")[2]


def _given(module: Module) -> Iterator[str]:
    """The words in what its functions take and give."""
    for _, function in module.functions.every():
        yield from given_words(function)


def _by_word(module: Module) -> dict[str, list[Value]]:
    """What a module binds and sets, by the words in it."""
    found: dict[str, list[Value]] = {}
    for value in _bound(module):
        for word in set(words_of_values((value,))):
            found.setdefault(intern(word), []).append(value)
    return found


def holding(functions: Functions, module: Module, name: str) -> Sequence[Value]:
    """What a module binds and sets with a word in it: of few modules anybody asks, but of those often."""
    return functions.kept(module, "by word", None, partial(_by_word, module)).get(name, ())


def places_outside(functions: Functions, module: Module, name: str) -> Iterator[Span]:
    """Where a word stands in what a module binds and sets."""
    for value in holding(functions, module, name):
        yield from places(value, name)
    for _ in targets_by_another_name(module, name):
        yield NOWHERE


def targets_by_another_name(module: Module, name: str) -> Iterator[str]:
    """What of this name a module imports by another one."""
    for alias, target in module.imports.items():
        if target.rpartition(".")[2] == name != alias:
            yield target


def texts_outside(functions: Functions, module: Module, name: str) -> Iterator[str]:
    """The names and texts with a word in them, in what a module binds and sets."""
    for value in holding(functions, module, name):
        yield from (text for _, text in texts_of(value) if _says(text, name))


def texts_given(value: Value) -> Iterator[str]:
    """The texts in what a call is given: ``conf.update(imports=["shop.mails"])``."""
    return (each.data for each in held(value) if isinstance(each.data, str))


def only_called_outside(functions: Functions, module: Module, name: str) -> bool:
    """Whether what a module binds does nothing with a name but keep what a call of it gives."""
    return (
        all(
            span == each.span and each.kind == "call" and leaf_of_chain(each.chain) == name
            for value in holding(functions, module, name)
            for each in held(value)
            for span in spans_of(each, name)
        )
        and next(targets_by_another_name(module, name), None) is None
    )


def only_called_in(
    functions: Functions, module: Module, function: Function, name: str, is_method: bool
) -> bool:
    """Whether a function does nothing with a name but call it, and use what that gives.

    ``is_method`` tells that a class of the project has a method of the name: what calls it on an object that
    nobody can see through stands in the statement alone, and means that.
    """
    if not function.name or (name in given_words(function) and _is_handed_on(function, name)):
        return False
    called = False
    for call in functions.calls(module, function):
        owner = call.chain.removesuffix(name) if call.leaf() == name else call.chain
        if not all(_is_called(text, name) for text in (owner, *call.packed_arguments)):
            return False
        called = called or call.leaf() == name
    texts = [text for step in functions.of(module, function).steps for text in step.chains]
    return all(_is_called(text, name) for text in texts) and (
        called or (is_method and any(_says(text, name) for text in texts))
    )


def _is_handed_on(function: Function, name: str) -> bool:
    """Whether what a function takes, keeps or gives back holds a name itself, not only what a call gives."""
    if any(_says(parameter.default, name) for parameter in function.parameters):
        return True
    return any(
        not _is_called(f"{each.chain}()" if each.kind == "call" else each.chain, name)
        or (isinstance(each.data, str) and _says(each.data, name))
        or any(_says(key, name) for key, _ in each.keywords)
        for value in (*function.returns, *(kept for _, kept in function.values))
        for each in held(value)
    )


def _is_called(text: str, name: str) -> bool:
    """Whether a text names something only where it calls it: `shop.send().get`, not `shop.send.delay`."""
    if not _says(text, name):
        return True
    return all(text.startswith("()", found.end()) for found in re.finditer(rf"\b{re.escape(name)}\b", text))


def spans_of(value: Value, name: str) -> Iterator[Span]:
    """Where a word stands in an expression itself, and in the names of what it holds."""
    if _says(value.chain, name) or (isinstance(value.data, str) and _says(value.data, name)):
        yield value.span
    for key, item in value.keywords:
        if _says(key, name):
            yield item.span


def _says(text: str, name: str) -> bool:
    return name in text and name in words_in(text)


def places(value: Value, name: str) -> Iterator[Span]:
    """Where a word stands in an expression."""
    return (span for span, text in texts_of(value) if _says(text, name))


def within(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span lies in one of the others."""
    return any(other.holds(span) for other in others)
