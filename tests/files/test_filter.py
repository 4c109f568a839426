"""Which files are worth reading."""

from __future__ import annotations

import pytest

from celery_lint.files.filter import FirstPass, SecondPass, leads_on, may_lack

WORTH_READING = [
    "from celery import Celery",
    "import CELERY_CONF",
    "soft_time_limit = 5",
    "send.delay(1)",
    "loop.run_until_complete(x)",
    "from shop.queue import app\n@app.task\ndef f(): ...",
    "@queue.shop_task(name='x')\ndef f(): ...",
    "from a.tasks import f\nf.apply(args=[1])",
    "from tasks import f\nf.s(1)",
    "from tasks import f\nf.si(1)",
    "task_app.send_task('x')",
    "asyncio.run(main())",
    "asyncio.Runner()",
    "import asyncio as aio",
    "from asyncio import run",
    "from asyncio import (\n    run,\n)",
    "from asyncio import *",
    "from asyncio import \\\n    run",
    "from asyncio import sleep, Runner",
    "async def f(): ...\nf.apply_async()",
    "engine = create_async_engine(url)",
    "async_to_sync(f)()",
    "asyncio.set_event_loop(loop)",
    "asyncio.run_coroutine_threadsafe(c, loop)",
    "anyio.run(main)",
    "from anyio import run",
]

NOT_WORTH_READING = [
    "",
    "import json\n\ndef f():\n    return json.dumps({})",
    "frame.apply(sum)",  # pandas
    "mocked.s(1)",
    "delay = 5",
    "asyncio.run_in_executor(None, f)",
    "await asyncio.sleep(1)",
    "from asyncio import sleep",
    "@app.route('/task')",
    "from shop.queue import task",
    "import anyio",
]


@pytest.mark.parametrize("text", WORTH_READING)
def test_worth_reading(text: str) -> None:
    assert FirstPass().passes("shop/mail.py", text.encode())


@pytest.mark.parametrize("text", NOT_WORTH_READING)
def test_not_worth_reading(text: str) -> None:
    assert not FirstPass().passes("shop/mail.py", text.encode())


def test_own_decorators_are_words_too() -> None:
    text = b"@background\ndef f(): ..."
    assert not FirstPass().passes("shop/mail.py", text)
    assert FirstPass(["shop.queue.background"]).passes("shop/mail.py", text)
    assert FirstPass(["background"]).passes("shop/mail.py", text)
    assert not FirstPass(["shop.queue."]).passes("shop/mail.py", text)  # no name at all


@pytest.mark.parametrize(
    "text, passes",
    [
        ("app = Celery('tests')", True),
        ("from shop.celery import app\n@app.task\ndef f(): ...", True),
        ("@shared_task(bind=True)\ndef f(self): ...", True),
        ("from celery import Task\nclass Mail(base.Task): ...", True),
        ("from shop.celery import app\nsend = app.task(f)", True),
        ("from shop.celery import app\napp.register_task(Mail())", True),
        ("from celery import shared_task\n@background\ndef f(): ...", True),  # an own decorator
        ("from shop.tasks import send\n\ndef test_send():\n    send.delay(1)", False),
        ("@patch('celery.app.task.Task.apply_async')\ndef test_send(mocked): ...", False),
        ("asyncio.run(main())", False),
        ("class TestTask(TestCase):\n    celery = True", False),
    ],
)
@pytest.mark.parametrize("path", ["tests/mail.py", "shop/test_mail.py", "shop/mail/tests.py", "conftest.py"])
def test_a_test_is_worth_reading_if_it_defines_a_task(text: str, passes: bool, path: str) -> None:
    assert FirstPass(["background"]).passes(path, text.encode()) is passes
    assert FirstPass(["background"]).passes("shop/mail.py", text.encode())
    assert not SecondPass([("f", "")]).passes(path, text.encode())


NAMES = [
    ("run_coroutine", "loops"),
    ("Engine", ""),
    ("cr\u00e9er", "loops"),
]


@pytest.mark.parametrize(
    "text, passes",
    [
        ("from shop.loops import run_coroutine", True),
        ("import loops\nloops.run_coroutine(x)", True),
        ("from shop.other import run_coroutine", False),  # a name of its own
        ("from shop.loops import other", False),
        ("from shop.loops import run_coroutines", False),  # the whole word
        ("x = Engine()", True),  # wherever it comes from
        ("x = Engines()", False),
        ("from loops import cr\u00e9er", True),
        ("", False),
    ],
)
@pytest.mark.parametrize("others", [0, 20])  # few names are looked for in another way than many
def test_second_pass(text: str, passes: bool, others: int) -> None:
    names = NAMES + [(f"other_name_{number}", "nowhere") for number in range(others)]
    assert SecondPass(names).passes("shop/mail.py", text.encode()) is passes


def test_one_name() -> None:
    assert SecondPass([("Engine", "")]).passes("shop/mail.py", b"x = Engine()")
    assert not SecondPass([("Engine", "")]).passes("shop/mail.py", b"x = Motor()")


def test_nothing_is_looked_for() -> None:
    assert not SecondPass([])
    assert SecondPass(NAMES)
    assert not SecondPass([]).passes("shop/mail.py", b"anything")


@pytest.mark.parametrize(
    "text, leads",
    [
        # what it imports, assigns or re-exports may be anything
        ("from elsewhere import name", True),
        ("name = make()", True),
        ("from elsewhere import *", True),
        ("x = other", False),
        # what it defines says something only about coroutines, tasks and exceptions
        ("def name():\n    return 1", False),
        ("async def name():\n    return 1", True),
        ("class name:\n    pass", False),
        ("class name(Task):\n    pass", True),
        ("def name(task):\n    return task", True),
        ("class name(Exception):\n    pass", False),
        ("class name(Exception):\n    def __init__(self): super().__init__()", True),
        ("class name(errors.LostError):\n    def __init__(self): super().__init__()", True),
        # a longer name is another one
        ("def name_of_it():\n    return 1\n", True),
        ("    def name(self):\n        return 1", False),
        # wherever it stands, and whatever stands before
        ("x = 1\n\n\ndef name():\n    return 1\n", False),
        ("\ndef name():\n    return 1\n", False),
        ("x = 1\n\n\nasync def name():\n    return 1\n", True),
        ("def name():\n    return 1\n\n\nresult = name()\n", False),
        ("call(name)\ndef name():\n    return 1\n\n\nx = name\n", False),
        ("names = 1\ndef name():\n    return 1\n", False),
        ("names = 1\n", True),
    ],
)
def test_leads_on(text: str, leads: bool) -> None:
    assert leads_on(text.encode(), "name") is leads


@pytest.mark.parametrize(
    "text, lacks",
    [
        ("", True),
        ("price = 1", False),
        ("prices = 1\nthe_price = 2", True),
        ("prices = 1; price = 2", False),
        ("# price = 1", True),
        ("# price = 1\nprice = 2", False),
        ("cost = 1  # price", True),
        ("from shop.prices import *", False),
        ("préprice = 1", True),
        ("price", False),
    ],
)
def test_may_lack(text: str, lacks: bool) -> None:
    assert may_lack(text.encode(), "price") is lacks
