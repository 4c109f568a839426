"""The functions of a module: who asks for some of them gets these, and what is asked for is noted."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import celery_lint
from celery_lint.model.defined import EVERYBODY, Defined
from celery_lint.model.facts import Function
from celery_lint.model.reading.reader import read_module
from celery_lint.source import Source

PRODUCT = Path(celery_lint.__file__).parent
TEXT = """\
from celery import shared_task


@shared_task
def send(number):
    collect.delay(number)


def collect(number):
    return number


def collect(number):
    def inner():
        return send.s(number)

    return inner


class Mail:
    def send(self):
        raise ValueError
"""
#: Who looks at each function of one module: seldom, or telling what it is after.
LOOKING_AT_EACH = {
    "analysis/event_loop/background/lost.py",
    "analysis/limits/terminations.py",
    "inventory/workers/naming.py",
    "inventory/workers/senders/told_names.py",
    "inventory/workers/senders/mentions.py",
}


def functions() -> Defined[Function]:
    return read_module("shop/mail.py", Source("shop/mail.py", TEXT)).functions


def names(found: Iterable[Function]) -> list[str]:
    return [each.qualname for each in found]


def test_those_that_say_something_are_found_in_the_order_of_the_source() -> None:
    known = functions()
    assert names(known.decorated()) == ["send"]
    assert names(known.telling()) == ["send", "collect/inner"]
    assert names(known.calling(".s")) == ["collect/inner"]
    assert names(known.holding("delay", "send")) == ["send", "collect/inner"]
    assert names(known.stating("ValueError")) == ["Mail.send"]
    assert names(known.named("send")) == ["send", "Mail.send"]
    assert names(known.named("inner", "send")) == ["send", "collect/inner", "Mail.send"]
    assert names(known.again("collect")) == ["collect@9"]
    assert known.again("send") == []
    assert names(known.in_order([known["Mail.send"]], [], [known["send"]])) == ["send", "Mail.send"]
    assert names(known.in_order([known["send"]], [])) == ["send"]


def test_what_is_asked_for_is_noted() -> None:
    known = functions()
    assert known.get("nothing") is None
    assert "collect" in known
    assert known["send"].name == "send"
    assert known.asked.keys() == {"nothing", "collect", "send"}
    known.calling(".s", ".si")
    known.stating("raise")
    known.named("run")
    known.again("send")
    assert known.searched == {
        ("calls", ".s\t"),
        ("calls", ".si\t"),
        ("steps", "raise"),
        ("name", "run"),
        ("again", "send"),
    }


@pytest.mark.parametrize("look", [list, len, Defined.items, Defined.values, Defined.keys])
def test_who_goes_through_all_has_looked_at_each(look: Callable[[Defined[Function]], object]) -> None:
    known = functions()
    assert len([*known.every()]) == 6
    assert known.searched == set()
    look(known)
    assert known.searched == {EVERYBODY}


def looking(tree: ast.AST) -> Iterator[int]:
    """The lines where all functions of a module are gone through."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            each = node.func.value if node.func.attr in ("values", "items", "keys", "every") else node
        elif isinstance(node, (ast.For, ast.comprehension)):
            each = node.iter
        else:
            continue
        if isinstance(each, ast.Attribute) and each.attr == "functions":
            yield each.lineno


def test_nobody_goes_through_all() -> None:
    """Ask for those that are decorated, or say what is looked for: ``celery_lint.model.defined``."""
    found = {
        path.relative_to(PRODUCT).as_posix()
        for wing in ("inventory", "analysis", "rules")
        for path in (PRODUCT / wing).rglob("*.py")
        if [*looking(ast.parse(path.read_text(encoding="utf-8")))]
    }
    assert found == LOOKING_AT_EACH
