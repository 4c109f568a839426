"""CEL313 self-without-bind."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.definition.binding import Binding, Misbound
from celery_lint.rule import Finding, Rule, on


class SelfWithoutBind(Rule):
    """A task takes `self` and is not bound, so that nobody gives it.

    ## Why it matters

    Without `bind=True` the parameter is one like any other, and what is sent lacks one argument: `delay()`
    raises `TypeError: pull() missing 1 required positional argument`, or the first real argument is
    taken for the task.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def pull(self, url):
        return url
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def pull(self, url):
        return url
    ```

    ## Limits

    Silent where options come from `**`, where another decorator or a class of the task or of its application
    may give the argument, where the function stands in a class, and where some call gives all arguments.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#bound-tasks>
    """

    code = "CEL313"
    name = "self-without-bind"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "`{task}` takes `self` and is not bound, so a call raises TypeError"
    help = "write `bind=True` in its decorator"
    proof = "tests/proofs/test_definitions.py::test_nobody_gives_self_without_bind"

    @on(Binding.without_bind)
    def check(self, fact: Misbound) -> Iterator[Finding]:
        """Report the definition."""
        related = ((fact.sent.place, "this call lacks one argument"),) if fact.sent is not None else ()
        yield Finding(fact.place, {"task": fact.task.label}, related, "", (fact.task.label,))
