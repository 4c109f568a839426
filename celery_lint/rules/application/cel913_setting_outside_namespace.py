"""CEL913 setting-outside-namespace."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.application.unread_settings import Unprefixed, UnreadSettings
from celery_lint.rule import Finding, Rule, on


class SettingOutsideNamespace(Rule):
    """A setting is named for a namespace that the application does not load.

    ## Why it matters

    `CELERY_TASK_TIME_LIMIT` is a setting where the application loads `namespace="CELERY"`, and nowhere else:
    given by hand, or loaded without a namespace, it is kept and never read. The default stays in force.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(CELERY_TASK_TIME_LIMIT=60, task_soft_time_limit=50)
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.update(task_time_limit=60, task_soft_time_limit=50)
    ```

    ## Limits

    The names of Celery 3 (`CELERYD_TASK_TIME_LIMIT`, `CELERY_ALWAYS_EAGER`, `BROKER_URL`) count everywhere
    and are not reported. Silent where another application loads the same names below a namespace, where the
    project itself reads what has this name, and where the setting is given under a name that counts, too.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#new-lowercase-settings>
    * <https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html>
    """

    code = "CEL913"
    name = "setting-outside-namespace"
    severity = "error"
    preset = "recommended"
    message = "`{spelled}` has no effect: no application loads settings with that namespace"
    help = "write `{name}`, or load the settings with `namespace`"
    proof = "tests/proofs/test_settings.py::test_a_name_for_a_namespace_changes_nothing_without"
    fixable = "unsafe"

    @on(UnreadSettings.unprefixed)
    def check(self, fact: Unprefixed) -> Iterator[Finding]:
        """Report what is set."""
        fix = fact.spelled, fact.name
        yield Finding(fact.place, {"spelled": fact.spelled, "name": fact.name}, fix=fix)
