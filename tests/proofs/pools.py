"""In which pools a proof is run: few in the short form, all in the long one."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

#: The long form runs every pool that a proof names; ``record.py`` sets it.
LONG = bool(os.environ.get("CELERY_LINT_PROOFS_LONG"))


def pools(*short: str, long: Sequence[str] = ()) -> pytest.MarkDecorator:
    """Run a test with the parameter ``pool``: always for the first ones, the others in the long form."""
    if not LONG and not short:
        return pytest.mark.skip(reason="only in the long form: CELERY_LINT_PROOFS_LONG=1")
    return pytest.mark.parametrize("pool", [*short, *(long if LONG else ())])
