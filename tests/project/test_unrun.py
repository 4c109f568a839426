"""Which tasks no worker runs: what sends a task to another queue than its own may make one run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.describing_task import task_description
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.unsent import Unsent

PROCFILE = "worker: celery -A tasks worker -Q orders\n"
TASKS = """import requests
from celery import Celery, current_app, signature

app = Celery("shop", broker="redis://localhost:6379/0")


@app.task(queue="orders")
def close(address):
    return requests.get(address).text


@app.task(queue="exports")
def export(address):
    return requests.get(address).text


BY_NAME = {"export": export}
"""


def spoken_of(folder: Path, more: str = "", procfile: str = PROCFILE, text: str = TASKS) -> set[str]:
    """The tasks in which a rule speaks."""
    (folder / "tasks.py").write_text(f"{text}\n\n{more}", encoding="utf-8")
    (folder / "Procfile").write_text(procfile, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    found = engine.check_paths([str(folder)], configuration).diagnostics
    return {name for d in found for name in ("close", "export") if f"`{name}`" in d.message}


@pytest.mark.parametrize(
    "more",
    [
        "",
        "def send(name):\n    BY_NAME[name].delay()\n",
        "def send(name):\n    current_app.send_task(name)\n",
        "def send():\n    close.apply_async(queue='orders')\n",
    ],
)
def test_no_worker_takes_its_messages(tmp_path: Path, more: str) -> None:
    assert spoken_of(tmp_path, more) == {"close"}


@pytest.mark.parametrize(
    "more",
    [
        "def send(name):\n    current_app.send_task(name, queue='orders')\n",
        "def send(name):\n    BY_NAME[name].apply_async(queue='orders')\n",
        "def send(name):\n    current_app.send_task(name, routing_key='orders')\n",
        "def send(name):\n    current_app.send_task(name, exchange='orders')\n",
        "def send(name, options):\n    current_app.send_task(name, **options)\n",
        "def send(name):\n    signature(name).set(queue='orders').delay()\n",
        "def send():\n    export.delay()\n",
        "def send(group):\n    return group([export.s(1)])\n",
        "def more():\n    app.control.add_consumer('exports')\n",
        "app.conf.beat_schedule = {'a': {'task': 'tasks.export'}, 'b': {'task': 'tasks.close'}}\n",
    ],
)
def test_a_worker_may_run_it(tmp_path: Path, more: str) -> None:
    assert spoken_of(tmp_path, more) == {"close", "export"}


@pytest.mark.parametrize(
    "procfile",
    [
        "worker: celery -A tasks worker\n",
        "worker: celery -A tasks worker -Q orders\nother: celery -A tasks worker -Q exports\n",
        "worker: celery -A tasks worker -Q $QUEUES\n",
        "worker: celery -A tasks worker -Q mails\n",
    ],
)
def test_other_workers(tmp_path: Path, procfile: str) -> None:
    assert spoken_of(tmp_path, procfile=procfile) == {"close", "export"}


def why(folder: Path, name: str) -> tuple[str | None, str]:
    """Why a task never runs, and what is said of that nobody sends it."""
    known, _ = Workspace(str(folder), load(str(folder), {"cache": False})).linked()
    (nobody,) = task_description(str(folder), known, name).sent_by
    assert nobody.name == "nobody"
    (task,) = (task for task in known.of(Tasks).product if task.label == name)
    return known.of(Unsent).why(task), nobody.detail.removesuffix(": rules about runs are silent")


@pytest.mark.parametrize(
    ("case", "name", "reason", "words"),
    [
        (
            "queue_that_no_worker_consumes",
            "export",
            "unconsumed",
            "no worker that is started takes messages of its queue",
        ),
        (
            "module_behind_a_package_of_its_name",
            "export",
            "shadowed",
            "the package of the same name is imported in place of its module",
        ),
        (
            "application_that_is_not_installed",
            "remind",
            "unnamed",
            "nothing imports its module, or names it for workers to import",
        ),
        (
            "queue_that_no_worker_consumes",
            "close",
            None,
            "no call in sight: it may be sent by a name that only the run knows, or from elsewhere",
        ),
        (
            "modules_that_cannot_be_imported",
            "bill",
            "unimportable",
            "its module cannot be imported, `shop/calendars.py` has no `create_event`",
        ),
    ],
)
def test_it_is_said_why(case: str, name: str, reason: str | None, words: str) -> None:
    assert why(Path(__file__).parents[2] / "fixtures" / "CEL526" / case, name) == (reason, words)


def test_it_is_said_that_no_worker_imports_it(tmp_path: Path) -> None:
    (tmp_path / "others.py").write_text(TASKS.replace("export", "print_out"), encoding="utf-8")
    (tmp_path / "tasks.py").write_text(TASKS, encoding="utf-8")
    (tmp_path / "Procfile").write_text("worker: celery -A tasks worker -Q orders,exports\n", encoding="utf-8")
    assert why(tmp_path, "print_out") == ("unimported", "no worker that is started imports its module")


def test_it_is_said_that_nothing_sends_it(tmp_path: Path) -> None:
    schedule = "app.conf.beat_schedule = {'close': {'task': 'tasks.close', 'schedule': 60.0}}\n"
    (tmp_path / "tasks.py").write_text(f"{TASKS.partition('BY_NAME')[0]}{schedule}", encoding="utf-8")
    assert why(tmp_path, "export") == ("unsent", "the project shows all that it sends")


def test_it_is_said_that_another_has_its_name() -> None:
    """Of a task that is sent as well."""
    folder = str(Path(__file__).parents[2] / "fixtures" / "CEL526" / "two_tasks_of_one_name")
    known, _ = Workspace(folder, load(folder, {"cache": False})).linked()
    said = [entry.detail for entry in task_description(folder, known, "shop.bill").sent_by]
    words = "another task has its name, and nobody can tell which of the two a worker has"
    assert said.count(f"{words}: rules about runs are silent") == 2
    assert {known.of(Unsent).why(task) for task in known.of(Tasks).product} == {None, "doubled"}
