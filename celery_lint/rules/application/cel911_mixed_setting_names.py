"""CEL911 mixed-setting-names."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.application.handed_settings import Handed, HandedSettings
from celery_lint.analysis.application.unread_settings import MixedNames, UnreadSettings
from celery_lint.rule import Finding, Rule, on


class MixedSettingNames(Rule):
    """Old and new names of settings stand in one configuration.

    ## Why it matters

    Celery takes a whole configuration for an old or for a new one. Where it finds names of both kinds it
    raises `ImproperlyConfigured` as soon as anything asks for a setting: no worker starts, nothing is sent.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop")
    app.config_from_object(
        {"BROKER_URL": "redis://localhost:6379/0", "task_time_limit": 60, "task_soft_time_limit": 50}
    )
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop")
    app.config_from_object(
        {"broker_url": "redis://localhost:6379/0", "task_time_limit": 60, "task_soft_time_limit": 50}
    )
    ```

    ## Limits

    Looks at a module, class or mapping that is the only one which an application loads, without a namespace:
    below a namespace both kinds are allowed, and so is what is given by hand beside what is loaded. Where
    nothing is loaded, what is given by hand counts as one configuration: told where one `conf.update(...)`
    gives both, or the statements behind it, before anything may ask for a setting; and of that of Flask,
    which `conf.update(app.config)` hands over, where it certainly has an old name and the same function sets
    a new one. What the constructor of `Celery` is given may have any name.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#new-lowercase-settings>
    """

    code = "CEL911"
    name = "mixed-setting-names"
    severity = "error"
    preset = "recommended"
    fixable = "safe"
    message = "old `{old}` beside new `{beside}`: Celery raises ImproperlyConfigured"
    help = "write `{new}`"
    variants = {
        "handed": (
            "old `{old}` beside `{beside}`: Celery raises ImproperlyConfigured",
            'pass a mapping of its own, with new names: `conf.update(app.config["CELERY"])`',
        ),
    }
    proof = "tests/proofs/test_settings.py::test_old_names_beside_new_ones_are_refused"

    @on(UnreadSettings.mixed)
    def check(self, fact: MixedNames) -> Iterator[Finding]:
        """Report the old name."""
        yield Finding(fact.place, {"old": fact.old, "beside": fact.beside, "new": fact.new}, fix=(fact.new,))

    @on(HandedSettings.written)
    def written(self, fact: MixedNames) -> Iterator[Finding]:
        """Report the old name that an application is given by hand."""
        yield from self.check(fact)

    @on(HandedSettings.mixed)
    def handed(self, fact: Handed) -> Iterator[Finding]:
        """Report the configuration that is handed over, pointing at both names."""
        related = (
            (fact.old_place, f"`{fact.old}` is an old name"),
            (fact.new_place, f"`{fact.new}` is a new one"),
        )
        yield Finding(fact.place, {"old": fact.old, "beside": fact.new}, related, "handed")
