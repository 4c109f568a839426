"""CEL310 unknown-task-option."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.unknown_options import HiddenMethod, UnknownOption, UnknownOptions
from celery_lint.rule import Finding, Rule, on

_HIDES = "`{option}` hides the method: `TypeError: '{type}' object is not callable`"

_TAKEN = {"result": "its result or its id is taken here", "state": "it tells its state here"}


class UnknownTaskOption(Rule):
    """A keyword of a task decorator is no option, and nobody says so.

    ## Why it matters

    Celery makes an attribute of the task of every keyword that it does not know, and never looks at it.
    With `ignore_results=True` a result is stored at every run, with `late_acks=True` the tasks of a worker
    that dies are gone, and with `task_time_limit=60` a run that hangs keeps its process forever.

    The attribute hides a method of that name: with `retry=True` a task does not retry, and `self.retry()`
    raises `TypeError: 'bool' object is not callable`, as each retry by `autoretry_for` does.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(ignore_results=True, soft_time_limit=50, time_limit=60)
    def pull():
        print("pulled")
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(ignore_result=True, soft_time_limit=50, time_limit=60)
    def pull():
        print("pulled")
    ```

    ## Limits

    Reports the words that projects are known to write for a real option, settings among them, and those that
    differ from one by a letter or two; any other may be an attribute that the project needs. Silent where the
    real option is given too, where the task runs with the same value anyway, by default or by a setting,
    where something reads an attribute of this name, where a class of the task declares it or cannot be seen,
    where a decorator of the project may take it, and where options come from `**`. A method that is hidden
    counts only where something calls it. Where somebody takes the result, the id or the state of a task that
    seems to mean `ignore_result`, the help says to leave the word out: with the real option `wait()` would
    give `None` at once, and `AsyncResult(id)` would stay `PENDING`. What a log is told is not taken.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options>
    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#message-sending-retry>
    """

    code = "CEL310"
    name = "unknown-task-option"
    severity = "error"
    preset = "recommended"
    fixable = "unsafe"
    message = "`{option}` is no option of a task: Celery ignores it"
    help = "write `{meant}=`: `{task}` runs without it now"
    variants = {
        "taken": (
            "`{option}` is no option of a task: Celery ignores it, and its {what} is used",
            "leave it out: with `{meant}=` the {what} of `{task}` would be lost",
        ),
        "publishing": (
            "`{option}` is no option of a task: Celery ignores it",
            "pass it as `apply_async(retry_policy=…)`; to retry the task write `retry_backoff`",
        ),
        "publishing, retried by hand": (
            "`{option}` is no option of a task: Celery ignores it",
            "write `default_retry_delay`: `self.retry()` waits that long",
        ),
        "hiding": (_HIDES, "leave it out, or rename it: each task has a method `{option}`"),
        "hiding delay": (
            _HIDES,
            "leave it out: `apply_async(countdown=…)` delays a call, `default_retry_delay` a retry",
        ),
        "hiding retry": (_HIDES, "leave it out: `autoretry_for` and `max_retries` make a task retry"),
    }
    proof = "tests/proofs/test_definitions.py::test_a_word_that_is_no_option_changes_nothing"

    @on(UnknownOptions.all)
    def check(self, fact: UnknownOption) -> Iterator[Finding]:
        """Report the keyword."""
        values = {"option": fact.name, "meant": fact.meant, "task": fact.task.label}
        if fact.taken is not None:
            values["what"] = fact.taken.what
            story = (fact.taken.place, _TAKEN[fact.taken.what])
            yield Finding(fact.place, values, (story,), "taken")
        elif fact.meant:
            yield Finding(fact.place, values, fix=(fact.meant,))
        else:
            yield Finding(
                fact.place, values, (), "publishing, retried by hand" if fact.retries else "publishing"
            )

    @on(UnknownOptions.hiding)
    def check_hiding(self, fact: HiddenMethod) -> Iterator[Finding]:
        """Report the keyword that hides a method."""
        variant = f"hiding {fact.name}" if fact.name in ("delay", "retry") else "hiding"
        yield Finding(fact.place, {"option": fact.name, "type": fact.given}, (), variant)
