"""Which row CEL623 names: only one that the task may look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from tests import samples

FILE = """from celery import shared_task
from django.core.mail import send_mail
from django.db import transaction
from shop.models import Customer


@shared_task
def tell(email, name):
    customer = Customer.objects.get(email=email)
    send_mail("Hello", name, None, [customer.email])


@shared_task
def find(email, name):
    customer = Customer.objects.get(name=name)
    send_mail("Hello", name, None, [customer.email, email])


@transaction.atomic
def view(author, pk):
    customer = Customer.objects.get(pk=pk)
    customer.save()
    {sending}
    Customer.objects.create(name="other")
"""
COMMIT = "is sent before the transaction commits, and also if it is rolled back"
ROW = "is sent before `customer` is committed: a quick worker reads the old row"


@pytest.mark.parametrize(
    "sending, message",
    [
        ("tell.delay(author.email, customer.name)", f"`tell` {COMMIT}"),
        ("tell.delay(author.email, name=customer.title)", f"`tell` {COMMIT}"),
        ("tell.apply_async((author.email, customer.name))", f"`tell` {COMMIT}"),
        ("tell.delay(customer.email, customer.name)", f"`tell` {ROW}"),
        ("tell.delay(author.email, customer.pk)", f"`tell` {ROW}"),
        ("tell.delay(author.email, str(customer.pk))", f"`tell` {ROW}"),
        ("find.delay(author.email, customer.name)", f"`find` {ROW}"),
    ],
)
def test_a_text_is_no_row(tmp_path: Path, sending: str, message: str) -> None:
    options = "[tool.celery-lint]\nroot = true\n"
    samples.write(tmp_path, {"pyproject.toml": options, "shop/tasks.py": FILE.format(sending=sending)})
    report = engine.check_paths([str(tmp_path)], None, overrides={"cache": False, "select": ["CEL623"]})
    assert [found.message for found in report.diagnostics] == [message]
