"""CEL910 unknown-setting."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.application.misplaced_arguments import MisplacedArgument, MisplacedArguments
from celery_lint.analysis.application.unread_settings import MisspeltSetting, OptionOfTasks, UnreadSettings
from celery_lint.rule import Cause, Finding, Rule, on


class UnknownSetting(Rule):
    """A setting is misspelt: Celery takes it, and nobody reads it.

    ## Why it matters

    Celery keeps every name that it is given and complains of none. The default stays in force: results are
    kept that nobody wants, messages are taken in advance, limits are not there.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(worker_prefetch_multipler=1, task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(worker_prefetch_multiplier=1, task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Limits

    Reports names that are those of a setting but for one or two letters, or but for the family
    (`CELERY_TIME_LIMIT` for `CELERY_TASK_TIME_LIMIT`), and options of tasks that are no settings
    (`task_max_retries`), those once for each application, and only if a task that is sent retries without the
    option, which `retry_kwargs` may give too; and what only the constructor of an application takes
    (`app.conf.task_cls`, `broker`) or the command of a worker (`worker_autoscale`); any other may belong to
    an extension. It looks at what an application is given by hand, and at the modules, classes and mappings
    that it loads. Names of Celery 3 (`CELERY_DEFAULT_QUEUE`) are reported where they are loaded below a
    namespace and the lists of dependencies allow no Celery of 5.7 or later, the first to read them there.
    Silent where the project itself reads what has this name, where the real setting is given,
    too, by its old name or today's, and where the value is the default.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html>
    """

    code = "CEL910"
    name = "unknown-setting"
    severity = "error"
    preset = "recommended"
    message = "`{name}` is no setting of Celery: it has no effect"
    help = "did you mean `{guess}`?"
    variants = {
        "old": (
            "`{name}` has no effect with `namespace='{namespace}'` before Celery 5.7",
            "write `{guess}`",
        ),
        "option": (
            "`{name}` is no setting of Celery: it has no effect",
            "set the option on the tasks: `@app.task({option}=...)`",
        ),
        "command": (
            "`{name}` is no setting of Celery: it has no effect",
            "give it to the command: `celery worker --{option}=…`",
        ),
        "argument": (
            "`{name}` is no setting of Celery: it has no effect",
            "give it to the constructor: `Celery(..., {argument}=...)`",
        ),
    }
    proof = "tests/proofs/test_settings.py::test_a_name_that_is_misspelt_changes_nothing"
    fixable = "unsafe"

    @on(UnreadSettings.misspelt)
    def check(self, fact: MisspeltSetting) -> Iterator[Finding]:
        """Report what is set."""
        if fact.option:
            yield Finding(fact.place, {"name": fact.name, "option": fact.option}, variant="command")
            return
        values = {"name": fact.name, "guess": fact.guess}
        if fact.namespace:
            values["namespace"] = fact.namespace
            yield Finding(fact.place, values, variant="old", fix=(fact.name, fact.guess))
        else:
            yield Finding(fact.place, values, fix=(fact.name, fact.guess))

    @on(UnreadSettings.options_of_tasks)
    def check_options(self, fact: tuple[OptionOfTasks, ...]) -> Iterator[Finding]:
        """Report the options of tasks among the settings of an application, of which one is told."""
        for each in fact:
            values = {"name": each.name, "option": each.option}
            yield Finding(each.place, values, variant="option", cause=Cause(fact[0].place))

    @on(MisplacedArguments.all)
    def check_arguments(self, fact: MisplacedArgument) -> Iterator[Finding]:
        """Report what only the constructor of an application takes."""
        values = {"name": fact.name, "argument": fact.argument, "guess": fact.setting}
        if fact.setting:
            yield Finding(fact.place, values, fix=(fact.name, fact.setting))
        else:
            yield Finding(fact.place, values, variant="argument")
