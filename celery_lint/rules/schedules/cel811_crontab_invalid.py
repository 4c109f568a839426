"""CEL811 crontab-invalid."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.crontab_fields import CrontabFields, Refused
from celery_lint.inventory.application.beat.cron_fields import range_of
from celery_lint.rule import Finding, Rule, on


class CrontabInvalid(Rule):
    """A crontab has a field that Celery refuses, or a date that never comes.

    ## Why it matters

    Celery looks at the fields when the crontab is made: mostly while the module is imported, so that
    neither beat nor the workers start. A date that never comes, as the 30th of February, raises
    `ValueError` as well; before Celery checked that, beat died of it: `RuntimeError: unable to rollover,
    time specification is probably invalid`.

    A whole line of cron in place of the minute is refused as well, unless it begins with a step or a range:
    `crontab("*/30 0 * * *")` is taken for `*/30`, without a word about the rest, and fires twice an hour.

    ## Example

    ```python
    from celery.schedules import crontab

    NIGHTLY = crontab(hour=24, minute=0)
    ```

    ## Use instead

    ```python
    from celery.schedules import crontab

    NIGHTLY = crontab(hour=0, minute=0)
    ```

    ## Limits

    Only literals and constants are looked at, with the grammar of Celery: ranges may wrap round
    (`"22-2"`), names are cut to three letters, blanks around numbers do no harm. Months by name are not
    told, though Celery 5.3 refuses them.

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.schedules.html#celery.schedules.crontab>
    """

    code = "CEL811"
    name = "crontab-invalid"
    severity = "error"
    preset = "recommended"
    message = "`{written}` raises `{error}`"
    help = "`{field}` takes `{range}`, `*`, steps as `*/5`, ranges as `1-3` and lists as `1,3`"
    variants = {
        "keyword": (
            "`{written}` raises `{error}`: a crontab has no such keyword",
            "it has `minute`, `hour`, `day_of_week`, `day_of_month` and `month_of_year`",
        ),
        "whole": (
            "`{written}` raises `{error}`: each field is an argument of its own",
            "write `crontab.from_string({text})`",
        ),
        "cut": (
            "`{written}` fires all day: Celery ignores all but `{field}`",
            "write `crontab.from_string({text})`",
        ),
        "parts": (
            "`{written}` raises `{error}`: there must be five fields",
            "write minute, hour, day of the month, month and weekday, one blank between: `0 2 * * *`",
        ),
        "many": (
            "`{written}` raises `{error}`: it takes five fields",
            "leave out what is too many: there are no seconds, and no years",
        ),
        "never": (
            "`{written}` raises `{error}`: none of these months has this day",
            "choose a day that the month has",
        ),
    }
    proof = "tests/proofs/test_schedules.py::test_crontabs_that_celery_refuses"
    fixable = "safe"

    @on(CrontabFields.refused)
    def check(self, fact: Refused) -> Iterator[Finding]:
        """Report the field."""
        values = {
            "written": fact.written,
            "error": fact.error,
            "field": fact.field,
            "range": range_of(fact.field) if fact.field else "",
            "text": repr(fact.text),
        }
        fix = () if fact.why in ("whole", "keyword") else None
        yield Finding(fact.place, values, (), fact.why, fix)
