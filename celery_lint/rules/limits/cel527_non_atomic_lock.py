"""CEL527 non-atomic-lock."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.locks import AskedLock, Locks
from celery_lint.rule import Finding, Rule, on


class NonAtomicLock(Rule):
    """A task asks for a key and sets it in a second call, and takes that for a lock.

    ## Why it matters

    Two workers that ask at the same time both find nothing, both set the key, and both do the work that only
    one of them was to do. It happens when it hurts: with duplicates that are delivered together, or with a
    schedule that starts a task while the last one is still about to begin.

    ## Example

    ```python
    from celery import shared_task
    from django.core.cache import cache


    @shared_task(soft_time_limit=50, time_limit=60)
    def rebuild(index):
        if cache.get("rebuild-lock"):
            return
        cache.set("rebuild-lock", "1", 60)
        index.rebuild()
        cache.delete("rebuild-lock")
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from django.core.cache import cache


    @shared_task(soft_time_limit=50, time_limit=60)
    def rebuild(index):
        if not cache.add("rebuild-lock", "1", 60):
            return
        index.rebuild()
        cache.delete("rebuild-lock")
    ```

    With a client of Redis: `client.set(key, token, nx=True, ex=60)`.

    ## Limits

    Looks for `get` or `exists` and a later `set` of the same key in one function, or for `sismember` and
    `sadd`, on Django's cache or on a client of Redis, where the function leaves or waits when it finds the
    key, or works only if it does not find it (`if cache.get(key) is None:`), and makes no use of the value.
    It must look like a lock: the function deletes the key as well, or the key or its name speaks of one and
    it is set before the work. Where a run that
    finds the key does the same as all others it is none (`if not cache.get(key): cache.set(key, 1)`, with the
    work below), nor is one that is set in an `except` or a `finally` behind the work. Keys
    that are put together in the call (`f"lock-{pk}"`) cannot be compared and are left alone.

    ## References

    * <https://docs.djangoproject.com/en/stable/topics/cache/#basic-usage>
    * <https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/>
    """

    code = "CEL527"
    name = "non-atomic-lock"
    severity = "warning"
    preset = "recommended"
    message = "two tasks can get this lock: `{call}` sets the key after a separate check"
    help = "take it in one call: `cache.add()`, or `set()` with `nx=True` and `ex=`"
    variants = {
        "never taken": (
            "`{call}` checks a lock that is never taken, only released: it stops no task",
            "take it in one call: `cache.add()`, or `set()` with `nx=True` and `ex=`",
        ),
    }
    proof = "tests/proofs/test_states.py::test_a_lock_in_two_steps_is_taken_twice"

    @on(Locks.asked)
    def check(self, lock: AskedLock) -> Iterator[Finding]:
        """Report where the key is set, or where it is asked for if it never is."""
        asked = () if lock.asked is None else ((lock.asked, "asked for here"),)
        variant = "" if asked else "never taken"
        yield Finding(lock.place, {"call": lock.name}, (*asked, *lock.site.related()), variant)
