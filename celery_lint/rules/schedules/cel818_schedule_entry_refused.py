"""CEL818 schedule-entry-refused."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.broken_entries import BrokenEntries, RefusedEntry
from celery_lint.rule import Finding, Rule, on

_FIELD = "an entry has no field `{written}`: beat ends with `TypeError` when it starts"
_DROPPED = "an entry has no field `{written}`: `{scheduler}` drops it with `{error}`"
_FIELDS = "an entry has `task`, `schedule`, `args`, `kwargs`, `options` and `relative`"
_OPTION = 'it is an option of the message: `"options": {{"{written}": …}}`'
_WRITE = "give it seconds, a `timedelta`, or a `crontab`: `crontab.from_string` reads a text"


class ScheduleEntryRefused(Rule):
    """An entry of a schedule is one that beat cannot make: it ends, or leaves the entry out.

    ## Why it matters

    Beat makes all entries when it starts. A schedule that is a text raises `AttributeError: 'str' object has
    no attribute 'app'`, a field that an entry does not have `TypeError: ScheduleEntry.__init__() got an
    unexpected keyword argument`: beat ends, and nothing at all is scheduled. Without `schedule` it ends as
    soon as it looks for what is due.

    Other schedulers go on. RedBeat logs `Couldn't add entry … to redis schedule`, the one of
    django-celery-beat `Cannot add entry … to database schedule`, and the task is never sent, or sent as an
    older entry of this name in their store has it. A queue or a priority beside `schedule` gets lost in the
    database without a word.

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

    Looks at schedules that an application certainly loads. Which scheduler takes the entries is read from the
    commands of beat in launch files (`-S`, `--scheduler`) and from `beat_scheduler`. Where nobody knows it,
    fields are not told: it may have more. So it is where django-celery-beat is installed and nothing shows
    how beat is started. `enabled`, which RedBeat has, is told only where a command shows that beat runs
    without.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#available-fields>
    """

    code = "CEL818"
    name = "schedule-entry-refused"
    severity = "error"
    preset = "recommended"
    message = "{what} is no schedule: beat ends with `AttributeError` when it starts"
    help = _WRITE
    variants = {
        "dropped": ("{what} is no schedule: `{scheduler}` drops it with `{error}`", _WRITE),
        "unmade": ("{what} is no schedule: beat cannot make the entry, and never sends it", _WRITE),
        "option": (_FIELD, _OPTION),
        "option dropped": (_DROPPED, _OPTION),
        "lost": ("`{written}` has no effect here: `{scheduler}` takes it from `options`", _OPTION),
        "expires": (
            "`expires` of a row is a moment: `{scheduler}` drops it with `{error}`",
            'write the seconds as an option of the message: `"options": {{"expire_seconds": …}}`',
        ),
        "field": (_FIELD, _FIELDS),
        "field dropped": (_DROPPED, _FIELDS),
        "spelling": (_FIELD, "did you mean `{guess}`?"),
        "spelling dropped": (_DROPPED, "did you mean `{guess}`?"),
        "missing": ("an entry without `schedule` ends beat with `AttributeError`", _WRITE),
        "missing dropped": (
            "an entry without `schedule` is never due: `{scheduler}` drops it with `{error}`",
            _WRITE,
        ),
        "missing unmade": ("an entry without `schedule` is never due", _WRITE),
    }
    proof = "tests/proofs/test_schedules.py::test_entries_that_beat_cannot_make"
    fixable = "safe"

    @on(BrokenEntries.refused)
    def check(self, fact: RefusedEntry) -> Iterator[Finding]:
        """Report what beat refuses, pointing at what names its scheduler."""
        misspelt = fact.why == "field" and fact.guess
        variant, fix = ("spelling", (fact.written, fact.guess)) if misspelt else (fact.why, None)
        values = {"what": fact.written, "written": fact.written, "guess": fact.guess, "error": fact.error}
        values["scheduler"] = fact.scheduler.label
        if fact.written == "expires" and fact.scheduler.kind == "database":
            variant = "expires"
        elif variant != "lost" and not _ends(fact):
            variant += " unmade" if fact.scheduler.kind in ("memory", "unknown") else " dropped"
        variant = variant.removeprefix("type").strip()
        yield Finding(fact.place, values, fact.scheduler.related(), variant, fix)


def _ends(fact: RefusedEntry) -> bool:
    """Whether the scheduler ends for an entry.

    One that keeps entries in memory looks at what is due at no time again and again, from Celery 5.7 on.
    """
    if fact.why == "missing":
        return fact.scheduler.kind in ("file", "redbeat")
    return fact.scheduler.is_celerys
