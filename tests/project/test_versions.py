"""What is left of a module where branches are for versions of Python that the project does not run on."""

from __future__ import annotations

import ast

import pytest

from celery_lint.model.reading.apart.versions import cut_other_versions

PYTHONS = ((3, 11), (3, 12))


def left(text: str, pythons: tuple[tuple[int, int], ...] = PYTHONS) -> str:
    tree = ast.parse(text)
    cut_other_versions(tree, f"{text}  # version_info", pythons)
    return ast.unparse(tree)


@pytest.mark.parametrize(
    "test",
    [
        "sys.version_info >= (3, 11)",
        "sys.version_info > (3, 10)",
        "sys.version_info >= (3,)",
        "sys.version_info < (3, 13)",
        "sys.version_info > (3, 9, 4)",
        "sys.version_info[:2] >= (3, 11)",
        "sys.version_info[0:2] != (3, 10)",
        "sys.version_info[0] == 3",
        "sys.version_info[1] > 10",
        "sys.version_info.major >= 3",
        "sys.version_info.minor >= 11",
        "(3, 11) <= sys.version_info",
        "not sys.version_info < (3, 11)",
        "sys.version_info >= (3, 8) and sys.version_info < (4, 0)",
        "SLOW or sys.version_info >= (3, 11)",
        "hasattr(asyncio, 'Runner')",
        "hasattr(asyncio, 'TaskGroup') and hasattr(asyncio, 'Barrier')",
        "hasattr(asyncio, 'run') and hasattr(asyncio, 'get_running_loop')",
        "hasattr(asyncio, 'create_task') and hasattr(asyncio, 'to_thread')",
        "hasattr(asyncio, 'timeout') and not hasattr(asyncio, 'EventLoop')",
        "six.PY3",
        "not six.PY2",
    ],
)
def test_a_test_that_always_holds(test: str) -> None:
    assert left(f"if {test}:\n    new()\nelse:\n    old()") == "new()"
    assert left(f"if not ({test}):\n    old()\nelse:\n    new()") == "new()"
    assert left(f"run = new if {test} else old") == "run = new"
    assert (
        left(f"def f():\n    if {test}:\n        return new()\n    return old()")
        == "def f():\n    return new()"
    )


@pytest.mark.parametrize(
    "test",
    [
        "sys.version_info >= (3, 12)",
        "sys.version_info >= (3, 11, 4)",
        "sys.version_info[:3] < (3, 12, 1)",
        "sys.version_info[1] == 11",
        "sys.version_info[2] > 4",
        "sys.version_info >= WANTED",
        "celery.version_info >= (5, 0)",
        "sys.version_info >= (3, 11) and FAST",
        "hasattr(asyncio, 'EventLoop') or FAST",
        "hasattr(asyncio, 'something')",
        "hasattr(loop, 'Runner')",
        "hasattr(asyncio, 'EventLoop', 1)",
        "sys.version_info in KNOWN",
        "3 < sys.version_info[1] < 20",
    ],
)
def test_a_test_that_depends(test: str) -> None:
    text = f"if {test}:\n    new()\nelse:\n    old()"
    assert left(text, ((3, 11), (3, 12))) == ast.unparse(ast.parse(text))


def test_nothing_is_cut_where_nobody_says_which_python_runs() -> None:
    text = "if sys.version_info >= (3, 11):\n    new()\nelse:\n    old()"
    assert left(text, ()) == text


def test_names_stand_for_tests_that_are_bound_once() -> None:
    text = "NEW = sys.version_info >= (3, 11)\nif NEW:\n    new()\nelse:\n    old()"
    assert left(text).endswith("\nnew()")
    assert left(f"NEW = False\n{text}").endswith("else:\n    old()")


@pytest.mark.parametrize(
    "other",
    [
        "if slow():\n    NEW = False",
        "try:\n    import fast\nexcept ImportError:\n    NEW = False",
        "NEW &= fast()",
        "NEW: bool = False",
        "def off():\n    global NEW\n    NEW = False",
        "def run(NEW):\n    pass",
        "def run(*, NEW=False):\n    pass",
        "def run():\n    NEW = False",
        "def NEW():\n    pass",
        "class NEW:\n    pass",
        "for NEW in ():\n    pass",
        "with lock() as NEW:\n    pass",
        "try:\n    run()\nexcept OSError as NEW:\n    pass",
        "import shop.old as NEW",
        "from shop import NEW",
        "from shop import *",
        "match run():\n    case {'a': 1, **NEW}:\n        pass",
        "match run():\n    case [*NEW]:\n        pass",
        "match run():\n    case int() as NEW:\n        pass",
        "(NEW := False)",
        "[NEW for NEW in ()]",
        "old, NEW = run()",
        "del NEW",
        "globals()['NEW'] = False",
    ],
)
def test_a_name_that_is_bound_elsewhere_stands_for_nothing(other: str) -> None:
    text = "NEW = sys.version_info >= (3, 11)\n{}\nif NEW:\n    new()\nelse:\n    old()"
    assert left(text.format(other)).endswith("if NEW:\n    new()\nelse:\n    old()")


def test_other_names_may_be_bound_anywhere() -> None:
    text = (
        "NEW = sys.version_info >= (3, 11)\nif slow():\n    OLD = NEW\nif NEW:\n    new()\nelse:\n    old()"
    )
    assert left(text).endswith("\nnew()")


@pytest.mark.parametrize(
    ("imported", "test"),
    [
        ("from sys import version_info", "version_info[:1] == (3,)"),
        ("from sys import version_info as running", "running >= (3, 11)"),
        ("import sys", "sys.version_info >= (3, 11)"),
        ("import os, sys as system", "system.version_info >= (3, 11)"),
        ("import asyncio.subprocess", "hasattr(asyncio, 'Runner')"),
        ("from shop.compat import six", "six.PY3"),
    ],
)
def test_what_tests_ask_is_known_by_its_import(imported: str, test: str) -> None:
    text = f"if {test}:\n    new()\nelse:\n    old()"
    assert left(f"{imported}\n{text}") == f"{imported}\nnew()"


@pytest.mark.parametrize(
    ("imported", "test"),
    [
        ("pass", "version_info >= (3, 11)"),
        ("from tornado import version_info", "version_info >= (3, 11)"),
        ("from tornado import *", "version_info >= (3, 11)"),
        ("from .sys import version_info", "version_info >= (3, 11)"),
        ("from sys import version_info\nfrom tornado import version_info", "version_info >= (3, 11)"),
        ("from sys import version_info as running\nrunning = run()", "running >= (3, 11)"),
        ("import tornado as sys", "sys.version_info >= (3, 11)"),
        ("import tornado as _sys", "_sys.version_info >= (3, 11)"),
        ("sys = run()", "sys.version_info >= (3, 11)"),
        ("import shop.loops as asyncio", "hasattr(asyncio, 'Runner')"),
        ("from shop import hasattr", "hasattr(asyncio, 'Runner')"),
        ("class six:\n    PY3 = run()", "six.PY3"),
    ],
)
def test_something_else_of_that_name_says_nothing(imported: str, test: str) -> None:
    text = f"{imported}\nif {test}:\n    new()\nelse:\n    old()"
    assert left(text) == text


def test_one_test_within_another_and_after_another() -> None:
    text = """
if sys.version_info >= (3, 13):
    newest()
elif sys.version_info >= (3, 11):
    if sys.version_info[0] == 2:
        oldest()
    new()
else:
    old()
after()
"""
    assert left(text) == "new()\nafter()"


def test_a_block_of_which_nothing_is_left() -> None:
    text = "def f():\n    if sys.version_info < (3, 11):\n        old()"
    assert left(text) == "def f():\n    pass"
    assert left("try:\n    pass\nexcept OSError:\n    if six.PY2:\n        old()").endswith("    pass")


def test_what_follows_a_branch_that_leaves_goes_too() -> None:
    text = "def f():\n    if six.PY3:\n        if now():\n            return 1\n        raise E\n    old()"
    assert left(text) == "def f():\n    if now():\n        return 1\n    raise E"
    assert left(text.replace("        raise E\n", "")).endswith("    old()")


def test_a_generator_stays_one() -> None:
    text = "def f():\n    if six.PY3:\n        return new()\n    yield old()"
    assert left(text) == "def f():\n    return new()\n    yield old()"
    text = "def f():\n    if six.PY2:\n        yield old()\n    return new()"
    assert left(text) == text
    text = "if six.PY2:\n    def f():\n        yield old()\nelse:\n    f = new"
    assert left(text) == "f = new"
