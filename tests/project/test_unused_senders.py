"""Tasks that only functions send which nobody calls, or that stand in canvases which nobody applies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from tests.files.cached_project import agree, check

PROJECT = {
    "shop/__init__.py": "",
    "shop/tasks.py": """import requests
from celery import Celery

app = Celery("shop", broker="redis://localhost")


@app.task
def push(number):
    print(number)


@app.task
def pull(number):
    print(number)


@app.task
def forgotten(address=""):
    return requests.get(address).text


push.delay(1)
pull.delay(2)
""",
    "shop/web.py": "from shop import mails\n\nprint(mails.count())\n",
}
HEAD = "from celery import chain, group\n\nfrom shop.tasks import app, forgotten, pull, push\n\n\n"
MAILS = f"{HEAD}def count():\n    return 1\n\n\n"
SENDER = "def send_mails(order):\n    forgotten.delay(order)\n"
UP = f"{SENDER}\n\ndef close_orders(order):\n    send_mails(order)\n"
LOOKUP = """from shop.tasks import app


def enqueue(name):
    return app.tasks[name].apply_async()
"""


def speaks(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether a rule speaks in the task that may be forgotten."""
    for name, text in {**PROJECT, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    "mails",
    [
        SENDER,
        SENDER.replace("def", "async def"),
        UP,
        SENDER.replace("order)", "message='hello')", 1).replace("order", "message"),
        SENDER.replace("order)", "message: str)", 1).replace("order", "message"),
        "def send_mails(order):\n    chain(pull.s(order), forgotten.si())()\n",
        "def send_mails(order):\n    app.send_task('shop.tasks.forgotten')\n",
        "nightly = forgotten.s()\n",
        "nightly = pull.s(1) | forgotten.s()\n",
        "nightly = group([push.s(1), forgotten.si().set(queue='slow')])\n",
        "nightly = chain(\n    push.s(1),\n    forgotten.s(),\n)\n",
        "NIGHTLY_TASKS = [push, forgotten]\n",
        "nightly, hourly = group(forgotten.s()), None\n",
        "SCHEDULE = {'nightly': {'task': 'shop.tasks.forgotten', 'schedule': 60}}\n",
        "NAMES = ['shop.tasks.forgotten']\n",
    ],
)
def test_what_nothing_uses(mails: str, tmp_path: Path) -> None:
    assert not speaks(tmp_path, {"shop/mails.py": MAILS + mails})


@pytest.mark.parametrize(
    "files",
    [
        {"shop/web.py": f"{PROJECT['shop/web.py']}mails.send_mails(1)\n"},
        {"shop/web.py": "from shop import mails\n\nSENDERS = {'mails': mails.send_mails}\n"},
        {"shop/web.py": "from shop.mails import send_mails as send\n\nsend(1)\n"},
        {"shop/web.py": "from shop import mails\n\n\ndef sell(what):\n    getattr(mails, what)(1)\n"},
        {"shop/web.py": "from shop import mails\n\nROUTES = ['shop.mails.send_mails']\n"},
        {"shop/web.py": "from shop.mails import *\n\n\ndef sell():\n    send_mails(1)\n"},
        {"shop/web.py": "import shop.tasks\n"},  # nothing shows that the module is used at all
        {"shop/other.py": "def sell(mailer):\n    mailer.send_mails(1)\n"},
        {"shop/api/__init__.py": "from shop.mails import send_mails\n"},
        {"shop/mails.py": f'{MAILS}__all__ = ["send_mails"]\n\n\n{SENDER}'},
        {"shop/mails.py": f"{MAILS}@register\n{SENDER}"},
        {"shop/mails.py": f"{MAILS}class Mails:\n    {SENDER.replace(chr(10), chr(10) + '    ')}\n"},
        {"shop/mails.py": MAILS + SENDER.replace("order)", "request)")},
        {"shop/mails.py": MAILS + SENDER.replace("order)", "req)")},
        {"shop/mails.py": MAILS + SENDER.replace("order)", "message)")},
        {"shop/mails.py": MAILS + SENDER.replace("order)", "message: Message)")},
        {"shop/mails.py": MAILS + SENDER.replace("order)", "mapper)")},
        {"shop/mails.py": MAILS + SENDER.replace("send_mails", "on_order")},
        {"shop/mails.py": MAILS + SENDER.replace("send_mails", "order_handler")},
        {"shop/mails.py": MAILS + SENDER.replace("send_mails", "main")},
        {"shop/mails.py": f"{MAILS}{UP}\n\n@register\ndef sell(order):\n    close_orders(order)\n"},
        {"shop/mails.py": f"{MAILS}{SENDER}\n\ndef sell(what):\n    globals()[what](1)\n"},
        {"shop/mails.py": f"{MAILS}{SENDER}\n\ndef sell(order):\n    send_mails(1)\n\n\nsell(1)\n"},
    ],
)
def test_functions_that_something_may_call(files: dict[str, str], tmp_path: Path) -> None:
    assert speaks(tmp_path, {"shop/mails.py": MAILS + SENDER, **files})


@pytest.mark.parametrize(
    "mails",
    [
        "nightly = forgotten.s().delay()\n",
        "nightly = chain(push.s(1), forgotten.s())()\n",
        "nightly = chain(push.s(1), forgotten.s()).apply_async()\n",
        "nightly = plan(forgotten.s())\n",
        "nightly = forgotten.s()\nnightly.delay()\n",
        "nightly = forgotten.s()\n\n\ndef sell():\n    group(nightly, push.s(1)).delay()\n\n\nsell()\n",
        "nightly = forgotten.s()\n\n\nclass Clock:\n    at_night = nightly\n",
        "NAME = 'shop.tasks.forgotten'\n",
        "NAMES = list(('shop.tasks.forgotten',))\n",
        "NAMES = ['shop.tasks.forgotten']\n\n\ndef sell(what):\n    globals()[what]\n",
        "__all__ = ['nightly']\nnightly = forgotten.s()\n",
        "PLAN = ['night' + 'ly', 'nightly']\nnightly = forgotten.s()\n",
    ],
)
def test_canvases_that_something_may_use(mails: str, tmp_path: Path) -> None:
    assert speaks(tmp_path, {"shop/mails.py": MAILS + mails})


def test_a_canvas_that_only_a_forgotten_task_uses(tmp_path: Path) -> None:
    mails = f"{MAILS}nightly = forgotten.s()\n\n\n@app.task\ndef begin():\n    nightly.delay()\n"
    assert not speaks(tmp_path, {"shop/mails.py": mails})
    assert speaks(tmp_path, {"shop/mails.py": f"{mails}\n\nbegin.delay()\n"})


@pytest.mark.parametrize(
    ("web", "expected"),
    [
        ("from shop.queue import enqueue\n\n\ndef sell():\n    return 1\n", False),
        ("from shop.queue import enqueue\n\n\ndef sell():\n    return enqueue('forgotten')\n", True),
        ("import shop.queue\n", True),
    ],
)
def test_a_function_that_would_send_what_it_is_told(web: str, expected: bool, tmp_path: Path) -> None:
    tasks = PROJECT["shop/tasks.py"].replace("push.delay(1)\npull.delay(2)\n", "")
    files = {"shop/tasks.py": tasks, "shop/queue.py": LOOKUP, "shop/web.py": web}
    assert speaks(tmp_path, files) is expected


@pytest.mark.parametrize("scheduler", ["", "django_celery_beat.schedulers:DatabaseScheduler"])
def test_a_task_that_a_schedule_out_of_sight_may_hold(scheduler: str, tmp_path: Path) -> None:
    """Nobody enters by hand what needs arguments, as `begin` does; but if somebody did, it would send."""
    mails = f"{MAILS}{SENDER}\n\n@app.task\ndef begin(order):\n    send_mails(order)\n"
    tasks = PROJECT["shop/tasks.py"].replace(
        '"redis://localhost")',
        f'"redis://localhost")\napp.conf.beat_scheduler = "{scheduler}"'
        if scheduler
        else '"redis://localhost")',
    )
    assert speaks(tmp_path, {"shop/mails.py": mails, "shop/tasks.py": tasks}) is bool(scheduler)


SAID = "from shop.mails import send_mails\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n    mails = shop.mails:send_mails\n"),
        ("setup.py", "from setuptools import setup\n\nsetup(scripts={'mails': 'shop.mails:send_mails'})\n"),
        ("Procfile", f'clock: python -c "{SAID.strip()}; send_mails(1)"\n'),
        ("crontab", f'0 3 * * * python -c "{SAID.strip()}; send_mails(1)"\n'),
        ("run.sh", f'python -c "{SAID.strip()}; send_mails(1)"\n'),
        ("serverless.yml", "functions:\n  mails:\n    handler: shop.mails.send_mails\n"),
        ("jobs.yaml", "- func: shop.mails:send_mails\n"),
        ("README.md", "Then `send_mails(order)` in a shell.\n"),
        ("tests/test_mails.py", f"{SAID}\n\ndef test_mails():\n    send_mails(1)\n"),
        ("ops/kick.py", f"{SAID}\nsend_mails(1)\n"),
        ("ops/kick.py", "import sys\n\nfrom shop import mails\n\ngetattr(mails, sys.argv[1])(1)\n"),
        ("ops/kick.py", "import sys\n\nfrom shop import (\n    mails,\n)\n\nvars(mails)[sys.argv[1]](1)\n"),
        ("ops/kick.py", "import inspect\n\nimport shop.mails as m\n\nprint(inspect.getmembers(m))\n"),
        ("ops/kick.py", "import fire\n\nfrom shop import mails\n\nfire.Fire(mails)\n"),
        ("shop/routes.py", f"{SAID}\n\n@route('/', dependencies=[send_mails])\ndef sell():\n    pass\n"),
        ("shop/routes.py", f"{SAID}\n\n@send_mails\ndef sell():\n    pass\n"),
        ("shop/routes.py", f"{SAID}\n\nclass Jobs:\n    run = staticmethod(send_mails)\n"),
        ("shop/routes.py", f"{SAID}\nfor each in [send_mails]:\n    each(1)\n"),
        (
            "shop/api/__init__.py",
            f"import functools\n\n{SAID}\n\n@functools.cache\ndef one():\n    return 1\n",
        ),
    ],
)
def test_functions_that_something_else_may_call(path: str, text: str, tmp_path: Path) -> None:
    files = {"shop/mails.py": MAILS + SENDER, "pyproject.toml": "[tool.celery-lint]\nroot = true\n"}
    assert speaks(tmp_path, {**files, path: text})


def test_scripts_of_the_package(tmp_path: Path) -> None:
    said = "[tool.celery-lint]\nroot = true\n\n[project.scripts]\nmails = 'shop.mails:send_mails'\n"
    assert speaks(tmp_path, {"shop/mails.py": MAILS + SENDER, "pyproject.toml": said})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "Who calls send_mails_of_orders is asked again.\n"),
        ("ops/kick.py", "import sys\n\nfrom shop import web\n\ngetattr(web, sys.argv[1])(1)\n"),
        ("ops/kick.py", "from shop import mails\n\nprint(getattr(mails, 'count')())\n"),
    ],
)
def test_what_says_nothing_of_a_function(path: str, text: str, tmp_path: Path) -> None:
    files = {"shop/mails.py": MAILS + SENDER, "pyproject.toml": "[tool.celery-lint]\nroot = true\n"}
    assert not speaks(tmp_path, {**files, path: text})


def test_a_word_in_a_file_that_nobody_reads_is_news_for_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that calls the sender: with a cache all is said that a run without one says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = tmp_path / "project"
    files = {"shop/mails.py": MAILS + SENDER, "tests/test_mails.py": "def test_mails():\n    assert True\n"}
    assert not speaks(project, files)
    assert not [each for each in check(project) if each[3] == "CEL526"]
    (project / "tests/test_mails.py").write_text("from shop import mails\n\nmails.send_mails(1)\n")
    assert [each for each in agree(project) if each[3] == "CEL526"]
