"""CEL611 options-passed-to-delay."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.task_arguments import OptionsForTask, TaskArguments
from celery_lint.rule import Finding, Rule, on


class OptionsPassedToDelay(Rule):
    """An option of the message is given to `delay`, which hands it to the task.

    ## Why it matters

    `delay(*args, **kwargs)` is short for `apply_async(args, kwargs)`: it has no options. A `countdown` there
    is an argument of the task. Most tasks do not take it, and the call raises `TypeError: got an unexpected
    keyword argument`, there or in the worker; one with `**kwargs` swallows it, and runs at once.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def remind(user):
        print(user)


    def ordered(user):
        remind.delay(user, countdown=3600)
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

    Silent where the task has a parameter of that name, where its `**kwargs` is read, and where something may
    change the arguments, as CEL610 is.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#basics>
    """

    code = "CEL611"
    name = "options-passed-to-delay"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{call}` raises `TypeError: {task}() got an unexpected keyword argument '{option}'`"
    help = "options are for `apply_async`: `{task}.apply_async(({args}), {option}=…)`"
    variants = {
        "swallowed": (
            "`{call}` hands `{option}` to `{task}`, which takes anything and ignores it",
            "options are for `apply_async`: `{task}.apply_async(({args}), {option}=…)`",
        ),
        "in the worker": (
            "the worker raises `TypeError: {task}() got an unexpected keyword argument '{option}'`",
            "options are for `apply_async`: `{task}.apply_async(({args}), {option}=…)`",
        ),
    }
    proof = "tests/proofs/test_calls.py::test_delay_has_no_options"

    @on(TaskArguments.misplaced_options)
    def check(self, fact: OptionsForTask) -> Iterator[Finding]:
        """Report the first of the options, pointing at the task."""
        label = fact.task.label
        values = {
            "call": f"{fact.sending.how}()",
            "task": label,
            "option": fact.names[0],
            "args": "…," if fact.sending.call.positional else "",
        }
        related = ((fact.task.place, f"task `{label}` has no parameter `{fact.names[0]}`"),)
        if fact.swallowed:
            yield Finding(fact.place, values, related, "swallowed")
        else:
            variant = "in the worker" if fact.in_worker else ""
            runs = (fact.task,) if fact.in_worker else ()
            yield Finding(fact.place, values, related, variant, fix=fact.names, runs=runs)
