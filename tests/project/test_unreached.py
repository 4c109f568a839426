"""What is never reached: what decides is so in Python and Celery, and what is not certain does not count."""

from __future__ import annotations

import datetime
import json
import logging
import time
from itertools import product
from pathlib import Path

import pytest
from celery import Celery
from celery.utils.log import get_task_logger

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.inventory.code.ends.standard import is_missing
from celery_lint.inventory.code.ends.texts import LACKED_BY_BYTES, LACKED_BY_TEXTS, REFUSING
from celery_lint.libraries.celery import ATTRIBUTES_OF_TASKS
from celery_lint.libraries.logging import KEYWORDS, STANDARD, WRITING
from celery_lint.libraries.sqlalchemy import ASYNC_MAKERS, SYNC_MAKERS

HEAD = """import requests
from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")


"""
TASK = """

@app.task
def bill(order):
    {statement}
    requests.get(order)
"""
SUBSTITUTE = """try:
    from shop import work
except ImportError:
    def work(order, currency):
        pass
"""
DERIVED = """class Base:
    def work(self, order):
        return self.step()

    def step(self, order):
        return order


class Own(Base):
    def step(self):
        return 1
"""
OTHERS = """class Client:
    def __new__(cls):
        return requests

    def work(self, order):
        return order
"""
LOGGER = "import logging\n\nlogger = logging.getLogger('shop')\n"
TASK_LOGGER = "from celery.utils.log import get_task_logger\n\nlogger = get_task_logger(__name__)\n"
WORDED = "logger.error('failed', order=order)"
URLOPEN = "from urllib.request import urlopen\n"
READ = "page = urlopen(order, timeout=5).read()\n    "
ORM = "from sqlalchemy.orm import sessionmaker\n"
MAKER = ORM + "maker = sessionmaker()\n\n\ndef session():\n    return maker\n"
ENTERED = "with session():\n        pass"
PLAIN = "def work(order, currency):\n    return order, currency\n"


# Of Celery 3 to 5, or from the decorator of a task that is retried by itself.
HAVING = """
abstract accept_magic_kwargs acks_late acks_on_failure acks_on_failure_or_timeout acks_on_timeout
add_around add_to_chord add_trail after_return annotate app apply apply_async AsyncResult autoretry_for
backend before_start bind chunks default_retry_delay delay delivery_mode disable_error_emails
dont_autoretry_for error_whitelist ErrorMail establish_connection exchange exchange_type execute expires
from_config fun get_consumer get_logger get_publisher ignore_result immediate is_due mandatory map
max_retries MaxRetriesExceededError name on_bound on_failure on_replace on_retry on_success
OperationalError pop_request priority push_request queue rate_limit reject_on_worker_lost relative
remaining_estimate replace Request request request_stack resultrepr_maxsize retry retry_backoff
retry_backoff_max retry_jitter retry_kwargs retry_on_worker_lost routing_key run run_every s schedule
send_error_emails send_event send_events serializer shadow_name si signature signature_from_request
soft_time_limit starmap start_strategy store_eager_result store_errors_even_if_ignored Strategy subtask
subtask_from_request throws time_limit track_started trail type typing update_state
"""


REFUSING_TEXT = """
count endswith find index lstrip partition replace rfind rindex rpartition rsplit rstrip
split startswith strip
"""


def test_a_task_has_what_it_is_known_to_have() -> None:
    app = Celery("shop", broker="memory://")

    def bill(self: object) -> None:
        """Nothing."""

    task = app.task(bind=True, name="shop.bill")(bill)
    there = {name for name in dir(task._get_current_object()) if not name.startswith("_")}
    assert there <= ATTRIBUTES_OF_TASKS == set(HAVING.split())
    with pytest.raises(AttributeError):
        task.job  # noqa: B018


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (datetime, ("now", "today", "utcnow", "strptime", "fromtimestamp", "utcfromtimestamp")),
        (time, ("now", "today", "utcnow", "timedelta")),
        (json, ("decode", "encode")),
    ],
)
def test_what_a_module_lacks_is_not_there(module: object, names: tuple[str, ...]) -> None:
    own = module.__name__  # type: ignore[attr-defined]
    assert all(is_missing(own, name) and not hasattr(module, name) for name in names)
    assert not any(is_missing(own, name) for name in dir(module))


def test_bytes_take_no_text_and_lack_what_texts_have() -> None:
    assert sorted(REFUSING) == REFUSING_TEXT.split()
    for name in REFUSING:
        with pytest.raises(TypeError):
            getattr(b"<p>", name)(*["<p>", "<p>"][: 2 if name == "replace" else 1])
    assert {"encode", "format"} == LACKED_BY_BYTES
    assert {"decode"} == LACKED_BY_TEXTS
    assert not any(hasattr(b"", name) for name in LACKED_BY_BYTES)
    assert not any(hasattr("", name) for name in LACKED_BY_TEXTS)


def test_a_maker_of_sessions_is_no_context_manager() -> None:
    for name in SYNC_MAKERS | ASYNC_MAKERS:
        module, _, maker = name.removesuffix("()").rpartition(".")
        made = getattr(pytest.importorskip(module), maker)()
        assert not any(hasattr(made, each) for each in ("__enter__", "__aenter__"))


def test_a_logger_refuses_words() -> None:
    loggers = logging.getLogger("shop"), get_task_logger("shop")
    assert {"logging.getLogger()", "celery.utils.log.get_task_logger()"} == STANDARD
    for logger, method in product(loggers, WRITING):
        for keyword in KEYWORDS:
            getattr(logger, method)("failed", **{keyword: None if keyword == "extra" else 1})
        with pytest.raises(TypeError):
            getattr(logger, method)("failed", order=1)


def test_what_is_written_for_python_3_alone(tmp_path: Path) -> None:
    wrong = "    requests.get(order, timeout=5).content.split('<p>')\n    requests.get(order)\n"
    assert speaks(tmp_path, f"@app.task\ndef bill(order):\n{wrong}")
    assert not speaks(tmp_path, f"@app.task\ndef bill(order: str):\n{wrong}")
    assert not speaks(
        tmp_path, f"@app.task\ndef bill(order):\n{wrong}", "from __future__ import annotations\n"
    )


def speaks(folder: Path, text: str, first: str = "") -> bool:
    (folder / "tasks.py").write_text(first + HEAD + text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        (PLAIN, "work(order)"),
        (PLAIN, "work(order, 1, 2)"),
        (PLAIN, "while work(order):\n        pass"),
        (PLAIN, "for each in work(order):\n        pass"),
        (PLAIN, "print(f'{work(order)}')"),
        ("import datetime as dates\n", "dates.now()"),
        ("class Client:\n    def work(self, order):\n        return order\n", "Client().work()"),
        (URLOPEN, READ + "page.split('<p>')"),
        (URLOPEN, READ + "page = page.split('<p>')[1]"),
        (URLOPEN, READ + "page = page.replace('<p>', '').split()\n    page = page[0]"),
        (URLOPEN, READ + "page.encode()"),
        (URLOPEN, "if order:\n        return\n    " + READ + "page.startswith('<p>')"),
        ("import httpx\n", "httpx.get(order).content.strip('<p>')"),
        ("import httpx\n", "httpx.post(order).text.decode('utf-8')"),
        ("import asyncio\n", "found = requests.get(order, timeout=5)\n    print(found.content.count('<p>'))"),
        ("import asyncio\n", "order = requests.get(order, timeout=5)\n    order = order.content.find('<p>')"),
        ("from contextvars import ContextVar\n", "requests.get(order, timeout=5).content.rstrip('<p>')"),
        ("from dataclasses import dataclass\n", "requests.get(order, timeout=5).text.decode()"),
        (MAKER, ENTERED),
        (MAKER.replace("def session", "def given") + "\n\ndef session():\n    return given()\n", ENTERED),
        (ORM + "def session():\n    return sessionmaker()\n", "with session() as order:\n        pass"),
        (LOGGER, "logger.error('failed', order=order)"),
        (LOGGER, "logger.critical('failed', order=order, exc_info=True)"),
        (
            TASK_LOGGER,
            "try:\n        print()\n    finally:\n        logger.exception('failed', order=order)",
        ),
        ("import logging\n", "logging.getLogger(__name__).fatal('failed', order=order)"),
        ("import logging\n", "logger = logging.getLogger(__name__)\n    logger.error('failed', order=order)"),
        ("", "if not key:\n        key = order"),
        ("", "total += order"),
        ("", "print(total)\n    for total in order:\n        pass"),
        ("", "while not ready:\n        ready = order"),
        ("", "[each for each in total]\n    total = order"),
        ("", "with opened(order) as page:\n        pass"),
        ("def other():\n    missing = 1\n", "return missing or order"),
    ],
)
def test_it_raises(tmp_path: Path, before: str, statement: str) -> None:
    assert not speaks(tmp_path, before + TASK.format(statement=statement))


@pytest.mark.parametrize(
    "test",
    [
        "settings.CELERY_TASK_ALWAYS_EAGER",
        "getattr(settings, 'CELERY_ALWAYS_EAGER', False)",
        "current_app.config['TESTING']",
        "'pytest' in sys.modules",
        "settings.DEBUG and order",
        "os.name == 'nt'",
    ],
)
def test_no_worker_comes_there(tmp_path: Path, test: str) -> None:
    task = "@app.task\ndef bill(order, debug):\n    if {}:\n        requests.get(order)\n"
    first = "import os\nimport sys\n\nfrom django.conf import settings\nfrom flask import current_app\n"
    assert not speaks(tmp_path, task.format(test), first)
    assert speaks(tmp_path, task.format(f"not ({test})"), first)
    assert speaks(tmp_path, task.format("debug"), first)


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        (PLAIN, "order and work(order)"),
        (PLAIN, "[work(each) for each in order]"),
        (PLAIN, "print(lambda: work(order))"),
        (PLAIN, "assert order, work(order)"),
        (PLAIN, "for each in order:\n        work(each)"),
        (PLAIN + "\n\ndef work(order):\n    return order\n", "work(order)"),
        (PLAIN + "\n\nwork = print\n", "work(order)"),
        (SUBSTITUTE, "work(order)"),
        ("import datetime\nfrom datetime import datetime\n", "datetime.now()"),
        ("import datetime\nfrom shop.everything import *\n", "datetime.now()"),
        (DERIVED, "Own().work(order)"),
        (OTHERS, "Client().work()"),
        (URLOPEN, READ + "page.split(b'<p>')"),
        (URLOPEN, READ + "page.split()"),
        (URLOPEN, READ + "page = page.split(b'<p>')[1]"),
        (URLOPEN, READ + "page = order.split('<p>')[1]"),
        (URLOPEN, READ + "if order:\n        page = page.decode()\n    page = page.split('<p>')"),
        (URLOPEN, "page = order\n    if order:\n        " + READ + "page = page.split('<p>')"),
        (URLOPEN, READ + "page, rest = page.decode(), 1\n    page = page.split('<p>')"),
        ("from shop.pages import urlopen\n", READ + "page.split('<p>')"),
        ("", "found = requests.get(order, timeout=5)\n    print(found.content.count('<p>'))"),
        ("", "order = requests.get(order, timeout=5)\n    order = order.content.find('<p>')"),
        ("import asyncio\n", "found = requests.get(order, timeout=5)\n    print(found.text.count('<p>'))"),
        ("import asyncio\n", "found = requests.get(order, timeout=5)\n    print(found.content.decode())"),
        (MAKER, "session()\n    session()()"),
        (MAKER, ENTERED.replace("()", "()()")),
        (MAKER.replace("return maker", "return maker()"), ENTERED),
        (MAKER.replace("return maker", "if maker:\n        return open(maker)\n    return maker"), ENTERED),
        (MAKER.replace("def", "@contextmanager\ndef"), ENTERED),
        (MAKER + "\n\ndef use(other):\n    global maker\n    maker = other\n", ENTERED),
        (LOGGER, "logger.error('failed', exc_info=True, extra={}, stack_info=True, stacklevel=2)"),
        (LOGGER, "logger.info('sending', order=order)"),
        (LOGGER, "logger.error('failed %s', order, **order)"),
        (LOGGER + "\nlogging.setLoggerClass(Words)\n", "logger.error('failed', order=order)"),
        (LOGGER + "\nlogging.Logger._log = print\n", WORDED),
        ("import structlog\n\nlogger = structlog.get_logger()\n", "logger.error('failed', order=order)"),
        (LOGGER + "\ntry:\n    from shop.words import logger\nexcept ImportError:\n    pass\n", WORDED),
        (LOGGER + "\nif order:\n    logger = Words(logger)\n", WORDED),
        ("", "for each in order:\n        if each:\n            print(last)\n        last = each"),
        ("", "total = [total for total in order]"),
        ("", "print(order and missing, lambda: missing, [missing for _ in order])"),
        (
            "",
            "def go():\n        nonlocal total\n        total = 1\n    go()\n    print(total)\n    total = 2",
        ),
        ("def begin():\n    global ready\n    import ready\n", "print(ready)"),
        ("from shop.everything import *\n", "print(missing)"),
        ("for name in ('missing',):\n    globals()[name] = 1\n", "print(missing)"),
        ("try:\n    unicode = unicode\nexcept NameError:\n    pass\n", "print(unicode(order), raw_input())"),
    ],
)
def test_it_may_go_on(tmp_path: Path, before: str, statement: str) -> None:
    assert speaks(tmp_path, before + TASK.format(statement=statement))
