"""The right patterns as code: importable, small, and proven on real workers.

The linter imports nothing of this package, and it nothing of the linter. It needs the extra ``runtime``. What
each module holds is imported from there; the names that every project needs are here as well.
"""

from __future__ import annotations

from celery_lint.runtime.event_loop import (
    CoroutineStopped,
    current_request,
    on_shutdown,
    run_async,
    shutdown,
)
from celery_lint.runtime.resources import per_process

__all__ = ["CoroutineStopped", "current_request", "on_shutdown", "per_process", "run_async", "shutdown"]
