"""What Celery calls its signatures, canvases and results, by dotted path or last component."""

from __future__ import annotations

#: Ends of the chain from a task to its signature: ``task.s()``.
SIGNATURES = (".s()", ".si()", ".signature()", ".subtask()")
#: Signatures that are made of other signatures.
CANVASES = frozenset(
    f"celery.{module}{name}()" for module in ("", "canvas.") for name in ("chain", "group", "chord")
)
#: A signature by the name of its task.
SIGNATURE = frozenset({"celery.signature()", "celery.canvas.signature()"})
#: Methods that send a task or signature.
SENDING = frozenset({"delay", "apply_async"})
#: Results by their class.
RESULTS = frozenset(
    f"celery.result.{name}()" for name in ("AsyncResult", "GroupResult", "ResultSet", "GroupResult.restore")
)
#: Options of tasks and of calls that end a run.
TIME_LIMITS = ("time_limit", "soft_time_limit")
#: Methods of task classes that Celery calls around a run.
HOOKS = ("before_start", "on_success", "on_failure", "on_retry", "after_return")
