"""Proofs of what becomes of tasks that are sent through a registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from celery import Celery, chain, group
from celery.signals import before_task_publish

from celery_lint.libraries.celery import SCHEDULERS
from tests.proofs.harness import Servers, Worker, until

Start = Callable[..., Worker]


@pytest.mark.proof("CEL720")
def test_a_task_that_takes_other_arguments_cannot_be_sent(alone: Start) -> None:
    """Celery checks the arguments before it sends anything."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("dispatch", "refuses").failed_only_with(
        r"TypeError: refuses\(\) got an unexpected keyword argument 'execution_id'"
    )
    assert worker.good("dispatch", "accepts").all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})


@pytest.mark.proof("CEL721")
def test_a_function_cannot_be_sent(alone: Start) -> None:
    """It has no ``delay``."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("dispatch", "plain").failed_only_with(
        "AttributeError: 'function' object has no attribute 'delay'"
    )
    assert worker.good("dispatch", "accepts").all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})


@pytest.mark.proof("CEL710", "CEL723")
def test_a_message_for_a_name_that_no_task_has_is_thrown_away(alone: Start) -> None:
    """The worker says so in its log, and nothing has run."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("acepts").failed_only_with("NotRegistered: .*acepts.*")
    assert "The message has been ignored and discarded" in worker.log()
    assert not worker.marks()
    assert worker.good("accepts").all_succeeded()
    assert worker.marks() == {"accepts"}


@pytest.mark.proof("CEL320")
def test_a_class_task_that_nobody_registers_is_unknown(alone: Start) -> None:
    """Sending it works, by an object and by its name; the worker has never heard of it."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("send_class", "forgotten").all_succeeded()
    assert worker.bad("forgotten").failed_only_with("NotRegistered: .*bridges.forgotten.*")
    assert "The message has been ignored and discarded" in worker.log()
    assert worker.good("send_class", "registered").all_succeeded()
    assert worker.good("registered").all_succeeded()
    assert until(lambda: worker.marks() == {"forgotten"})


@pytest.mark.proof("CEL724")
def test_a_route_for_another_name_changes_nothing(alone: Start) -> None:
    """The task goes where it would go without any route."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("queue_of", "bridges.acepts").results == ["celery"]
    assert worker.good("queue_of", "bridges.accepts").results == ["slow"]


def jobs(film: int = 0) -> int:
    """What tasks run that are made here."""
    return film


@pytest.mark.proof("CEL724")
@pytest.mark.parametrize("key", ["jobs.*", "jobs.sen*", "jobs", "*.send", "jobs.send", "*"])
def test_annotations_know_names_and_no_patterns(key: str) -> None:
    """Celery looks the name of the task up, and then ``*``."""
    app = Celery("jobs", set_as_current=False)
    app.conf.task_annotations = {key: {"rate_limit": "1/s"}}
    send = app.task(name="jobs.send")(jobs)
    assert (send.rate_limit == "1/s") == (key in ("jobs.send", "*"))


@pytest.mark.proof("CEL711")
def test_a_worker_does_not_know_what_it_does_not_import(alone: Start) -> None:
    """Searching a package for its module of tasks leaves its other modules alone."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("knows", "discovered", "jobs").results == [False]
    assert worker.good("knows", "included", "jobs.reports").results == [True]


@pytest.mark.proof("CEL712")
def test_a_worker_ends_at_a_module_that_is_missing(alone: Start) -> None:
    """It imports all that is named when it starts."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("knows", "included", "jobs.reprots").failed_only_with("ModuleNotFoundError: .*")
    assert worker.bad("knows", "included", "jobs.reports,jobs").failed_only_with("ModuleNotFoundError: .*")
    assert worker.good("knows", "included", "jobs.reports").results == [True]


@pytest.mark.proof("CEL726")
def test_a_worker_leaves_queues_alone_that_it_is_not_told(alone: Start) -> None:
    """The message waits where it was sent to, until somebody tells a worker to consume the queue."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("send_to", "mails").all_succeeded()
    assert worker.good("send_to", "").all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})
    worker.forget_marks()
    assert worker.run("application.ping").all_succeeded()
    assert not worker.marks()
    worker.app.control.add_consumer("mails", reply=True)
    assert until(lambda: worker.marks() == {"accepts"})
    worker.app.control.cancel_consumer("mails", reply=True)


@pytest.mark.proof("CEL726")
@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_worker_leaves_the_default_queue_alone_that_is_not_declared(
    start: Start, servers: Servers, pool: str
) -> None:
    """It consumes what ``task_queues`` names and nothing else."""
    worker = start("declared_queues", pool, servers, concurrency=1)
    assert worker.good("send_to", worker.name).all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})
    worker.forget_marks()
    default = worker.bad("send_to", "").results[0]
    assert worker.run("application.ping", times=3, at_once=False).all_succeeded()
    assert not worker.marks()
    worker.app.control.add_consumer(default, reply=True)
    assert until(lambda: worker.marks() == {"accepts"})


@pytest.mark.proof("CEL726")
@pytest.mark.filterwarnings("ignore::celery.exceptions.CDeprecationWarning")
def test_each_task_of_a_canvas_goes_to_its_own_queue() -> None:
    """Unless the canvas is sent with options: those are for all of a group, and the first of a chain."""
    app = Celery("films", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.task_routes = {"prepare": {"queue": "routed"}}
    prepare = app.task(name="prepare")(jobs)
    finish = app.task(name="finish", queue="light")(jobs)
    sent = []

    def note(sender: str, routing_key: str, **_: object) -> None:
        sent.append((sender, routing_key))

    before_task_publish.connect(note, weak=False)
    try:
        group(prepare.s(1), finish.s(1)).apply_async()
        chain(finish.si(1), prepare.si(1)).apply_async()
        finish.s(1).apply_async()
        chain(prepare.si(1), finish.si(1)).apply_async(queue="told")
    finally:
        before_task_publish.disconnect(note)
    own = [("prepare", "routed"), ("finish", "light"), ("finish", "light"), ("finish", "light")]
    assert sent == [*own, ("prepare", "told")]


SHOP = {
    "shop/__init__.py": "",
    "shop/celery.py": "from celery import Celery\n\napp = Celery(broker='memory://')\n",
    "shop/mails.py": "from celery import shared_task\n\n\n@shared_task\ndef send():\n    pass\n",
}
VIEW = "from shop.mails import send; send.apply_async(retry=False); print(send.app.conf.broker_url)"


def view(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Send a task as a process does that is no worker."""
    known = {key: value for key, value in os.environ.items() if key != "CELERY_BROKER_URL"}
    return subprocess.run(
        [sys.executable, "-c", VIEW],
        cwd=folder,
        env={**known, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.proof("CEL728")
def test_a_shared_task_without_an_application_has_no_broker(tmp_path: Path) -> None:
    """Celery makes an application for it, which looks for RabbitMQ on this machine."""
    for name, text in SHOP.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    alone = view(tmp_path)
    assert alone.stdout in ("", "None\n"), "it has no broker, be there a RabbitMQ here or none"
    assert "OperationalError" in alone.stderr or alone.stdout
    assert view(tmp_path, CELERY_BROKER_URL="memory://").stderr == "", (
        "a variable that every application reads"
    )
    (tmp_path / "shop/__init__.py").write_text("from shop.celery import app\n", encoding="utf-8")
    assert view(tmp_path).stdout == "memory://\n"


@pytest.mark.proof("CEL735")
def test_a_worker_ends_where_there_is_no_application(tmp_path: Path) -> None:
    """It says so and is gone, whether the module is missing or the name in it."""
    for name, text in SHOP.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def told(application: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "celery", "-A", application, "report"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, " ".join(done.stderr.split())

    for application in ("shop.worker", "shop.core.celery", "shop.celery:application", "shop.celery.queue"):
        code, said = told(application)
        assert code == 2, application
        assert "Unable to load celery application." in said, application
    for application in ("shop", "shop.celery", "shop.celery:app", "shop.celery.app"):
        assert told(application)[0] == 0, application


@pytest.mark.proof("CEL735")
def test_a_worker_takes_what_is_called_app(tmp_path: Path) -> None:
    """Whatever that is, and whatever else the module has."""
    web = "class Flask: pass\napp = Flask()\n"
    queue = "from celery import Celery\ncelery = Celery('shop', broker='memory://')\n"
    (tmp_path / "web.py").write_text(web + queue, encoding="utf-8")
    (tmp_path / "app.py").write_text("", encoding="utf-8")
    (tmp_path / "module.py").write_text(f"import app\n{queue}", encoding="utf-8")
    outcomes = {}
    for application in ("web", "web:celery", "module"):
        command = [sys.executable, "-m", "celery", "-A", application, "report"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        outcomes[application] = done.returncode, "no attribute 'user_options'" in done.stderr
    assert outcomes == {"web": (1, True), "web:celery": (0, False), "module": (0, False)}


KIND = "import enum\n\nclass Kind(enum.Enum):\n    FAST = 1\n\n"


@pytest.mark.proof("CEL737")
@pytest.mark.parametrize(
    ("how", "jobs", "error"),
    [
        (
            "include=['shop.jobs']",
            "from shop.database import sesion",
            "ImportError: cannot import name 'sesion'",
        ),
        ("include=['shop.jobs']", "from . import databse", "ImportError: cannot import name 'databse'"),
        (
            "include=['shop.jobs']",
            "from shop.databse import session",
            "ModuleNotFoundError: .*'shop.databse'",
        ),
        ("include=['shop.jobs']", "import shop.databse", "ModuleNotFoundError: .*'shop.databse'"),
        (
            "include=['shop.jobs']",
            "from ..database import session",
            "ImportError: .*beyond top-level package",
        ),
        ("imports=['shop.jobs']", "from .databse import session", "ModuleNotFoundError: .*'shop.databse'"),
        ("", "from shop.database import sesion", "ImportError: cannot import name 'sesion'"),
        ("", "from shop.databse import session", "ModuleNotFoundError: .*'shop.databse'"),
        ("include=['shop.jobs']", f"{KIND}QUEUE = Kind.SLOW", "AttributeError: .*SLOW"),
        ("", f"{KIND}QUEUE = Kind.SLOW", "AttributeError: .*SLOW"),
        ("", f"{KIND}QUEUE = Kind.FAST", None),
        ("include=['shop.jobs']", "from shop.database import session", None),
        ("include=['shop.jobs']", "from . import database", None),
        ("", "from .database import session", None),
        ("", None, None),
    ],
)
def test_a_worker_ends_at_an_import_that_fails(
    tmp_path: Path, how: str, jobs: str | None, error: str | None
) -> None:
    """A search passes over a module that is not there, and over nothing else."""
    (tmp_path / "shop").mkdir()
    search = "" if how else "app.autodiscover_tasks(['shop'], related_name='jobs')\n"
    files = {
        "__init__": "",
        "database": "def session(): pass\n",
        "celery": f"from celery import Celery\n\napp = Celery(broker='nowhere://', {how})\n{search}",
    }
    if how.startswith("imports"):
        files["celery"] = f"from celery import Celery\n\napp = Celery(broker='nowhere://')\napp.conf.{how}\n"
    if jobs is not None:
        files["jobs"] = f"{jobs}\n"
    for name, text in files.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(error or "No such transport: nowhere", done.stderr)


@pytest.mark.proof("CEL737")
@pytest.mark.parametrize(
    ("package", "jobs", "error"),
    [
        ("", "from shop.database import sesion", "ImportError: cannot import name 'sesion'"),
        ("", "from shop.databse import session", None),
        ("from shop.jobs import *", "from shop.databse import session", "No module named 'shop.databse'"),
    ],
)
def test_a_search_passes_over_a_module_of_its_list_that_lacks_another(
    tmp_path: Path, package: str, jobs: str, error: str | None
) -> None:
    """It takes the missing one for its own, and looks in the package above: which must not fail as well."""
    (tmp_path / "shop").mkdir()
    search = "app.autodiscover_tasks(['shop.jobs'])"
    files = {
        "shop/__init__": package,
        "shop/database": "def session(): pass",
        "shop/jobs": jobs,
        "queues": f"from celery import Celery\n\napp = Celery(broker='nowhere://')\n{search}",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(f"{text}\n", encoding="utf-8")
    command = [sys.executable, "-m", "celery", "-A", "queues", "worker", "-P", "solo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(error or "No such transport: nowhere", done.stderr)


@pytest.mark.proof("CEL735")
def test_a_worker_passes_by_modules_that_are_called_app(tmp_path: Path) -> None:
    """It looks into what `-A` names, be that bound by an import, and finds no application in it."""
    files = {
        "shop/__init__.py": "",
        "shop/queue.py": "from celery import Celery\napp_of_shop = Celery()\nimport shop.tasks\n",
        "shop/tasks/__init__.py": "from .mails import send\n",
        "shop/tasks/mails.py": "from celery import shared_task\n@shared_task\ndef send(): ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    outcomes = {}
    for application in ("shop.tasks", "shop.tasks.mails", "shop.queue.shop", "shop", "shop.queue"):
        command = [sys.executable, "-m", "celery", "-A", application, "report"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        outcomes[application] = "Unable to load celery application." in done.stderr
    assert outcomes.pop("shop.queue") is False
    assert all(outcomes.values()), outcomes


@pytest.mark.proof("CEL738")
def test_a_receiver_that_nobody_keeps_never_runs(start: Start, servers: Servers) -> None:
    """The signal itself has only a weak reference, unless it is told to keep the receiver."""
    worker = start("receivers", "prefork", servers, concurrency=1)
    assert worker.good("work").all_succeeded()
    kept = {f"{signal}-{how}" for signal in ("process", "task", "configured") for how in ("kept", "module")}
    assert until(lambda: kept <= worker.marks())
    assert not (worker.marks() - kept)


@pytest.mark.proof("CEL738")
@pytest.mark.parametrize(
    ("then", "runs"),
    [
        (lambda app: app.conf.update(enable_utc=True), False),
        (lambda app: setattr(app.conf, "enable_utc", True), False),
        (lambda app: app.conf.setdefault("enable_utc", True), False),
        (lambda app: app.add_defaults({"enable_utc": True}), False),
        (lambda app: app.autodiscover_tasks(["jobs"]), False),
        (lambda app: app.task(jobs), False),
        (lambda app: app.Task, False),
        (lambda app: app.set_default(), False),
        (lambda app: app.conf.enable_utc, True),
        (lambda app: app.conf.get("enable_utc"), True),
        (lambda app: app.config_from_object({"enable_utc": True}, force=True), True),
        (lambda app: app.task(jobs).s(), True),
        (lambda app: app.tasks, True),
        (lambda app: app.finalize(), True),
        (lambda app: app.amqp.router.route({}, "jobs"), True),
    ],
)
def test_what_asks_an_application_for_its_configuration(then: Callable[[Celery], object], runs: bool) -> None:
    """Before its function has ended, a receiver is there to be called."""
    called = []

    def configure(app: Celery) -> None:
        @app.on_after_configure.connect
        def configured(**_: object) -> None:
            called.append(app)

        then(app)

    app = Celery("receivers", broker="memory://", set_as_current=False)
    configure(app)
    assert bool(called) == runs
    assert app.conf.enable_utc
    app.finalize()
    assert bool(called) == runs


@pytest.mark.proof("CEL736")
def test_a_worker_refuses_queues_with_blanks(tmp_path: Path) -> None:
    """A word behind the queues belongs to nothing; a comma alone, or quotes, keep them together."""
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n\napp = Celery(broker='nowhere://')\n", encoding="utf-8"
    )

    def told(*queues: str) -> bool:
        command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo", *queues]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode != 0, "no such transport"
        return "Unable to parse extra configuration from command line." in done.stderr

    for refused in (["-Q", "a", "b", "-c", "2"], ["--queues=a,", "b"]):
        assert told(*refused), refused
    for right in (["-Q", "a,b"], ["-Q", "a, b"]):
        assert not told(*right), right


@pytest.mark.proof("CEL736")
@pytest.mark.parametrize("program", ["worker", "beat"])
@pytest.mark.parametrize("option", ["-A", "--app"])
def test_no_command_takes_the_application_behind_it(program: str, option: str, tmp_path: Path) -> None:
    """The program does, before it."""
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n\napp = Celery(broker='nowhere://')\n", encoding="utf-8"
    )

    def told(*words: str) -> bool:
        command = [sys.executable, "-m", "celery", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode != 0, "no such transport"
        return re.search(f"No such option:? '?{option}", done.stderr) is not None

    assert told(program, option, "shop")
    assert not told(option, "shop", program)


@pytest.mark.proof("CEL736")
def test_celery_has_no_command_of_another_name(tmp_path: Path) -> None:
    """A word before `worker` is taken for the sub-command."""
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n\napp = Celery(broker='nowhere://')\n", encoding="utf-8"
    )

    def told(*words: str) -> bool:
        command = [sys.executable, "-m", "celery", "-A", "shop", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode != 0, "no such transport"
        return "No such command 'app'" in done.stderr

    assert told("app", "worker")
    assert not told("worker")


@pytest.mark.proof("CEL736")
def test_beat_ends_where_celery_lacks_the_scheduler(tmp_path: Path) -> None:
    """Whatever the module is; what Celery has is taken, in both spellings, until the broker is asked for."""
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n\napp = Celery(broker='nowhere://')\n", encoding="utf-8"
    )

    def told(name: str) -> str:
        command = [sys.executable, "-m", "celery", "-A", "shop", "beat", "-S", name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        return done.stderr.rstrip().rpartition("\n")[2]

    assert told("celery.schedulers.DatabaseScheduler").startswith("ModuleNotFoundError")
    assert told("celery.beat.schedulers:DatabaseScheduler").startswith("ModuleNotFoundError")
    assert told("celery.beat:DatabaseScheduler").startswith("AttributeError")
    for right in sorted(SCHEDULERS):
        assert "nowhere" in told(right), right
