"""CEL913 setting-outside-namespace."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.application.small_names import SmallName, SmallNames
from celery_lint.analysis.application.unread_settings import Unprefixed, UnreadSettings
from celery_lint.rule import Cause, Finding, Rule, on

_SHOWN = 5


class SettingOutsideNamespace(Rule):
    """A setting is spelled for another place than the one where it stands, and nobody reads it.

    ## Why it matters

    `CELERY_TASK_TIME_LIMIT` is a setting where the application loads `namespace="CELERY"`, and nowhere else:
    where it does not, given by hand or loaded, it is kept and never read. The default stays in force.
    Django takes names in capitals alone: `task_acks_late = True` in its settings is a variable of the module
    and no setting, whatever the namespace.

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
    and are not reported. Told once for what an application is given by hand, and once for what it loads, at
    the first of the names. Silent where the application loads the namespace of a name that it is given by
    hand, before or after, where another application loads the same names below a namespace, where the
    project itself reads what has this name, where the setting is given under a name that counts, too, where
    the value is the default, and where it comes from the variable of the environment that Celery reads
    itself (`CELERY_BROKER_URL`). Of names in small letters in Django's settings, silent where any Python file
    of the project says the name for something else than to bind it, or takes names of the module as only the
    run knows them (`vars(settings)`, `globals()`), and where `redbeat_redis_url` is the broker's address,
    which redbeat takes by itself. Of `conf.update(app.config)` it knows what the project puts into the
    configuration of its applications of Flask or Quart.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#new-lowercase-settings>
    * <https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html>
    """

    code = "CEL913"
    name = "setting-outside-namespace"
    severity = "error"
    preset = "recommended"
    message = "`{spelled}` has no effect: no namespace is loaded"
    help = 'write `{name}`, or load the settings with `namespace="CELERY"`'
    variants = {
        "by hand": (
            "`{spelled}` has no effect: no namespace is loaded",
            "write `{name}`",
        ),
        "another namespace": (
            "`{spelled}` has no effect: it lacks the namespace `{namespace}`",
            "write `{name}`",
        ),
        "small": (
            "`{spelled}` has no effect: of Django's settings only names in capitals are read",
            "write `{name}`",
        ),
    }
    proof = "tests/proofs/test_settings.py::test_a_name_for_a_namespace_changes_nothing_without"
    fixable = "unsafe"

    @on(UnreadSettings.unprefixed)
    def check(self, fact: tuple[Unprefixed, ...]) -> Iterator[Finding]:
        """Report the names, of which one is told."""
        for each in fact:
            helped = each.loaded and each.spelled.startswith("CELERY_")
            values = {"spelled": each.spelled, "name": each.name}
            variant = "" if helped else "by hand"
            if each.namespace and not each.loaded:
                variant, values["namespace"] = "another namespace", each.namespace
            fix, cause = (each.spelled, each.name), Cause(fact[0].place)
            yield Finding(each.place, values, (), variant, fix, cause)

    @on(SmallNames.unread)
    def check_small(self, fact: SmallName) -> Iterator[Finding]:
        """Report the name in small letters."""
        values = {"spelled": fact.spelled, "name": fact.name}
        # No fix: other modules may read the variable that it is.
        yield Finding(fact.place, values, (), "small", None, Cause(fact.place.path))
