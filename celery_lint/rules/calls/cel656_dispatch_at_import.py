"""CEL656 dispatch-at-import."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.at_import import AtImport, SentAtImport
from celery_lint.rule import Finding, Rule, on


class DispatchAtImport(Rule):
    """A module of tasks sends one of them when it is imported.

    ## Why it matters

    Whoever imports the module sends the task: each worker that starts, each process of the web server, a
    shell, the tests. Those that start together send it several times; and the import fails where the broker
    cannot be reached.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def warm_up():
        print("warm")


    warm_up.delay()
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery.signals import worker_ready


    @shared_task(soft_time_limit=50, time_limit=60)
    def warm_up():
        print("warm")


    @worker_ready.connect
    def at_start(**kwargs):
        warm_up.delay()
    ```

    ## Limits

    Looks at the code of modules that define tasks, outside functions and outside
    `if __name__ == "__main__":`. Another condition is not understood; nor is it seen whether a module is only
    ever run as a script.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-ready>
    """

    code = "CEL656"
    name = "dispatch-at-import"
    severity = "warning"
    preset = "strict"
    message = "`{task}` is sent at import: several times, by each worker, web process and shell"
    help = "send it from a function: of a command, or of the signal `worker_ready`"
    variants = {
        "unknown": (
            "a task is sent at import: several times, by each worker, web process and shell",
            "send it from a function: of a command, or of the signal `worker_ready`",
        )
    }
    proof = "tests/proofs/test_names.py::test_an_import_sends"

    @on(AtImport.sent)
    def check(self, fact: SentAtImport) -> Iterator[Finding]:
        """Report the call."""
        yield Finding(fact.sending.place, {"task": fact.label}, (), "" if fact.label else "unknown")
