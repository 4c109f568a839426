"""Tasks that send others in transactions of Django."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import django
from application import MARKS, app, mark
from celery import Task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.db import connection, connections, models, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(MARKS / ".orders"),
            "ATOMIC_REQUESTS": True,
        }
    },
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
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


def buys(_: HttpRequest) -> HttpResponse:
    """A view; its inner transaction ends, and that of the request does not."""
    with transaction.atomic():
        order = Order.objects.create(name="in a request")
    reads.delay(order.pk)
    _wait("found", "missing")
    return HttpResponse()


def buys_later(_: HttpRequest) -> HttpResponse:
    """A view that sends when the transaction of its request is committed."""
    order = Order.objects.create(name="in a request")
    transaction.on_commit(partial(reads.delay, order.pk))
    return HttpResponse()


@transaction.non_atomic_requests
def buys_alone(request: HttpRequest) -> HttpResponse:
    """A view without a transaction of its request."""
    return buys(request)


urlpatterns = [path("buy/", buys), path("buy-later/", buys_later), path("buy-alone/", buys_alone)]


@app.task
def serves(address: str) -> int:
    """Let Django serve a request as a server does."""
    status: int = Client().get(address).status_code
    _wait("found", "missing")
    return status


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
        "for a database": lambda: transaction.on_commit(reads.delay, 5),  # type: ignore[arg-type]
        "for another database": lambda: transaction.on_commit(reads.delay, "five"),
        "by keyword": lambda: transaction.on_commit(reads.delay, pk=5),  # type: ignore[call-arg]
        "bound": lambda: transaction.on_commit(partial(reads.delay, 0)),
    }
    with transaction.atomic():
        forms[what]()


# ------------------------------------------------------------------------------------ signals


class Label(models.Model):
    """What an order may have several of."""

    orders: models.ManyToManyField[Order, Order] = models.ManyToManyField(Order)

    class Meta:
        app_label = "proofs"


if Label._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Label)
connections.close_all()


@app.task
def counts(pk: int) -> None:
    """Look for a relation."""
    mark("found" if Label.objects.get(pk=pk).orders.exists() else "missing")


def changed(instance: Label, action: str, **_: Any) -> None:
    """Send the task at once."""
    if action == "post_add":
        counts.delay(instance.pk)
        _wait("found", "missing")


def changed_later(instance: Label, action: str, **_: Any) -> None:
    """Send it after the commit."""
    if action == "post_add":
        transaction.on_commit(partial(counts.delay, instance.pk))


def before_saving(instance: Order, **_: Any) -> None:
    """Send the task before the row is written."""
    reads.delay(77)
    _wait("found", "missing")


@app.task
def receives(form: str) -> None:
    """Change something while this receiver listens."""
    if form == "pre_save":
        models.signals.pre_save.connect(before_saving, sender=Order)
        Order(pk=77, name="late").save()
        models.signals.pre_save.disconnect(before_saving, sender=Order)
        return
    receiver = changed if form == "m2m_changed" else changed_later
    label, order = Label.objects.create(), Order.objects.create(name="related")
    models.signals.m2m_changed.connect(receiver, sender=Label.orders.through)
    label.orders.add(order)
    models.signals.m2m_changed.disconnect(receiver, sender=Label.orders.through)


# ------------------------------------------------------------------------------------ sessions


class Base(DeclarativeBase):
    """Tables of SQLAlchemy."""


class Row(Base):
    """The same table as ``Order``."""

    __tablename__ = Order._meta.db_table
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


engine = create_engine(f"sqlite:///{MARKS / '.orders'}", poolclass=NullPool)


@app.task
def sends_before_commit() -> None:
    """With the key of a row that is flushed."""
    with Session(engine) as session:
        row = Row(name="early")
        session.add(row)
        session.flush()
        reads.delay(row.id)
        _wait("found", "missing")
        session.commit()


# ------------------------------------------------------------------------------------ after the commit


class Plain(Task):
    """A class of tasks that knows nothing of Django."""


@app.task(base=Plain)
def plain() -> None:
    """Is of it."""
    mark("a plain task")


@app.task(base=DjangoTask)
def of_django() -> None:
    """Has the methods for transactions."""
    mark("a task of Django")


@app.task
def waits_for_the_commit(form: str) -> None:
    """By the task's own method."""
    with transaction.atomic():
        (plain if form == "plain" else of_django).delay_on_commit()


@app.task
def reads_the_id() -> Any:
    """Of what is not sent yet."""
    with transaction.atomic():
        return of_django.delay_on_commit().id


@app.task
def chooses_the_id() -> str:
    """Before it is sent."""
    with transaction.atomic():
        of_django.apply_async_on_commit(task_id="chosen")
    return "chosen"
