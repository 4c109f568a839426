"""CEL514 time-limit-ignored-by-pool."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.limit_gaps import IgnoredLimit, LimitGaps
from celery_lint.rule import Finding, Rule, on

_SHOWN = 5


class TimeLimitIgnoredByPool(Rule):
    """A time limit is set, and the pool of the workers does not enforce it.

    ## Why it matters

    Only prefork raises a soft limit. A hard limit is enforced by prefork and gevent. All other pools take
    both without a word and let the task run: measured on real workers, a task of four seconds finished under
    a limit of one second in the threads, solo and eventlet pools, and under a soft limit in gevent.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(soft_time_limit=10)
    def fetch(order):
        return order
    ```

    ## Use instead

    ```python
    import gevent
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(time_limit=10)
    def fetch(order):
        with gevent.Timeout(5):
            return order
    ```

    ## Limits

    Speaks only where the pool is known: from the option `pool`, the worker commands of launch files, or
    `worker_pool`. Where workers of several pools share the work, all that consume the queue of the task must
    ignore the limit. Told once for each kind of pool, at the limits of the application or else at the first
    task that sets its own, with the places of the others. Silent about pools that are named only for Windows
    or for development, and about soft limits under gevent where a hard one is set and nothing handles
    `SoftTimeLimitExceeded`. A hard limit under gevent works as long as the greenlet lets others run.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL514"
    name = "time-limit-ignored-by-pool"
    severity = "warning"
    preset = "recommended"
    message = "`{option}` has no effect in the {pool} pool: tasks never time out"
    help = "set timeouts on what the task waits for, such as `requests.get(url, timeout=10)`"
    variants = {
        "both": (
            "time limits have no effect in the {pool} pool: tasks never time out",
            "set timeouts on what the task waits for, such as `requests.get(url, timeout=10)`",
        ),
        "gevent": (
            "`{option}` has no effect in the {pool} pool, which raises no soft limit",
            "use `time_limit`, or `gevent.Timeout` in the task",
        ),
    }
    proof = "tests/proofs/test_limits.py::test_only_prefork_has_a_soft_limit"
    example_options = 'pool = ["gevent"]'

    @on(LimitGaps.ignored)
    def check(self, fact: IgnoredLimit) -> Iterator[Finding]:
        """Report the first of the limits that a pool ignores, pointing at the others."""
        values = {"pool": fact.pool.name, "option": fact.names[0]}
        variant = "both" if len(fact.names) > 1 else "gevent" if fact.pool.name == "gevent" else ""
        others = tuple((place, "nor does it enforce this one") for place in fact.others[:_SHOWN])
        yield Finding(fact.place, values, (*fact.pool.related(), *others), variant)
