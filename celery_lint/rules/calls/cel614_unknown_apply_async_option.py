"""CEL614 unknown-apply-async-option."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.message_options import CountedRetries, MessageOptions, UnknownOption
from celery_lint.rule import Finding, Rule, on


class UnknownApplyAsyncOption(Rule):
    """A call that sends a task has an option that Celery does not know, or that means something else.

    ## Why it matters

    `apply_async` takes any keyword and hands what it does not know to the broker, which drops it. A misspelt
    `count_down` delays nothing, and an option of the task, as `max_retries`, changes nothing for one
    message. `retries=3` is known, and says that three retries have been used up: of `max_retries=3` none is
    left.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        print(user)


    def ordered(user):
        remind.apply_async((user,), count_down=3600)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        print(user)


    def ordered(user):
        remind.apply_async((user,), countdown=3600)
    ```

    ## Limits

    Knows what two letters at most make an option of Celery, other words for one that projects are seen to
    use, and options of tasks: what is like none of them may be an option of the broker. A chord takes
    `max_retries` and `interval`, for the task that waits for its header. Silent where a class
    of tasks or an application has its own `apply_async`, where the task or the application switches on what
    the call asks for, and where a router or a handler of `before_task_publish` may look at the options.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.apply_async>
    """

    code = "CEL614"
    name = "unknown-apply-async-option"
    severity = "error"
    preset = "recommended"
    fixable = "unsafe"
    message = "`{call}` ignores `{option}`: it has no such option"
    help = "write `{meant}=`"
    variants = {
        "of the task": (
            "`{call}` ignores `{option}`, which is an option of tasks and not of messages",
            "give it to the decorator: `@app.task({option}=…)`",
        ),
        "retries": (
            "`retries={number}` says that {number} retries of this message are used up already",
            "leave it out, and give the task `max_retries={number}`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_unknown_options_are_ignored"

    @on(MessageOptions.unknown)
    def check(self, fact: UnknownOption) -> Iterator[Finding]:
        """Report the option."""
        values = {"call": f"{fact.method}()", "option": fact.option, "meant": fact.meant}
        if fact.meant:
            yield Finding(fact.place, values, fix=(fact.meant,))
        else:
            yield Finding(fact.place, values, (), "of the task")

    @on(MessageOptions.counted)
    def check_retries(self, fact: CountedRetries) -> Iterator[Finding]:
        """Report the number."""
        yield Finding(fact.place, {"number": fact.number}, (), "retries")
