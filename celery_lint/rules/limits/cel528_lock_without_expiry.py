"""CEL528 lock-without-expiry."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.locks import EternalLock, Locks
from celery_lint.rule import Finding, Rule, on


class LockWithoutExpiry(Rule):
    """A task takes a lock in Redis or in a cache that never expires.

    ## Why it matters

    A process that is killed, by a hard time limit, by the kernel or by a deployment, frees nothing: `finally`
    and the end of a `with` block do not run. The key stays, and from then on every task that wants the lock
    waits or gives up, until somebody deletes the key by hand.

    ## Example

    ```python
    import redis
    from celery import shared_task

    client = redis.Redis()


    @shared_task(soft_time_limit=50, time_limit=60)
    def rebuild(index):
        with client.lock("rebuild"):
            index.rebuild()
    ```

    ## Use instead

    ```python
    import redis
    from celery import shared_task

    client = redis.Redis()


    @shared_task(soft_time_limit=50, time_limit=60)
    def rebuild(index):
        with client.lock("rebuild", timeout=90):
            index.rebuild()
    ```

    The lock has to live longer than the task may: longer than its `time_limit`.

    ## Limits

    Knows the locks of redis-py, django-redis and python-redis-lock, and keys that are taken with `setnx`,
    `set(nx=True)` or `cache.add(timeout=None)`: these only where the answer decides what happens next,
    nothing in the function gives the key an end before the work, and it looks like a lock (the function
    deletes the key, or the key's name speaks of one). A key that is asked for and then `set` in another
    call is one too. Django's `cache.add` without `timeout` ends after the default of the cache, 300
    seconds. The parameter that ends a lock of a cache is that of its backend, where `CACHES` names it. Locks
    of threads and of files are left alone.

    ## References

    * <https://redis.readthedocs.io/en/stable/lock.html>
    * <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>
    """

    code = "CEL528"
    name = "lock-without-expiry"
    severity = "warning"
    preset = "recommended"
    message = "this lock never expires: it stays locked if task `{task}` is killed"
    help = "give it an end longer than the task's time limit: `{ending}=…` (seconds)"
    variants = {
        "cache": (
            "this lock never expires: it stays locked if task `{task}` is killed",
            "give it an end: `timeout=…` of django-redis, `expire=…` of python-redis-lock (seconds)",
        ),
        "key": (
            "`{call}` locks forever if task `{task}` is killed",
            "let the key expire in the same call: `ex=` (Redis) or `timeout=` (cache)",
        ),
    }
    proof = "tests/proofs/test_states.py::test_a_lock_that_never_expires_outlives_its_process"

    @on(Locks.eternal)
    def check(self, lock: EternalLock) -> Iterator[Finding]:
        """Report where the lock is made or the key is set."""
        values = {"call": lock.name, "task": lock.site.tasks[0].label, "ending": lock.ending}
        variant = "key" if lock.kind == "key" else "" if lock.ending else "cache"
        yield Finding(lock.place, values, lock.site.related(), variant)
