"""Cases that take no time, as one test: there are thousands.

As tests of their own they would be collected by each process and reported for longer than they run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def in_one(
    names: str, rows: Iterable[Any], label: Callable[[Any], str] = repr
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Like ``pytest.mark.parametrize``, but one test for all rows, which tells every one that fails.

    They share what the test asks for of fixtures.
    """
    words = [name.strip() for name in names.split(",")]
    tried = [row if len(words) > 1 else (row,) for row in rows]
    assert tried

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        def wrong(row: Iterable[Any], others: dict[str, Any]) -> str:
            try:
                check(**dict(zip(words, row, strict=True)), **others)
            except Exception as error:
                return f"{', '.join(map(label, row))}: {type(error).__name__}: {error}"
            return ""

        def test(**others: Any) -> None:
            found = [text for text in (wrong(row, others) for row in tried) if text]
            assert not found, "\n".join(found)

        known = inspect.signature(check)
        left = [given for name, given in known.parameters.items() if name not in words]
        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        vars(test).update(vars(check))  # its marks
        test.__signature__ = known.replace(parameters=left)  # type: ignore[attr-defined]
        return test

    return decorate
