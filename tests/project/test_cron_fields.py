"""The names in fields of crontabs, held against Celery's own parser."""

from __future__ import annotations

import pytest
from celery.schedules import crontab

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.beat.cron_fields import moments
from celery_lint.model.facts import Value

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def named(field: str, text: str) -> set[int]:
    return set(moments(field, Value("constant", Span(1, 1, 1, 1), text)) or ())


@pytest.mark.parametrize("name", [*WEEKDAYS, *(f"{name}day" for name in ("sun", "mon", "fri")), "SAT"])
def test_days_of_the_week(name: str) -> None:
    assert named("day_of_week", name) == crontab(day_of_week=name).day_of_week


@pytest.mark.parametrize("name", [*MONTHS, "january", "December"])
def test_months(name: str) -> None:
    assert named("month_of_year", name) == crontab(month_of_year=name).month_of_year
