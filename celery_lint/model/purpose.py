"""What a file is for, by its name: the product, its tests, or examples beside it."""

from __future__ import annotations

from functools import lru_cache

_TEST_FOLDERS = frozenset({"tests", "test", "testing"})
_ASIDE_FOLDERS = frozenset({"fixtures", "examples", "example", "samples", "docs", "benchmarks"})


def is_test_path(path: str) -> bool:
    """Whether a file is a test by its name or folder."""
    folders, _, name = path.rpartition("/")
    return (
        name.startswith("test_")
        or name.endswith(("_test.py", "_tests.py"))
        or name in ("conftest.py", "tests.py")
        or any(folder in _TEST_FOLDERS or folder.startswith("test_") for folder in folders.split("/"))
    )


@lru_cache(maxsize=1 << 14)  # the same paths are asked about by everybody
def is_product_path(path: str) -> bool:
    """Whether a file belongs to the product: neither a test nor an example nor a numbered migration."""
    folders, _, name = path.rpartition("/")
    if is_test_path(path) or any(folder in _ASIDE_FOLDERS for folder in folders.split("/")):
        return False
    return not (folders.endswith("migrations") and name[:4].isdigit())
