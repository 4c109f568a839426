"""Tasks that send others in transactions of Django."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import django
from application import MARKS, app, mark
from django.conf import settings
from django.db import connection, connections, models, transaction

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(MARKS / ".orders")}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()


class Order(models.Model):
    """A row that one task writes and another reads."""

    name: models.CharField[str, str] = models.CharField(max_length=20)

    class Meta:
        app_label = "proofs"


if Order._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Order)
connections.close_all()  # nothing is handed to the processes of the pool


@app.task
def reads(pk: int) -> None:
    """Look for a row."""
    mark("found" if Order.objects.filter(pk=pk).exists() else "missing")


def _wait(*names: str) -> None:
    """Until the other process has left a trace."""
    end = time.monotonic() + 30
    while time.monotonic() < end and not any((MARKS / name).exists() for name in names):
        time.sleep(0.05)


@app.task
def sends_at_once() -> None:
    """In the transaction that writes the row."""
    with transaction.atomic():
        order = Order.objects.create(name="early")
        reads.delay(order.pk)
        _wait("found", "missing")


@app.task
def sends_after_commit() -> None:
    """When the row is there."""
    with transaction.atomic():
        order = Order.objects.create(name="in time")
        transaction.on_commit(partial(reads.delay, order.pk))
    _wait("found", "missing")


@app.task
def binds_late() -> None:
    """Each callback looks the number up when it runs."""
    with transaction.atomic():
        for number in range(3):
            transaction.on_commit(lambda: mark(f"number {number}"))  # noqa: B023


@app.task
def binds_now() -> None:
    """Each callback has its own number."""
    with transaction.atomic():
        for number in range(3):
            transaction.on_commit(partial(mark, f"number {number}"))


@app.task
def registers(what: str) -> None:
    """Give something to ``on_commit``."""
    forms: dict[str, Any] = {
        "sent": lambda: transaction.on_commit(reads.delay(0)),
        "lacking": lambda: transaction.on_commit(reads.delay),
        "bound": lambda: transaction.on_commit(partial(reads.delay, 0)),
    }
    with transaction.atomic():
        forms[what]()
