"""Which tasks nothing sends: nobody can say where entries of the schedule stand in a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

TASKS = """from celery import Celery

app = Celery("shop", broker="redis://localhost")
app.conf.update(
    task_soft_time_limit=50,
    task_time_limit=60,
    beat_schedule={"pull": {"task": "tasks.pull", "schedule": 60.0}},
)


@app.task
def pull():
    return 1


@app.task(max_retries=3)
def forgotten():
    return 1
"""
ELSEWHERE = (
    "from django_celery_beat.models import PeriodicTask",
    "from djcelery.models import PeriodicTask",
    "from redbeat import RedBeatSchedulerEntry",
    "from sqlalchemy_celery_beat.models import PeriodicTask",
    "from celery_sqlalchemy_scheduler.models import PeriodicTask",
    "from celerybeatmongo.models import PeriodicTask",
)


def said(folder: Path) -> list[str]:
    configuration = load(str(folder), {"preset": "recommended", "extend-select": ["CEL444"], "cache": False})
    return [found.code for found in engine.check_paths([str(folder)], configuration).diagnostics]


def test_what_nothing_sends_is_no_task_whose_retries_matter(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    assert said(tmp_path) == []


@pytest.mark.parametrize("line", ELSEWHERE)
def test_a_schedule_in_a_database_may_send_it(tmp_path: Path, line: str) -> None:
    (tmp_path / "tasks.py").write_text(f"{line}\n{TASKS}")
    assert said(tmp_path) == ["CEL444"]


ROWS = """from celery import Celery
from django_celery_beat.models import PeriodicTask

app = Celery("shop", broker="redis://localhost")
app.conf.update(task_soft_time_limit=50, task_time_limit=60)


@app.task
def pull(order):
    return order


@app.task
def push(order):
    return order


@app.task(max_retries=3)
def forgotten(order):
    return order


def plan(order):
    PeriodicTask.objects.create(name="pull", task="tasks.pull", args=[order])
    PeriodicTask.objects.create(name="push", task="tasks.push", args=[order])
    PeriodicTask.objects.create(name="later", task={later}, args=[order])
"""


@pytest.mark.parametrize(
    ("later", "says"),
    [("'tasks.pull'", []), ("''", []), ("'tasks.forgotten'", ["CEL444"]), ("order.task", ["CEL444"])],
)
def test_rows_that_code_makes_show_what_is_sent(tmp_path: Path, later: str, says: list[str]) -> None:
    """What needs arguments is hardly ever entered by hand, and code enters the others."""
    (tmp_path / "tasks.py").write_text(ROWS.format(later=later))
    assert said(tmp_path) == says


@pytest.mark.parametrize(
    ("scheduler", "says"),
    [
        ("", []),
        ("celery.beat:PersistentScheduler", []),
        ("celery.beat.Scheduler", []),
        ("django", ["CEL444"]),
        ("django_celery_beat.schedulers:DatabaseScheduler", ["CEL444"]),
        ("redbeat.RedBeatScheduler", ["CEL444"]),
        ("shop.rows:OwnScheduler", ["CEL444"]),
        ("$SCHEDULER", ["CEL444"]),
    ],
)
def test_another_scheduler_may_send_it(tmp_path: Path, scheduler: str, says: list[str]) -> None:
    """Whether a command of beat names it or a setting: those of Celery send what is written down."""
    option = f" -S {scheduler}" if scheduler else ""
    (tmp_path / "Procfile").write_text(
        f"worker: celery -A tasks worker\nbeat: celery -A tasks beat{option}\n"
    )
    (tmp_path / "tasks.py").write_text(TASKS)
    assert said(tmp_path) == says
    (tmp_path / "Procfile").unlink()
    if scheduler and "$" not in scheduler:
        (tmp_path / "tasks.py").write_text(f'{TASKS}\n\napp.conf.beat_scheduler = "{scheduler}"\n')
        assert said(tmp_path) == says


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop.py", '__all__ = ["forgotten"]\nfrom tasks import forgotten\n'),
        ("tests/test_tasks.py", "from tasks import forgotten\n\n\ndef test_it():\n    forgotten.delay()\n"),
        ("examples/usage.py", "from tasks import forgotten\n\nforgotten.delay()\n"),
        (
            "shop.py",
            (
                "from tasks import pull\n\n\nclass Plan:\n    def __init__(self):\n"
                "        self.tasks = {}\n\n"
                "    def one(self, name):\n        return self.tasks.get(name) or self.tasks[name]\n\n\n"
                "Plan().one('other')\n"
            ),
        ),
    ],
)
def test_what_sends_nothing(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    (tmp_path / "tasks.py").write_text(TASKS)
    assert said(tmp_path) == []


def test_the_registry_of_an_application_may_send_it(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from tasks import app\n\n\ndef send(name):\n    app.tasks[name].delay()\n"
    )
    (tmp_path / "tasks.py").write_text(f"{TASKS}\n\nfrom shop import send\n\nsend('x')\n")
    assert said(tmp_path) == ["CEL444"]


RESEND = """from tasks import app, forgotten


def {name}(record):
    app.tasks.get(record.name).apply_async(record.args)


def run(record):
    {name}(record)
"""


@pytest.mark.parametrize("name", ["requeue_dead_letter", "replay", "retry_failed", "resend"])
def test_what_sends_once_more_sends_nothing_new(tmp_path: Path, name: str) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "letters.py").write_text(RESEND.format(name=name))
    assert said(tmp_path) == []


def test_any_other_lookup_may_send_it(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "letters.py").write_text(RESEND.format(name="start"))
    assert said(tmp_path) == ["CEL444"]


ALONE = """from celery import Celery

app = Celery("shop", broker="redis://localhost")
app.conf.update(task_soft_time_limit=50, task_time_limit=60)


@app.task
async def forgotten():
    return 1
"""
READS = "from celery.result import AsyncResult\n\n\ndef state(key):\n    return AsyncResult(key).state\n"


def test_another_service_may_send_the_tasks_of_one_that_serves_requests(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(ALONE)
    (tmp_path / "views.py").write_text(f"import fastapi\n{READS}")
    for name in ("orders", "payments"):
        (tmp_path / f"{name}.py").write_text(READS)
    assert "CEL111" in said(tmp_path)


def test_a_task_and_its_sketch_of_requests_are_a_sketch(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(f"import flask\n{ALONE}")
    for name in ("views", "orders", "payments"):
        (tmp_path / f"{name}.py").write_text(READS)
    assert "CEL111" in said(tmp_path)


NAMED = """from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")


@app.task(name="shop.extraction.run", max_retries=3)
def forgotten(number):
    return number


@app.task
def push(number):
    print(number)


@app.task
def pull(number):
    print(number)


push.delay(1)
pull.delay(2)
"""


@pytest.mark.parametrize(
    "line",
    [
        'HELP = "A run of the extraction takes a while."',
        'def extraction(run):\n    return run.number, "extraction"',
        'def extraction(agent):\n    print("extraction")\n    agent.run("now")',
        'ADDRESSES = ["/extraction/run", "/run-sync"]',
        'COLUMNS = "extraction,run,value"',
    ],
)
def test_the_last_word_of_a_name_means_other_things_as_well(tmp_path: Path, line: str) -> None:
    (tmp_path / "tasks.py").write_text(NAMED)
    (tmp_path / "letters.py").write_text(f"from tasks import app\n\n{line}\n")
    assert said(tmp_path) == []


ROW = """from sqlalchemy.orm import Session

from plans import Plan


def start(number: int, db: Session, plan: Plan):
    row = db.query(Plan).filter_by(id=number).first()
    app.send_task({given}, kwargs=row.kwargs)
"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("row.task_name", []),
        ("db.get(Plan, number).task_name", []),
        ("Plan(number).task_name", ["CEL444"]),
        ("plan.row().task_name", ["CEL444"]),
        ("str(number).join(NAMES)", ["CEL444"]),
    ],
)
def test_the_name_in_a_row_is_a_whole_one(tmp_path: Path, given: str, expected: list[str]) -> None:
    """Somebody has entered it who has seen it; an object of the project may put it together."""
    (tmp_path / "tasks.py").write_text(NAMED)
    (tmp_path / "plans.py").write_text(
        "class Plan:\n    def row(self):\n        self.task_name = 'shop.' + self.kind\n        return self\n"
    )
    (tmp_path / "letters.py").write_text(f"from tasks import app\n{ROW.format(given=given)}")
    assert said(tmp_path) == expected


@pytest.mark.parametrize(
    "line",
    [
        'app.send_task("shop.extraction.run", (1,))',
        'KINDS = {"extraction": "run"}',
        'def begin(kind):\n    app.send_task(f"shop.extraction.{kind}")\n\n\nbegin("run")',
        'def begin():\n    app.send_task("shop." + "extraction.run", (1,))',
        'def begin(kind):\n    app.send_task("%s.extraction.run" % kind)',
    ],
)
def test_texts_may_be_the_end_of_a_name(tmp_path: Path, line: str) -> None:
    (tmp_path / "tasks.py").write_text(NAMED)
    (tmp_path / "letters.py").write_text(f"from tasks import app\n\n{line}\n")
    assert said(tmp_path) == ["CEL444"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("from tasks import again", []),
        ("import tasks\n\ntasks.again.delay(1)", ["CEL444"]),
        ("from tasks import again as once_more\n\nonce_more.delay(1)", ["CEL444"]),
        ("import tasks\n\nALL = [tasks.again]", ["CEL444"]),
    ],
)
def test_another_name_of_a_task_counts_where_it_is_said(
    tmp_path: Path, line: str, expected: list[str]
) -> None:
    (tmp_path / "tasks.py").write_text(f"{NAMED}\nagain = forgotten\n")
    (tmp_path / "letters.py").write_text(f"from tasks import app\n{line}\n")
    assert said(tmp_path) == expected


CALLED = """from celery import Celery

app = Celery("shop", broker="redis://localhost")
app.conf.update(task_soft_time_limit=50, task_time_limit=60)


@app.task(max_retries=3)
def called(order):
    return {"order": order}


@app.task
def pull(order):
    USE


@app.task
def push(order):
    print(order)


def view(order):
    pull.delay(order)
    push.delay(order)
"""


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("called(order)", []),
        ("return called(order)", []),
        ("return {'found': called(order).get('order', 0)}", []),
        ("print(called(order)['order'])", []),
        ("called.delay(order)", ["CEL444"]),
        ("return called.s(called(order))", ["CEL444"]),
        ("print(called)", ["CEL444"]),
        ("return called", ["CEL444"]),
        ("return {'called': order}", ["CEL444"]),
    ],
)
def test_what_is_only_called_takes_no_options_from_its_decorator(
    tmp_path: Path, use: str, expected: list[str]
) -> None:
    (tmp_path / "tasks.py").write_text(CALLED.replace("USE", use))
    assert said(tmp_path) == expected


ONE = """from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")


@app.task(max_retries=3)
def forgotten():
    return 1


@app.task
def push(number):
    print(number)
"""
PUSHED = "from tasks import push\n\n\ndef view():\n    push.delay(1)\n"


@pytest.mark.parametrize(
    "files",
    [
        {"views.py": f"{PUSHED}\n\ndef other_view():\n    push.delay(2)\n"},
        {"views.py": PUSHED, "orders.py": PUSHED.replace("delay(1)", "apply_async((1,))")},
    ],
)
def test_one_task_that_several_functions_send_shows_how_a_project_sends(
    tmp_path: Path, files: dict[str, str]
) -> None:
    for name, text in {"tasks.py": ONE, **files}.items():
        (tmp_path / name).write_text(text)
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    "files",
    [
        {"views.py": PUSHED},
        {"views.py": f"{PUSHED}    push.delay(2)\n"},
        {"views.py": PUSHED, "tasks.py": f"{ONE}    push.delay(number + 1)\n"},
    ],
)
def test_one_task_that_one_function_sends_is_a_sketch(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in {"tasks.py": ONE, **files}.items():
        (tmp_path / name).write_text(text)
    assert "CEL444" in said(tmp_path)
