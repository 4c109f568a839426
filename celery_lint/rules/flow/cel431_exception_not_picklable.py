"""CEL431 exception-not-picklable."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.raised_errors import RaisedErrors, UnrebuildableError
from celery_lint.rule import Finding, Rule, on


class ExceptionNotPicklable(Rule):
    """A task raises an exception of the project that cannot be made again from its `args`.

    ## Why it matters

    A worker makes the exception of a failed task again from its class and its `args`, and these are what
    `super().__init__` was given, not what the class was. If they do not fit the class's own `__init__`,
    another exception takes its place: `get()` on the result raises it, so that `except PaymentError` of the
    caller never matches, and `on_failure` and the signal `task_failure` get it too. Seen on Celery 5.7 with
    the JSON serializer: `UnpickleableExceptionWrapper`, or the nearest base class that does fit. The name of
    the class, the text and the traceback are kept in what is logged; the class and its attributes are not.

    ## Example

    ```python
    from celery import shared_task


    class PaymentError(Exception):
        def __init__(self, order, reason):
            super().__init__(f"{order}: {reason}")
            self.order = order


    @shared_task(soft_time_limit=50, time_limit=60)
    def charge(order, amount):
        if amount <= 0:
            raise PaymentError(order, "nothing to pay")
        return amount
    ```

    ## Use instead

    ```python
    from celery import shared_task


    class PaymentError(Exception):
        def __init__(self, order, reason):
            super().__init__(order, reason)
            self.order = order

        def __str__(self):
            return "{}: {}".format(*self.args)


    @shared_task(soft_time_limit=50, time_limit=60)
    def charge(order, amount):
        if amount <= 0:
            raise PaymentError(order, "nothing to pay")
        return amount
    ```

    ## Limits

    Only classes whose number of arguments is written down on both sides (of what `*args` takes, the call
    tells it), and that leave the task: a `raise` in a `try` is left alone unless its handlers only log and
    raise again; what is given to `retry(exc=...)`, made there or caught by its name, leaves it in the end. A
    `raise` that the constants of all calls on the way close (`if strict`) is not come to. Classes with
    `__reduce__` or `__new__` say themselves how they are made again. Tasks with `ignore_result` and projects
    without a result backend are silent. An `__init__` that changes its only argument is made again, with a
    wrong text; that is not reported.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#creating-pickleable-exceptions>
    * <https://github.com/celery/celery/issues/5712>
    """

    code = "CEL431"
    name = "exception-not-picklable"
    severity = "warning"
    preset = "strict"
    proof = "tests/proofs/test_states.py::test_an_exception_is_made_again_from_its_arguments"
    message = "`{exception}` cannot be unpickled: `__init__` takes {wants}, `args` holds {gets}"
    help = "pass the same arguments to `super().__init__`, and make the text in `__str__`"

    @on(RaisedErrors.unrebuildable)
    def check(self, fact: UnrebuildableError) -> Iterator[Finding]:
        """Report at the class, pointing at a statement that raises it."""
        values = {"exception": fact.class_.name, "wants": fact.wants, "gets": fact.gets}
        yield Finding(fact.place, values, ((fact.raised, f"leaves task `{fact.task.label}` here"),))
