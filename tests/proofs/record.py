"""Run the long form of the proofs and write what came out: ``python -m tests.proofs.record``.

The results (``results.json``) are what the rules' pages and ``docs/proofs.md`` show. They are written only if
every proof has held. Arguments are pytest's: ``-n 2``, or ``-k retry`` to replace the results of some.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from tests.proofs.pages import PATTERNS, POOLS
from tests.proofs.registry import HERE, REPOSITORY, RESULTS, proofs, results


def main(arguments: list[str]) -> int:
    """Run all proofs in all pools, in this process."""
    written = RESULTS.with_suffix(".new")
    os.environ["CELERY_LINT_PROOFS_LONG"] = "1"
    os.environ["CELERY_LINT_PROOF_RESULTS"] = str(written)
    paths = [os.environ.get("PYTHONPATH", ""), str(REPOSITORY)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    code = int(pytest.main([str(HERE), "-rs", *arguments]))
    if code == 0 and written.exists():
        found = json.loads(written.read_text(encoding="utf-8"))
        run = {_what(outcome) for outcome in found["outcomes"]}
        known = {*proofs(), PATTERNS}
        found["outcomes"] += [
            outcome
            for outcome in results()["outcomes"]
            if outcome["test"] in known and _what(outcome) not in run
        ]
        found["outcomes"].sort(key=lambda outcome: (outcome["test"], POOLS.index(outcome["pool"])))
        text = json.dumps(found, indent=1, ensure_ascii=False)
        RESULTS.write_text(f"{text}\n", encoding="utf-8")
    written.unlink(missing_ok=True)
    return code


def _what(outcome: dict[str, Any]) -> tuple[str, ...]:
    """What is replaced by a new outcome: those of a test, but each pattern is one test of many calls."""
    if outcome["test"] == PATTERNS:
        return outcome["test"], outcome["task"], outcome["pool"]
    return (outcome["test"],)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
