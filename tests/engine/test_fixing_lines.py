"""Automatic edits that need a line or an import of their own, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.test_fixing import fix, written

RETRYING = """
@shared_task(bind=True, max_retries=3, time_limit=60, soft_time_limit=50)
def push(self, pk):
    try:
        raise self.retry(countdown=30)
    except Exception{rest}
"""
MENDED = """
@shared_task(bind=True, max_retries=3, time_limit=60, soft_time_limit=50)
def push(self, pk):
    try:
        raise self.retry(countdown=30)
    except {name}:
        raise
    except Exception{rest}
"""
QUIET = ":\n        print(pk)"

FUTURE = '"""Tasks."""\n\nfrom __future__ import annotations\n\n'
# The top of a module, the top of it after the edit (None: there is none), and how the exception is called.
IMPORTS = {
    "where sorted ones stand": (
        "from celery import shared_task  # a\nfrom shop import x\n",
        "from celery import shared_task  # a\nfrom celery.exceptions import Retry\nfrom shop import x\n",
        "Retry",
    ),
    "before others": (
        "import os\n\nfrom shop import shared_task\n\nfrom . import x\n",
        "import os\n\nfrom celery.exceptions import Retry\nfrom shop import shared_task\n\nfrom . import x\n",
        "Retry",
    ),
    "in a group of its own": (
        "import os\n\nfrom .shop import shared_task\n",
        "import os\n\nfrom celery.exceptions import Retry\n\nfrom .shop import shared_task\n",
        "Retry",
    ),
    "above relative ones": (
        "from .shop import shared_task\n",
        "from celery.exceptions import Retry\n\nfrom .shop import shared_task\n",
        "Retry",
    ),
    "in a statement of that module": (
        "from celery import shared_task\nfrom celery.exceptions import (\n    Ignore,  # rare\n)\n",
        "from celery import shared_task\nfrom celery.exceptions import (\n    Ignore, Retry,  # rare\n)\n",
        "Retry",
    ),
    "there already": (
        "from celery import shared_task\nfrom celery.exceptions import Retry\n",
        "from celery import shared_task\nfrom celery.exceptions import Retry\n",
        "Retry",
    ),
    "by another name": (
        "from celery import shared_task\nfrom celery.exceptions import Retry as Again\n",
        "from celery import shared_task\nfrom celery.exceptions import Retry as Again\n",
        "Again",
    ),
    "the name means something else": (
        "from celery import shared_task\nfrom urllib3 import Retry\n",
        None,
        "",
    ),
    "the name is given": ("from celery import shared_task\n\nRetry = None\n", None, ""),
    "the name is that of a class": ("from celery import shared_task\n\n\nclass Retry: ...\n", None, ""),
    "a star hides names": ("from celery import shared_task\nfrom os.path import *\n", None, ""),
    "another statement in the line": ("from celery import shared_task; import os\n", None, ""),
    "no relative": (
        f"{FUTURE}import os\nfrom shop import shared_task\n",
        f"{FUTURE}import os\nfrom celery.exceptions import Retry\nfrom shop import shared_task\n",
        "Retry",
    ),
}


@pytest.mark.parametrize("name", IMPORTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_exception_is_imported_where_it_can_be(tmp_path: Path, name: str, end: str) -> None:
    before, after, spelled = IMPORTS[name]
    (tmp_path / "shop.py").write_text("from celery import shared_task\n")
    path = written(tmp_path, (before + RETRYING.format(rest=QUIET)).replace("\n", end))
    report, files = fix(path, preset="recommended")
    assert [found.code for found in report.diagnostics] == ["CEL411"]
    if after is None:
        assert files == []
        return
    (file,) = files
    assert file.after.decode() == (after + MENDED.format(name=spelled, rest=QUIET)).replace("\n", end)
    path.write_bytes(file.after)
    assert fix(path, preset="recommended")[1] == []  # a second run changes nothing


def test_two_edits_that_need_the_same_import_need_one_run(tmp_path: Path) -> None:
    again = RETRYING.replace("push", "pull")
    path = written(
        tmp_path,
        "from celery import shared_task\n" + RETRYING.format(rest=QUIET) + again.format(rest=": print(pk)"),
    )
    _, (file,) = fix(path, preset="recommended")
    assert file.codes == {"CEL411": 2}
    assert file.after.count(b"import Retry\n") == 1
    assert b"    except Retry:\n        raise\n    except Exception: print(pk)\n" in file.after
    path.write_bytes(file.after)
    assert fix(path, preset="recommended")[1] == []


READING = """\
import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task(time_limit=60, soft_time_limit=50)
def parse(text):
    try:
        number = int(text)
    except ValueError:
        logger.warning("no number")
    {statement}
"""


@pytest.mark.parametrize(
    "statement, mended",
    [
        ("return number", True),
        ('return {"number": number}', True),
        ('logger.info("read %s", number)', True),
        ('print(f"read {number}")', True),
        ("return number + 1", False),
        ("return number.bit_length()", False),
        ("store(number)", False),
        ("for each in number: print(each)", False),
    ],
)
def test_a_name_is_bound_before_where_none_may_be_read(tmp_path: Path, statement: str, mended: bool) -> None:
    text = READING.replace("{statement}", statement)
    path = written(tmp_path, text)
    report, files = fix(path, preset="strict")
    assert [found.code for found in report.diagnostics] == ["CEL427"]
    after = text.replace("    try:\n", "    number = None\n    try:\n")
    assert [file.after.decode() for file in files] == ([after] if mended else [])


TIMES = """\
{imports}
from celery import shared_task


@shared_task(time_limit=60, soft_time_limit=50)
def remind(user): ...


def ordered(user):
    remind.apply_async((user,), eta={eta})
"""


@pytest.mark.parametrize(
    "imports, eta, after",
    [
        ("from datetime import datetime, timezone", "datetime.now()", "datetime.now(timezone.utc)"),
        ("import datetime as dt", "dt.datetime.today()", "dt.datetime.now(dt.timezone.utc)"),
        ("from datetime import datetime\nfrom django.utils import timezone", "datetime.now()", ""),
        ("from datetime import datetime", "datetime.now().replace(hour=9)", ""),
        ("from datetime import datetime", "datetime(2030, 1, 1)", ""),
    ],
)
def test_a_moment_gets_its_zone(tmp_path: Path, imports: str, eta: str, after: str) -> None:
    path = written(tmp_path, TIMES.format(imports=imports, eta=eta))
    files = fix(path, preset="recommended")[1]
    expected = TIMES.format(imports=imports, eta=after)
    assert [file.after.decode() for file in files] == ([expected] if after else [])


COMMITS = """\
{imports}
from celery import shared_task
from django.db import transaction

from shop.models import Order


@shared_task(time_limit=60, soft_time_limit=50)
def bill(pk, often=1):
    print(Order.objects.get(pk=pk), often)


def ordered(values):
    with transaction.atomic({using}):
        order = Order.objects.create(**values)
        {sending}
"""


@pytest.mark.parametrize(
    "sending, after",
    [
        ("bill.delay(order.pk, often=2)", "transaction.on_commit(partial(bill.delay, order.pk, often=2))"),
        ("bill.delay(  # soon\n            order.pk\n        )", ""),
        ("sent = bill.delay(order.pk)", ""),
    ],
)
def test_what_is_sent_waits_for_the_commit(tmp_path: Path, sending: str, after: str) -> None:
    before = COMMITS.format(imports="import os\nfrom functools import partial", using="", sending=sending)
    report, files = fix(written(tmp_path, before), preset="recommended")
    assert [found.code for found in report.diagnostics] == ["CEL623"]
    if after:
        assert [file.after.decode() for file in files] == [before.replace(sending, after)]
    elif "=" in sending:
        assert files == []
    else:
        assert "on_commit(partial(bill.delay,  # soon\n            order.pk\n" in files[0].after.decode()


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    text = COMMITS.format(imports="import os", using='using="other"', sending="bill.delay(order.pk)")
    report, files = fix(written(tmp_path, text), preset="recommended")
    assert [found.code for found in report.diagnostics] == ["CEL623"]
    assert files == []


@pytest.mark.parametrize(
    "wrong, right",
    [
        ("minutes=5", "minute=5"),
        ("minute=0, hours=5", "minute=0, hour=5"),
        ("minute=0, hour=0, weekday=5", "minute=0, hour=0, day_of_week=5"),
        ("minute=0, hour=0, days_of_week=5", "minute=0, hour=0, day_of_week=5"),
        ("minute=0, hour=0, dow=5", "minute=0, hour=0, day_of_week=5"),
        ("minute=0, hour=0, day_of_month=1, month=5", "minute=0, hour=0, day_of_month=1, month_of_year=5"),
        ("minute=0, hour=0, day_of_month=1, months=5", "minute=0, hour=0, day_of_month=1, month_of_year=5"),
        ("minute=0, hour=0, day=5", ""),  # of the week, of the month
        ("'0 2 * * *'", ".from_string('0 2 * * *')"),
        ("minute='0 2 * * *'", ""),
    ],
)
def test_a_crontab_gets_the_right_names(tmp_path: Path, wrong: str, right: str) -> None:
    head = "from celery.schedules import crontab\n\nNIGHTLY = crontab"
    report, files = fix(written(tmp_path, f"{head}({wrong})\n"), preset="recommended")
    assert [found.code for found in report.diagnostics] == ["CEL811"]
    after = f"{head}{right}\n" if right.startswith(".") else f"{head}({right})\n"
    assert [file.after.decode() for file in files] == ([after] if right else [])
