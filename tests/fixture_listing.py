"""What git says of the fixtures: asked once for all of them by each process, and not once for each.

A question costs two processors' milliseconds of git, and a folder that is made for it and removed. That git
is asked at all, and how, is what ``tests/files`` and the front ends' own projects show.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from celery_lint.files.git import Checkout, checkout_around
from tests.fixture_corpus import FOLDER

asked = Checkout.files
"""The product's own question."""


@cache
def _listed() -> dict[str, set[str]]:
    """The files of each case, relative to its folder."""
    found: dict[str, set[str]] = defaultdict(set)
    checkout = checkout_around(str(FOLDER))
    if checkout is not None:
        with checkout:
            for path in asked(checkout) or ():
                rule, _, rest = path.partition("/")
                case, _, name = rest.partition("/")
                found[f"{FOLDER}/{rule}/{case}"].add(name)
    return dict(found)


def files(checkout: Checkout) -> set[str] | None:
    """What git tracks below the root, or would: for the folder of a case from the answer about all."""
    is_below = checkout._root.startswith(f"{FOLDER}/")
    return (_listed().get(checkout._root) if is_below else None) or asked(checkout)


@pytest.fixture(autouse=True, scope="session")
def _asked_once() -> None:
    """No test changes which files a fixture has."""
    Checkout.files = files  # type: ignore[method-assign]
