"""Automatic retries with options that do what they say.

Celery takes each of its retry options on its own and ignores what does not fit the others. A
:class:`RetryPolicy` gives only options that take effect together, and tells the delays that they lead to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

_WITHOUT_MEANING = {
    "TimeLimitExceeded": "the process is killed, so nothing can be caught in it",
    "Retry": "it is how a retry is asked for",
    "Ignore": "it is how a task leaves its state alone",
    "Reject": "it is how a message is refused",
}


class Delay(NamedTuple):
    """The seconds before one retry: exactly, or any number from ``shortest`` to ``longest``."""

    shortest: int
    longest: int


class RetryPolicy:
    """When a task is run again after an exception, and how long it waits before.

    * ``exceptions``: the transient ones, as narrow as possible. With ``Exception`` a soft time limit is
      retried as well, unless ``never`` holds it.
    * ``base``: seconds before the first retry; each further one waits twice as long, up to ``longest``.
      ``default_retry_delay`` plays no part when Celery's ``retry_backoff`` is set, which this is; it is
      given as well, for a task whose process died is sent again after it (``retry_on_worker_lost``).
    * ``jitter``: wait a random time from zero to that, so that tasks which failed together do not come back
      together.
    * ``limit``: how many retries; then the task fails with the exception itself.

    ::

        @shared_task(**RetryPolicy((ConnectionError, TimeoutError), base=60, limit=5).options())
        def fetch(): ...
    """

    def __init__(
        self,
        exceptions: tuple[type[BaseException], ...],
        *,
        base: int = 1,
        longest: int = 600,
        limit: int = 3,
        jitter: bool = True,
        never: tuple[type[BaseException], ...] = (),
    ) -> None:
        if not exceptions:
            raise ValueError("without exceptions nothing is ever retried")
        for kind in (*exceptions, *never):
            reason = _WITHOUT_MEANING.get(kind.__name__)
            if reason and kind.__module__.startswith(("celery.", "billiard.")):
                raise ValueError(f"{kind.__name__} cannot be retried: {reason}")
        if base < 1 or base != int(base):
            raise ValueError(f"base is {base!r}: Celery counts whole seconds, and less than 1 as 1")
        if longest < base:
            raise ValueError(f"longest ({longest} s) is shorter than base ({base} s)")
        if limit < 1:
            raise ValueError(f"limit is {limit!r}: use no policy for a task that is not retried")
        self.exceptions = exceptions
        self.base = base
        self.longest = longest
        self.limit = limit
        self.jitter = jitter
        self.never = never

    def options(self) -> dict[str, Any]:
        """The options for ``@app.task`` or ``@shared_task``."""
        found: dict[str, Any] = {
            "autoretry_for": self.exceptions,
            "max_retries": self.limit,
            "default_retry_delay": self.base,
            "retry_backoff": self.base,
            "retry_backoff_max": self.longest,
            "retry_jitter": self.jitter,
        }
        if self.never:
            found["dont_autoretry_for"] = self.never
        return found

    def delays(self) -> list[Delay]:
        """The delay before each retry, in order."""
        full = [min(self.longest, self.base * 2**number) for number in range(self.limit)]
        return [Delay(0 if self.jitter else seconds, seconds) for seconds in full]


__all__ = ["Delay", "RetryPolicy"]
