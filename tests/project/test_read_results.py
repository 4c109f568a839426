"""What reads the results of tasks by the backend: a row that only Django's model reads is another matter."""

from __future__ import annotations

import pytest

from celery_lint import engine
from celery_lint.options import Configuration

STORED = """
from celery import Celery
from celery.exceptions import Ignore
from django_celery_results.models import TaskResult

app = Celery("shop", broker="redis://localhost", backend="django-db")


@app.task(bind=True)
def resize(self, path):
    try:
        return len(path)
    except TypeError as error:
        self.update_state(state="FAILURE", meta={"error": str(error)})
        raise Ignore() from error


def show(task_id):
    resize.delay(task_id)
    return TaskResult.objects.get(task_id=task_id), app.backend.#(task_id)
"""
READING = """
exception_to_python get_children get_many get_result get_state get_status get_task_meta get_traceback
iter_native wait_for
"""


def _is_told(method: str) -> bool:
    configuration = Configuration(preset="all", cache=False)
    report = engine.check_text(None, STORED.replace("#", method), configuration)
    return "CEL432" in {found.code for found in report.diagnostics}


@pytest.mark.parametrize("method", READING.split())
def test_reading_by_the_backend(method: str) -> None:
    assert _is_told(method)


@pytest.mark.parametrize("method", ["cleanup", "mark_as_started", "store_result"])
def test_no_reading_by_the_backend(method: str) -> None:
    assert not _is_told(method)
