"""Tasks that fail and are tried again, or not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import Any

from application import app, mark
from celery import Task, chord
from celery.exceptions import MaxRetriesExceededError, Retry, SoftTimeLimitExceeded, TimeLimitExceeded
from celery.signals import task_prerun, task_retry


@task_prerun.connect
def count(task: Task, **_: Any) -> None:
    """Leave a trace of each run."""
    mark(f"ran {task.name.rpartition('.')[2]} {time.monotonic_ns()}")


@task_retry.connect
def note(sender: Task, reason: Retry, **_: Any) -> None:
    """Leave a trace of the delay."""
    mark(f"delay {sender.name.rpartition('.')[2]} {reason.when}")


# ------------------------------------------------------------------------------------ automatic retries


@app.task(
    autoretry_for=(Exception,), max_retries=1, retry_backoff=False, default_retry_delay=0, soft_time_limit=1
)
def retries_everything() -> None:
    """Takes too long, each time."""
    time.sleep(5)


@app.task(autoretry_for=(OSError,), max_retries=1, default_retry_delay=0, soft_time_limit=1)
def retries_what_may_pass() -> None:
    """Takes too long, once."""
    time.sleep(5)


@app.task(autoretry_for=(TimeLimitExceeded,), max_retries=1, default_retry_delay=0, time_limit=1)
def retries_the_hard_limit() -> None:
    """The process is gone when the limit is reached."""
    time.sleep(30)


@app.task(autoretry_for=(SoftTimeLimitExceeded,), max_retries=1, default_retry_delay=0, soft_time_limit=1)
def retries_the_soft_limit() -> None:
    """The limit is an exception in the task."""
    time.sleep(30)


@app.task(bind=True, retry_backoff=1, retry_jitter=False, default_retry_delay=77)
def backs_off_by_hand(self: Task) -> None:
    """``retry`` does not look at the backoff."""
    raise self.retry()


@app.task(bind=True, retry_kwargs={"max_retries": 1})
def bounds_by_mapping(self: Task) -> None:
    """``retry`` does not look at the bound for automatic retries."""
    raise self.retry(exc=ValueError("not yet"), countdown=0)


@app.task(bind=True, max_retries=1)
def bounds_by_option(self: Task) -> None:
    """The bound of the task counts."""
    raise self.retry(exc=ValueError("not yet"), countdown=0)


@app.task(autoretry_for=(ValueError,), retry_backoff=1, retry_jitter=False, default_retry_delay=77)
def backs_off() -> None:
    """The backoff takes the place of the delay."""
    raise ValueError("not yet")


@app.task(autoretry_for=(ValueError,), retry_backoff=3600, retry_jitter=False)
def backs_off_for_an_hour() -> None:
    """The bound of the backoff is ten minutes unless set."""
    raise ValueError("not yet")


@app.task(bind=True, autoretry_for=(ValueError,), retry_backoff=1, retry_jitter=False, default_retry_delay=77)
def waits_as_it_says(self: Task) -> None:
    """A retry by hand with a delay leaves nothing to the automatic one."""
    try:
        raise ValueError("not yet")
    except Exception as exc:
        raise self.retry(exc=exc, countdown=0) from exc


_AUTOMATIC = {"autoretry_for": (Exception,), "retry_backoff": 1, "retry_jitter": False}


@app.task(bind=True, retry_kwargs={"max_retries": 2, "countdown": 77}, **_AUTOMATIC)
def waits_while_it_may(self: Task) -> None:
    """What it raises at the end finds the retries used up."""
    try:
        raise ValueError("not yet")
    except Exception as exc:
        if self.request.retries < self.max_retries:
            raise self.retry(countdown=0) from exc
        raise


@app.task(bind=True, **_AUTOMATIC)
def waits_until_it_is_exceeded(self: Task) -> None:
    """The same, by the error of ``retry``."""
    try:
        raise ValueError("not yet")
    except Exception as exc:
        try:
            raise self.retry(countdown=0) from exc
        except MaxRetriesExceededError:
            raise exc from None


@app.task(bind=True, **_AUTOMATIC)
def waits_once(self: Task) -> None:
    """The second retry is automatic, and waits for its backoff."""
    try:
        raise ValueError("not yet")
    except Exception as exc:
        if self.request.retries < 1:
            raise self.retry(countdown=0) from exc
        raise


@app.task(autoretry_for=(ValueError,), default_retry_delay=77)
def waits() -> None:
    """The delay counts."""
    raise ValueError("not yet")


@app.task(autoretry_for=(ValueError,), retry_backoff=2.9, retry_jitter=False)
def backs_off_a_fraction() -> None:
    """Celery wants whole seconds."""
    raise ValueError("not yet")


@app.task(max_retries=5, default_retry_delay=0)
def describes_retries() -> None:
    """Nobody asks for a retry."""
    raise ValueError("not yet")


@app.task(autoretry_for=(ValueError,), max_retries=2, default_retry_delay=0)
def asks_for_retries() -> None:
    """The same with the word that asks."""
    raise ValueError("not yet")


# ------------------------------------------------------------------------------------ retry()


@app.task(bind=True, max_retries=None)
def never_gives_up(self: Task) -> None:
    """Nothing bounds it."""
    raise self.retry(countdown=0)


@app.task(bind=True, max_retries=2)
def gives_up(self: Task) -> None:
    """Three runs at most."""
    raise self.retry(countdown=0)


@app.task(bind=True, max_retries=None)
def compares(self: Task) -> str:
    """The bound is no number."""
    return "again" if self.request.retries < self.max_retries else "enough"


@app.task(bind=True, max_retries=3)
def compares_numbers(self: Task) -> str:
    """The bound is one."""
    return "again" if self.request.retries < self.max_retries else "enough"


@app.task(bind=True, max_retries=1)
def looks_for_the_wrong_end(self: Task) -> None:
    """With ``exc`` it is ``exc`` that ends the retries."""
    try:
        raise ValueError("not yet")
    except ValueError as error:
        try:
            raise self.retry(exc=error, countdown=0)
        except MaxRetriesExceededError:
            mark("wrong end")


@app.task(bind=True, max_retries=1)
def looks_for_the_right_end(self: Task) -> None:
    """Without it the handler runs."""
    try:
        raise ValueError("not yet")
    except ValueError:
        try:
            raise self.retry(countdown=0) from None
        except MaxRetriesExceededError:
            mark("right end")


@app.task(bind=True, max_retries=1)
def looks_beside(self: Task) -> None:
    """A handler does not catch what the one above it raises."""
    try:
        raise ValueError("not yet")
    except ValueError:
        raise self.retry(countdown=0) from None
    except MaxRetriesExceededError:
        mark("beside")


@app.task(bind=True)
def misspells_the_bound(self: Task) -> None:
    """The default bound holds."""
    raise self.retry(countdown=0, max_retry=1)


@app.task(bind=True)
def bounds(self: Task) -> None:
    """Two runs at most."""
    raise self.retry(countdown=0, max_retries=1)


@app.task(bind=True, max_retries=0)
def forgets_the_cause(self: Task) -> None:
    """The caller gets to know that there were too many attempts."""
    try:
        raise ValueError("the disk is full")
    except ValueError:
        raise self.retry(countdown=0) from None


@app.task(bind=True, max_retries=0)
def tells_the_cause(self: Task) -> None:
    """The caller gets to know why."""
    try:
        raise ValueError("the disk is full")
    except ValueError as error:
        raise self.retry(exc=error, countdown=0) from error


@app.task(bind=True, max_retries=0)
def tells_a_text(self: Task) -> None:
    """A text cannot be raised."""
    raise self.retry(exc="the disk is full", countdown=0)


@app.task(bind=True, max_retries=0)
def passes_the_error_first(self: Task) -> None:
    """The first parameter is for the arguments of the task."""
    try:
        raise OSError("the disk is full")
    except OSError as error:
        raise self.retry(error) from error


@app.task(bind=True, max_retries=1)
def swallows_the_retry(self: Task) -> str:
    """``Retry`` is an ``Exception``."""
    try:
        raise self.retry(countdown=0)
    except Exception:
        return "done"


@app.task(bind=True, max_retries=1)
def suppresses_the_retry(self: Task) -> str:
    """A context manager keeps it just as well."""
    with contextlib.suppress(Exception):
        raise self.retry(countdown=0)
    return "done"


@app.task(bind=True)
def swallows_the_replacement(self: Task) -> str:
    """``replace`` ends the task by raising ``Ignore``."""
    try:
        raise self.replace(reads_what_is_bound.si())
    except Exception:
        return "done"


@app.task(bind=True)
def replaces_itself_with_a_result(self: Task) -> None:
    """What is sent already is no signature."""
    raise self.replace(chord([reads_what_is_bound.si()])(compares_numbers.si()))


@app.task(bind=True)
def replaces_itself_with_a_signature(self: Task) -> None:
    """The replacement is sent by ``replace``."""
    raise self.replace(chord([reads_what_is_bound.si()], compares_numbers.si()))


@app.task(autoretry_for=(ValueError,), max_retries=1, default_retry_delay=0)
def swallows_the_error() -> str:
    """What is caught cannot be retried."""
    try:
        raise ValueError("not yet")
    except ValueError:
        return "done"


@app.task(bind=True, max_retries=2)
def retries_twice(self: Task) -> None:
    """The handler takes ``Retry`` for an error, and asks again."""
    try:
        raise self.retry(countdown=0)
    except Exception as error:
        raise self.retry(countdown=0, exc=error) from error


# ------------------------------------------------------------------------------------ exceptions


@app.task
def describes_the_failure() -> str:
    """The failure is a result."""
    try:
        raise ValueError("not yet")
    except ValueError as error:
        return f"failed: {error}"


@app.task
def fails() -> None:
    """The failure is one."""
    raise ValueError("not yet")


@app.task
def passed_on(result: str) -> str:
    """The next task of a chain."""
    mark(f"passed on {result}")
    return result


@app.task
def chains(first: str) -> None:
    """Send a chain of two."""
    (app.tasks[f"retries.{first}"].si() | passed_on.s()).apply_async()


@app.task
def returns_in_finally() -> str:
    """The exception is dropped."""
    try:
        raise ValueError("not yet")
    finally:
        return "done"  # noqa: B012


@app.task
def returns_after_finally() -> str:
    """The exception goes on."""
    try:
        raise ValueError("not yet")
    finally:
        mark("cleaned up")


@app.task
def reads_what_is_not_bound() -> int:
    """The name is bound only if nothing is raised."""
    try:
        number = int("many")
    except ValueError:
        mark("no number")
    return number


@app.task
def reads_in_the_handler() -> None:
    """The first statement raises before the name is bound."""
    try:
        number = int("many")
    except ValueError:
        mark(f"dealt with {number}")
        raise


@app.task
def reads_in_the_finally() -> None:
    """The same where no handler stands."""
    try:
        number = int("many")
    finally:
        mark(f"dealt with {number}")


@app.task
def reads_what_is_bound() -> int:
    """The name is bound in any case."""
    number = 0
    try:
        number = int("many")
    except ValueError:
        mark("no number")
    return number


def wait(trace: str) -> None:
    """Wait until the task is revoked."""
    mark(f"{trace} began")
    time.sleep(30)


@app.task
def swallows_the_revocation() -> None:
    """A bare ``except`` catches what ends a process."""
    try:
        wait("swallows")
    except:  # noqa: E722
        mark("swallows went on")


@app.task
def swallows_exceptions() -> None:
    """What ends a process is no ``Exception``."""
    try:
        wait("lets pass")
    except Exception:
        mark("lets pass went on")


# ------------------------------------------------------------------------------------ limits


def ask_a_silent_peer() -> None:
    """Wait for an answer that never comes."""
    here, there = socket.socketpair()
    with here, there:
        here.recv(1)


@app.task
def waits_for_ever() -> None:
    """Nothing ends it."""
    ask_a_silent_peer()


@app.task(soft_time_limit=1, time_limit=30)
def waits_for_a_while() -> None:
    """The limit ends it."""
    ask_a_silent_peer()


@app.task(soft_time_limit=1, time_limit=30)
def swallows_the_limit() -> str:
    """The soft limit is an ``Exception``."""
    try:
        time.sleep(5)
    except Exception:
        mark("swallowed")
    return "done"


@app.task(soft_time_limit=1, time_limit=30)
def suppresses_the_limit() -> str:
    """What is tried step by step is tried to the end."""
    with contextlib.suppress(Exception):
        time.sleep(5)
    with contextlib.suppress(Exception):
        mark("next step")
    return "done"


@app.task(soft_time_limit=1, time_limit=30)
def swallows_the_limit_in_a_coroutine() -> str:
    """The limit arrives in a call that blocks the loop, as in any other."""

    async def work() -> None:
        for item in ("first", "second"):
            try:
                time.sleep(2)
            except Exception:  # noqa: PERF203 (each item is tried)
                mark(f"swallowed {item}")
            else:
                mark(f"went on with {item}")

    asyncio.run(work())
    return "done"


@app.task(soft_time_limit=1, time_limit=30)
def is_cancelled_in_a_coroutine() -> str:
    """What awaits is cancelled, and that is no ``Exception``."""

    async def work() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(5)
            except Exception:  # noqa: PERF203 (each item is tried)
                mark("swallowed what was awaited")

    asyncio.run(work())
    return "done"


@app.task(time_limit=30)
def waits_for_a_limit_that_is_not_set() -> str:
    """The handler is dead."""
    try:
        time.sleep(2)
    except SoftTimeLimitExceeded:
        return "stopped"
    return "went on"


@app.task(time_limit=600)
def says_what_ends_it(name: str) -> None:
    """No soft limit is set; somebody revokes it, long before it would end by itself."""
    try:
        mark(f"{name} runs in {os.getpid()}")
        time.sleep(5 if name == "SIGINT" else 300)
    except SoftTimeLimitExceeded:
        mark(f"{name} met a soft limit")
    else:
        mark(f"{name} went on")


@app.task(soft_time_limit=1, time_limit=30)
def waits_for_a_limit_that_is_set() -> str:
    """The handler runs."""
    try:
        time.sleep(10)
    except SoftTimeLimitExceeded:
        return "stopped"
    return "went on"
