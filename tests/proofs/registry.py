"""Which tests prove which rules, read from the files: nothing of Celery is imported."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
RESULTS = HERE / "results.json"


class Proof(NamedTuple):
    """One test with the mark ``proof``."""

    #: ``tests/proofs/test_event_loop.py::test_…``, as in ``Rule.proof``
    test: str
    #: The codes of the rules whose claim it shows.
    codes: tuple[str, ...]
    #: The first line of its documentation.
    summary: str


@cache
def proofs() -> dict[str, Proof]:
    """All proofs by the names of their tests."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            codes = tuple(code for decorator in node.decorator_list for code in _codes(decorator))
            if codes:
                test = f"{path.relative_to(REPOSITORY).as_posix()}::{node.name}"
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                found[test] = Proof(test, codes, summary)
    return found


def _codes(decorator: ast.expr) -> list[str]:
    """The codes in ``@pytest.mark.proof("CEL110", …)``."""
    if not (isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.proof"):
        return []
    return [ast.literal_eval(argument) for argument in decorator.args]


@cache
def results() -> dict[str, Any]:
    """What the last long run has found: ``versions`` and ``outcomes``, see ``record.py``."""
    if not RESULTS.exists():
        return {"versions": {}, "outcomes": []}
    content: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return content


def benchmark(name: str) -> Any:
    """What the last run of a benchmark has found, ``None`` where there was none."""
    path = REPOSITORY / "benchmarks" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def of_rule(code: str) -> list[Proof]:
    """The proofs of a rule."""
    return [proof for proof in proofs().values() if code in proof.codes]
