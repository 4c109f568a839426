"""What a policy says is what Celery does."""

from __future__ import annotations

from typing import Any

import pytest
from billiard.exceptions import TimeLimitExceeded
from celery import Celery
from celery.exceptions import Retry, SoftTimeLimitExceeded
from celery.utils.time import get_exponential_backoff_interval

from celery_lint.runtime.retries import Delay, RetryPolicy

app = Celery("shop", broker="memory://", backend="cache+memory://")


@pytest.mark.parametrize("base, longest, limit", [(1, 600, 3), (60, 600, 6), (7, 7, 2)])
def test_the_delays_are_those_of_celery(base: int, longest: int, limit: int) -> None:
    policy = RetryPolicy((OSError,), base=base, longest=longest, limit=limit, jitter=False)
    options = policy.options()
    expected = [
        get_exponential_backoff_interval(
            options["retry_backoff"], number, options["retry_backoff_max"], False
        )
        for number in range(limit)
    ]
    assert policy.delays() == [Delay(seconds, seconds) for seconds in expected]
    assert RetryPolicy((OSError,), base=base, longest=longest, limit=limit).delays() == [
        Delay(0, seconds) for seconds in expected
    ]


def test_a_task_with_these_options_is_retried_so(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = RetryPolicy((OSError,), base=60, longest=200, limit=3, jitter=False)

    @app.task(bind=True, **policy.options())
    def fetch(self: Any) -> None:
        raise ConnectionError("busy")

    task = app.tasks[fetch.name]  # itself, and not what stands for it until the application is ready
    asked: list[int] = []

    def retry(**options: Any) -> Retry:
        asked.append(options["countdown"])
        raise Retry(exc=options["exc"])

    monkeypatch.setattr(task, "retry", retry)
    for attempt in range(3):
        task.push_request(retries=attempt, called_directly=False)
        with pytest.raises(Retry):
            task.run()
        task.pop_request()
    assert asked == [delay.longest for delay in policy.delays()]
    assert task.max_retries == 3


def test_the_last_failure_is_the_exception_itself() -> None:
    @app.task(**RetryPolicy((OSError,), base=1, longest=1, limit=2, jitter=False).options())
    def fetch_again() -> None:
        attempts.append(1)
        raise ConnectionError("busy")

    attempts: list[int] = []
    outcome = fetch_again.apply()
    assert len(attempts) == 3
    assert isinstance(outcome.result, ConnectionError)


def test_what_must_never_be_retried() -> None:
    policy = RetryPolicy((Exception,), never=(SoftTimeLimitExceeded,))
    assert policy.options()["dont_autoretry_for"] == (SoftTimeLimitExceeded,)


@pytest.mark.parametrize(
    "exceptions, options, message",
    [
        ((), {}, "nothing is ever retried"),
        ((TimeLimitExceeded,), {}, "the process is killed"),
        ((Retry,), {}, "how a retry is asked for"),
        ((OSError,), {"base": 0}, "whole seconds"),
        ((OSError,), {"base": 0.5}, "whole seconds"),
        ((OSError,), {"base": 10, "longest": 5}, "shorter than base"),
        ((OSError,), {"limit": 0}, "use no policy"),
    ],
)
def test_what_would_not_do_what_it_says_is_refused(
    exceptions: tuple[type[BaseException], ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RetryPolicy(exceptions, **options)
