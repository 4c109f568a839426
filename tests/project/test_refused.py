"""What the parser takes and the compiler refuses is known, and nothing else is."""

import pytest

from celery_lint.model.reading.reader import read_module
from celery_lint.source import Source

REFUSED = {
    "print(end='', end='')": ("keyword", "end"),
    "class A(f(a=1, b=2, a=3)): pass": ("keyword", "a"),
    "def f(a, /, b, *, a): pass": ("parameter", "a"),
    "def f(a, *b, **a): pass": ("parameter", "a"),
    "return": ("function", "return"),
    "if a:\n    return 1": ("function", "return"),
    "class A:\n    return": ("function", "return"),
    "yield 1": ("function", "yield"),
    "a = yield": ("function", "yield"),
    "await a": ("function", "await"),
    "async with a:\n    pass": ("function", "async with"),
    "async for b in a:\n    pass": ("function", "async for"),
    "nonlocal a": ("function", "nonlocal"),
    "break": ("loop", "break"),
    "for a in b:\n    pass\nelse:\n    continue": ("loop", "continue"),
    "for a in b:\n    class A:\n        break": ("loop", "break"),
    "for a in b:\n    def f():\n        break": ("loop", "break"),
    "def f():\n    try:\n        while a:\n            pass\n    finally:\n        continue": (
        "loop",
        "continue",
    ),
    "import a\nfrom __future__ import annotations": ("late", "from __future__"),
    "'text'\n'text'\nimport a\nfrom __future__ import annotations": ("late", "from __future__"),
}
TAKEN = [
    "print(**a, **a)",
    "print(end='', **{'end': ''})",
    "print(end=dict(end=''))",
    "def f(a):\n    def g(a): return a",
    "f = lambda: (yield)",
    "for a in b:\n    if a:\n        break\n    else:\n        continue",
    "while a:\n    for c in b:\n        pass\n    else:\n        break",
    "def f():\n    for a in b:\n        try:\n            pass\n        except E:\n            continue",
    "def f():\n    for a in b:\n        match a:\n            case 1:\n                break",
    "async def f():\n    async for a in b:\n        break",
    "def f():\n    a = 1\n    def g():\n        nonlocal a\n        a = 2",
    "'text'\nfrom __future__ import annotations\nfrom __future__ import division\nimport a",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_python_refuses(text: str) -> None:
    """The compiler says so, too."""
    with pytest.raises(SyntaxError):
        compile(text, "orders.py", "exec", dont_inherit=True)
    module = read_module("orders.py", Source("orders.py", f"{text}\n"))
    assert [(each.kind, each.name) for each in module.refused] == [REFUSED[text]]
    assert not module.compiles


@pytest.mark.parametrize("text", TAKEN)
def test_what_python_takes(text: str) -> None:
    """Nothing is refused that the compiler takes."""
    compile(text, "orders.py", "exec", dont_inherit=True)
    assert read_module("orders.py", Source("orders.py", f"{text}\n")).compiles
