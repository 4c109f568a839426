"""CEL736 worker-command-refused."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.refused import NoScheduler, Refused, RefusedCommands
from celery_lint.rule import Finding, Rule, on

_SHOWN = 5


class WorkerCommandRefused(Rule):
    """A command has a word, an option or a scheduler that Celery lacks, or `-A` too late, and ends at once.

    ## Why it matters

    `-Q` takes one word: queues are separated by commas, and by no blanks beside them. What comes after that
    word belongs to no option, and the worker ends with `Error: Unable to parse extra configuration from
    command line. Reason: not enough values to unpack (expected 2, got 1)`. Where something starts it again
    and again, all that users see is that tasks wait.

    Beat imports the class that `--scheduler` or the setting `beat_scheduler` names. Celery itself has
    `celery.beat:PersistentScheduler`, which is the default; a `DatabaseScheduler` is of other packages, as
    `django_celery_beat.schedulers:DatabaseScheduler`. With `celery.schedulers.DatabaseScheduler` beat ends
    with `ModuleNotFoundError`, and no entry of the schedule is ever sent.

    `celery worker -A shop` was right up to Celery 4. Since Celery 5 the program takes the application, and no
    sub-command does: `Error: No such option '-A'`, and the worker ends. `celery -A shop app worker` has a
    word in the place of the sub-command: `Error: No such command 'app'`.

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

    Speaks of a word right before `worker`, of plain words behind `-Q` and `--queues`, and of schedulers
    by a name that begins with `celery.`; those of other packages and of the project are not looked for. A
    command is told at the application of the command, for launch files are no Python. Silent for `celery
    multi`, whose words are the names of nodes, where a variable stands among the queues, and where the
    command names no application of the project and there are several. Of `-A` and `--app` behind
    `worker` and `beat` it speaks where the lists of dependencies say up to which version Celery is
    installed, and that is 5 or later. Flower starts without its application there.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#queues>
    """

    code = "CEL736"
    name = "worker-command-refused"
    severity = "error"
    preset = "recommended"
    message = "a worker refuses `{word}`: `Unable to parse extra configuration from command line`"
    help = "separate queues by commas alone, in `{path}`: `-Q {queues}`"
    variants = {
        "command": (
            "`celery -A … {word} worker` ends at once: `No such command '{word}'`",
            "leave `{word}` out in `{path}`: `celery -A {app} worker`",
        ),
        "scheduler": (
            "Celery has no scheduler `{scheduler}`: beat ends at once",
            "leave `--scheduler` out in `{path}`, or name one that is installed",
        ),
        "late": (
            "`celery {program} {option}` ends at once with Celery 5: `No such option '{option}'`",
            "write `celery {option} {app} {program}` in `{path}`",
        ),
        "setting": (
            "Celery has no scheduler `{scheduler}`: beat ends at once",
            "leave the setting out, or name one that is installed",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_worker_refuses_queues_with_blanks"

    @on(RefusedCommands.refused)
    def check(self, fact: Refused) -> Iterator[Finding]:
        """Report the application, pointing at the commands."""
        command = fact.first
        values = {"word": fact.word, "path": command.path, "queues": fact.queues}
        kind, variant = ("command", "command") if command.misplaced else ("option", "")
        if command.misplaced:
            values["app"] = command.app
        related = [
            (each.place, f"`{each.refused}` is no {kind}") for each in (fact.first, *fact.others)[:_SHOWN]
        ]
        yield Finding(fact.place, values, tuple(related), variant)

    @on(RefusedCommands.late)
    def check_late(self, fact: Refused) -> Iterator[Finding]:
        """Report the application, pointing at the commands that name it too late."""
        command = fact.first
        program = command.program or "worker"
        values = {"program": program, "option": command.late, "app": command.app or "…", "path": command.path}
        related = [
            (each.place, f"`{each.late}` stands behind `{each.program or 'worker'}`")
            for each in (fact.first, *fact.others)[:_SHOWN]
        ]
        yield Finding(fact.place, values, tuple(related), "late")

    @on(RefusedCommands.without_scheduler)
    def check_scheduler(self, fact: NoScheduler) -> Iterator[Finding]:
        """Report the setting, or the application, pointing at the commands."""
        if not fact.commands:
            yield Finding(fact.place, {"scheduler": fact.name}, (), "setting")
            return
        values = {"scheduler": fact.name, "path": fact.commands[0].path}
        related = [(each.place, "beat is told to take it here") for each in fact.commands[:_SHOWN]]
        yield Finding(fact.place, values, tuple(related), "scheduler")
