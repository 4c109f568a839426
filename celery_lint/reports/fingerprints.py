"""What identifies a diagnostic from run to run, also when its line moves."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from celery_lint.diagnostics import Diagnostic
from celery_lint.digests import blake2b
from celery_lint.paths import shown


def fingerprints(
    diagnostics: Iterable[Diagnostic], name: Callable[[str], str] = shown
) -> Iterator[tuple[Diagnostic, str]]:
    """Each diagnostic with its fingerprint; ``name`` says how a path is called in it.

    A fingerprint holds neither lines nor columns, nor the numbers of a message, which speak of other lines or
    count what may be one more tomorrow. Equal diagnostics of a file are counted.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    for diagnostic in diagnostics:
        path = name(diagnostic.path).replace(os.sep, "/")
        key = path, diagnostic.code, without_numbers(diagnostic.message)
        seen[key] += 1
        text = "\0".join((*key, str(seen[key])))
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
        yield diagnostic, digest.hexdigest()


def without_numbers(message: str) -> str:
    """A message without the numbers that are no part of a name in backticks."""
    parts = message.split("`")
    parts[::2] = ["".join(c for c in part if not c.isdigit()) for part in parts[::2]]
    return "`".join(parts)
