"""The names that the linter asks for: every collection of them that stands in one of its modules.

They are found in the modules themselves, so that a name that is new in a list is known here at once: the
fixtures must hold it (`tests/test_names.py`), and what generates programs uses it.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parent.parent / "celery_lint"
#: What looks at files, options and reports asks for no name in a program.
ELSEWHERE = ("frontends", "reports", "runtime")
_NAME = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*")


class Collection(NamedTuple):
    """A list of names in a module: ``module`` is its dotted name, ``name`` that of the variable."""

    module: str
    name: str
    values: tuple[str, ...]


@cache
def collections() -> tuple[Collection, ...]:
    """Every frozenset, tuple or dictionary with texts in it that a module of the linter binds."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in ELSEWHERE or parts[-1] == "__main__":
            continue
        dotted = ".".join(("celery_lint", *(part for part in parts if part != "__init__")))
        module = importlib.import_module(dotted)
        for name in _bound(path):
            values = tuple(dict.fromkeys(_texts(getattr(module, name, None))))
            if values:
                found.append(Collection(dotted, name, values))
    return tuple(found)


@cache
def names() -> tuple[str, ...]:
    """All those of them that may stand in a program, dotted or not, each once."""
    found = {value.strip(".:~%") for collection in collections() for value in collection.values}
    return tuple(sorted(value for value in found if _NAME.fullmatch(value)))


@cache
def packages() -> tuple[str, ...]:
    """The packages that dotted ones are of."""
    return tuple(sorted({name.partition(".")[0] for name in names() if "." in name}))


def _bound(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        # What is not spelled like a constant is filled while the linter runs.
        yield from (each.id for each in targets if isinstance(each, ast.Name) and each.id.isupper())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts((key,))
            yield from _texts(item if isinstance(item, (dict, tuple, frozenset, set, list)) else ())
    elif isinstance(value, (tuple, frozenset, set, list)):
        for item in sorted(value, key=repr):
            if isinstance(item, str):
                yield item
            else:
                yield from _texts(item)
