"""CEL736 worker-command-refused."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.refused import Refused, RefusedCommands
from celery_lint.rule import Finding, Rule, on

_SHOWN = 5


class WorkerCommandRefused(Rule):
    """The command of a worker separates its queues by blanks, and the worker ends before it starts.

    ## Why it matters

    `-Q` takes one word: queues are separated by commas, and by no blanks beside them. What comes after that
    word belongs to no option, and the worker ends with `Error: Unable to parse extra configuration from
    command line. Reason: not enough values to unpack (expected 2, got 1)`. Where something starts it again
    and again, all that users see is that tasks wait.

    ## Example

    ```python
    # Procfile: worker: celery -A shop worker -Q mails reports

    # shop.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Use instead

    ```python
    # Procfile: worker: celery -A shop worker -Q mails,reports

    # shop.py
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Limits

    Speaks of plain words behind `-Q` and `--queues`, and is told at the application of the command, for
    launch files are no Python. Silent for `celery multi`, whose words are the names of nodes, where a
    variable stands among the queues, and where the command names no application of the project and there are
    several.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#queues>
    """

    code = "CEL736"
    name = "worker-command-refused"
    severity = "error"
    preset = "recommended"
    message = "a worker refuses `{word}`: `Unable to parse extra configuration from command line`"
    help = "separate queues by commas alone, in `{path}`: `-Q {queues}`"
    proof = "tests/proofs/test_wiring.py::test_a_worker_refuses_queues_with_blanks"

    @on(RefusedCommands.refused)
    def check(self, fact: Refused) -> Iterator[Finding]:
        """Report the application, pointing at the commands."""
        command = fact.first
        values = {"word": fact.word, "path": command.path, "queues": fact.queues}
        related = [
            (each.place, f"`{each.refused}` is no option") for each in (fact.first, *fact.others)[:_SHOWN]
        ]
        yield Finding(fact.place, values, tuple(related))
