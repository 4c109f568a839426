"""CEL818 schedule-entry-refused."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.broken_entries import BrokenEntries, RefusedEntry
from celery_lint.rule import Finding, Rule, on


class ScheduleEntryRefused(Rule):
    """An entry of a schedule is one that beat cannot make: beat ends when it starts.

    ## Why it matters

    Beat makes all entries when it starts. A schedule that is a text raises `AttributeError: 'str' object has
    no attribute 'app'`, a field that an entry does not have `TypeError: ScheduleEntry.__init__() got an
    unexpected keyword argument`: beat ends, and nothing at all is scheduled. An entry without `schedule` ends
    beat up to Celery 5.3; later ones start, and the entry is never due.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"poll": {"task": "shop.poll", "schedule": 60.0, "expires": 50}}
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.beat_schedule = {"poll": {"task": "shop.poll", "schedule": 60.0, "options": {"expires": 50}}}
    ```

    ## Limits

    Looks at schedules that an application certainly loads. Fields are not told where another scheduler may
    take the entries (`beat_scheduler`, django-celery-beat, RedBeat …): it may have more. `enabled` is not
    told, for RedBeat has it, and only the command of beat may name that.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#available-fields>
    """

    code = "CEL818"
    name = "schedule-entry-refused"
    severity = "error"
    preset = "recommended"
    message = "{what} is no schedule: beat ends with `AttributeError` when it starts"
    help = "give it seconds, a `timedelta`, or a `crontab`: `crontab.from_string` reads a text"
    variants = {
        "option": (
            "an entry has no field `{written}`: beat ends with `TypeError` when it starts",
            'it is an option of the message: `"options": {{"{written}": …}}`',
        ),
        "field": (
            "an entry has no field `{written}`: beat ends with `TypeError` when it starts",
            "an entry has `task`, `schedule`, `args`, `kwargs`, `options` and `relative`",
        ),
        "spelling": (
            "an entry has no field `{written}`: beat ends with `TypeError` when it starts",
            "did you mean `{guess}`?",
        ),
        "missing": (
            "an entry without `schedule` is never due, and ends beat up to Celery 5.3",
            "give it seconds, a `timedelta` or a `crontab`",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_entries_that_beat_cannot_make"
    fixable = "safe"

    @on(BrokenEntries.refused)
    def check(self, fact: RefusedEntry) -> Iterator[Finding]:
        """Report what beat refuses."""
        misspelt = fact.why == "field" and fact.guess
        variant, fix = ("spelling", (fact.written, fact.guess)) if misspelt else (fact.why, None)
        yield Finding(
            fact.place,
            {"what": fact.written, "written": fact.written, "guess": fact.guess},
            (),
            "" if variant == "type" else variant,
            fix,
        )
