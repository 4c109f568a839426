"""Copies of the product in folders like `Archive`, which nobody runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from tests import samples

CALL = (
    "from celery import shared_task\nfrom django.db import transaction\nfrom shop.models import Order\n\n\n"
    "@shared_task\ndef task(pk):\n    Order.objects.get(pk=pk)\n\n\n"
    "@transaction.atomic\ndef view(x):\n    order = Order.objects.create(x=x)\n    task.delay(order.pk)\n"
)
SENT = "\n\ndef web():\n    task.delay(1)\n"
NAMED = SENT.replace("task.", "tasks.task.")


def told(folder: Path, files: dict[str, str]) -> list[str]:
    samples.write(folder, {"pyproject.toml": "[tool.celery-lint]\nroot = true\n", **files})
    report = engine.check_paths([str(folder)], None, overrides={"cache": False, "select": ["CEL623"]})
    return sorted(found.path.removeprefix(f"{folder}/") for found in report.diagnostics)


@pytest.mark.parametrize(
    "path, copy",
    [
        ("apps/orders/tasks.py", "Archive/apps/orders/tasks.py"),
        ("src/shop/tasks.py", "src/old/shop/tasks.py"),
        ("shop/tasks.py", "shop/backup/tasks.py"),
        ("tasks.py", "LEGACY/tasks.py"),
    ],
)
def test_a_copy_is_not_the_product(tmp_path: Path, path: str, copy: str) -> None:
    assert told(tmp_path, {path: CALL, copy: CALL}) == [path]


@pytest.mark.parametrize(
    "copy, others",
    [
        ("archive/shop/tasks.py", {"shop/tasks.py": CALL.replace("view", "other")}),  # it is another text
        ("archive/shop/tasks.py", {"archive/other/tasks.py": CALL}),  # there is no other
        ("archiver/shop/tasks.py", {"shop/tasks.py": CALL}),  # archives something
        ("old/shop/tasks.py", {"shop/tasks.py": CALL, "web.py": "from old.shop.tasks import task\n" + SENT}),
        (
            "shop/old/tasks.py",
            {"shop/tasks.py": CALL, "shop/web.py": "import shop.old.tasks as tasks\n" + NAMED},
        ),
        ("shop/old/tasks.py", {"shop/tasks.py": CALL, "shop/web.py": "from .old import tasks\n" + NAMED}),
    ],
)
def test_another_one_is(tmp_path: Path, copy: str, others: dict[str, str]) -> None:
    assert copy in told(tmp_path, {copy: CALL, **others})
