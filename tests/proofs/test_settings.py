"""What a setting may be called, by the place where it is given: tried on Celery itself, without a worker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import celery
import pytest
from celery import Celery, Task
from celery.app.defaults import _TO_OLD_KEY, SETTING_KEYS  # type: ignore[import-untyped]
from celery.app.utils import Settings
from celery.exceptions import ImproperlyConfigured
from celery.signals import celeryd_init
from kombu.utils.imports import symbol_by_name

from celery_lint.inventory.application.spelling import old_name, spellings
from celery_lint.libraries.celery import ARGUMENTS_OF_APPLICATIONS, OPTIONS_OF_TASKS
from celery_lint.libraries.celery_settings import SETTINGS, VERSION
from scripts import celery_settings
from tests.tables import in_one

# The families of settings that rules ask for.
ASKED = ("task_", "worker_", "beat_", "broker_", "result_", "enable_utc", "imports", "include")
NAMES = ("task_time_limit", "CELERYD_TASK_TIME_LIMIT", "CELERY_TASK_TIME_LIMIT", "TASK_TIME_LIMIT")


def load(namespace: str | None) -> Callable[[Celery, str], None]:
    def give(app: Celery, name: str) -> None:
        app.config_from_object(SimpleNamespace(**{name: 5}), namespace=namespace)

    return give


def update(app: Celery, name: str) -> None:
    app.conf.update(**{name: 5})


def attribute(app: Celery, name: str) -> None:
    setattr(app.conf, name, 5)


def item(app: Celery, name: str) -> None:
    app.conf[name] = 5


@in_one("name", sorted(name for name in SETTING_KEYS if name.startswith(ASKED)))
def test_the_old_name_of_every_setting_that_is_asked_for(name: str) -> None:
    assert old_name(name) == _TO_OLD_KEY[name]


@pytest.mark.parametrize("give", [update, attribute, item, load(None)])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_counts_without_a_namespace(give: Callable[[Celery, str], None], name: str) -> None:
    app = Celery("shop", set_as_current=False)
    give(app, name)
    assert (app.conf.task_time_limit == 5) == (name in spellings("task_time_limit", None))


@pytest.mark.parametrize("namespace", ["CELERY", "celery", "QUEUE"])
@pytest.mark.parametrize(
    "name", [*NAMES, "celery_task_time_limit", "CELERY_task_time_limit", "QUEUE_TASK_TIME_LIMIT"]
)
def test_a_name_counts_below_a_namespace(namespace: str, name: str) -> None:
    app = Celery("shop", set_as_current=False)
    load(namespace)(app, name)
    assert (app.conf.task_time_limit == 5) == (name in spellings("task_time_limit", namespace))


def test_what_is_given_by_hand_wins_over_what_is_loaded() -> None:
    app = Celery("shop", set_as_current=False, task_soft_time_limit=7)
    app.conf.task_time_limit = 9
    app.config_from_object(SimpleNamespace(task_time_limit=5, task_soft_time_limit=4, worker_pool="solo"))
    assert (app.conf.task_time_limit, app.conf.task_soft_time_limit, app.conf.worker_pool) == (9, 7, "solo")


def test_what_is_loaded_last_is_all_that_is_loaded() -> None:
    app = Celery("shop", set_as_current=False)
    app.config_from_object(SimpleNamespace(task_time_limit=5))
    app.config_from_object(SimpleNamespace(task_soft_time_limit=4))
    assert (app.conf.task_time_limit, app.conf.task_soft_time_limit) == (None, 4)


@pytest.mark.filterwarnings("ignore::celery.exceptions.SecurityWarning")  # the tests may run as root
def test_a_worker_takes_its_limits_from_what_a_handler_sets_before_it_starts() -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)

    def configure(conf: Settings, **options: object) -> None:
        conf.task_time_limit = 9
        conf.update(task_soft_time_limit=7)

    celeryd_init.connect(configure)
    try:
        worker = app.Worker(hostname="shop@here")
    finally:
        celeryd_init.disconnect(configure)
    assert (worker.time_limit, worker.soft_time_limit) == (9, 7)


def test_a_finished_task_takes_a_limit_as_an_attribute() -> None:
    app = Celery("shop", set_as_current=False)
    app.Task.time_limit = 9

    @app.task(name="shop.send")  # type: ignore[untyped-decorator]
    def send() -> None: ...

    @app.on_after_finalize.connect  # type: ignore[untyped-decorator]
    def limit(sender: Celery, **options: object) -> None:
        sender.tasks["shop.send"].soft_time_limit = 7

    app.finalize()  # as a worker does
    assert (send.time_limit, send.soft_time_limit) == (9, 7)


def test_a_task_of_one_application_is_a_task_of_all() -> None:
    first, second = Celery("first", set_as_current=False), Celery("second", set_as_current=False)

    @first.task(name="shop.rebuild")  # type: ignore[untyped-decorator]
    def rebuild() -> None: ...

    second.finalize()
    assert second.tasks["shop.rebuild"].app is second


@pytest.mark.proof("CEL910")
@pytest.mark.parametrize("give", [update, attribute, item, load(None), load("CELERY")])
def test_a_name_that_is_misspelt_changes_nothing(give: Callable[[Celery, str], None]) -> None:
    app = Celery("shop", set_as_current=False)
    give(app, "task_time_limt")
    give(app, "CELERY_TASK_TIME_LIMT")
    assert app.conf.task_time_limit is None
    give(app, "task_time_limit")
    assert app.conf.task_time_limit == 5


class Patient(Task):  # type: ignore[misc]
    """A class for tasks."""


def like(path: str) -> type:
    """A class of its own that does the same."""
    return type("Another", (symbol_by_name(path),), {})


@pytest.mark.proof("CEL910")
@pytest.mark.parametrize("name", sorted(ARGUMENTS_OF_APPLICATIONS))
def test_an_argument_of_the_constructor_is_no_setting(name: str) -> None:
    """An application is made of its arguments, and looks for none of them in its configuration."""
    assert name not in SETTING_KEYS
    given: dict[str, object] = {
        "amqp": like("celery.app.amqp:AMQP"),
        "autofinalize": False,
        "backend": "cache+memory://",
        "broker": "memory://",
        "control": like("celery.app.control:Control"),
        "fixups": [],
        "loader": like("celery.loaders.app:AppLoader"),
        "set_as_current": True,
        "strict_typing": False,
        "task_cls": Patient,
    }

    def made(app: Celery) -> tuple[object, ...]:
        parts = type(app.amqp), type(app.backend), type(app.control), type(app.loader)
        broker = app.connection_for_write().transport_cls
        states = app.autofinalize, app.strict_typing, len(app.fixups), app.set_as_current
        return (*parts, broker, issubclass(app.Task, Patient), *states)

    value = given[name]
    plain = {} if name == "set_as_current" else {"set_as_current": False}
    app = Celery("shop", set_as_current=False)
    app.conf.update({name: value})
    setattr(app.conf, name, value)
    below = Celery("shop", set_as_current=False)
    below.config_from_object(SimpleNamespace(**{f"CELERY_{name.upper()}": value}), namespace="CELERY")
    assert made(app) == made(below) == made(Celery("shop", set_as_current=False))
    assert made(Celery("shop", **plain, **{name: value})) != made(app)


@pytest.mark.proof("CEL910")
@pytest.mark.parametrize("name", sorted(OPTIONS_OF_TASKS))
def test_an_option_of_tasks_is_no_setting(name: str) -> None:
    """The options of a task are what the task says, or what Celery has by itself."""
    option, default = OPTIONS_OF_TASKS[name]
    assert name not in SETTING_KEYS

    def of_a_task(**settings: object) -> str:
        app = Celery("shop", set_as_current=False)
        app.conf.update(settings)

        @app.task(name="shop.send")  # type: ignore[untyped-decorator]
        def send() -> None: ...

        return repr(getattr(send, option, None))

    assert of_a_task(**{name: 7}) == of_a_task()
    if hasattr(celery.Task, option):
        assert of_a_task() == default


@pytest.mark.proof("CEL913")
@pytest.mark.parametrize("give", [update, attribute, item, load(None)])
def test_a_name_for_a_namespace_changes_nothing_without(give: Callable[[Celery, str], None]) -> None:
    app = Celery("shop", set_as_current=False)
    give(app, "CELERY_TASK_TIME_LIMIT")
    assert app.conf.task_time_limit is None
    load("CELERY")(app, "CELERY_TASK_TIME_LIMIT")
    assert app.conf.task_time_limit == 5


@pytest.mark.proof("CEL913")
@pytest.mark.parametrize("namespace", [None, "CELERY"])
def test_django_takes_no_small_letters(monkeypatch: pytest.MonkeyPatch, namespace: str | None) -> None:
    module = ModuleType("settings_in_small_letters")
    vars(module).update(SECRET_KEY="x", task_acks_late=True, CELERY_TASK_TRACK_STARTED=True)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    settings = pytest.importorskip("django.conf").Settings(module.__name__)
    app = Celery("shop", set_as_current=False)
    app.config_from_object(settings, namespace=namespace)
    assert app.conf.task_acks_late is False
    if namespace:
        assert app.conf.task_track_started is True


@pytest.mark.parametrize("give", [update, attribute, item])
@pytest.mark.parametrize("namespace", ["CELERY", "QUEUE"])
@pytest.mark.parametrize("before", [True, False])
def test_a_name_below_the_namespace_counts_by_hand(
    give: Callable[[Celery, str], None], namespace: str, before: bool
) -> None:
    for name in (*NAMES, "QUEUE_TASK_TIME_LIMIT"):
        app = Celery("shop", set_as_current=False)
        if before:
            give(app, name)
        app.config_from_object(SimpleNamespace(), namespace=namespace)
        if not before:
            give(app, name)
        assert (app.conf.task_time_limit == 5) == (name in spellings("task_time_limit", namespace))


@pytest.mark.parametrize("by_attribute", [True, False])
@pytest.mark.parametrize("name", [*NAMES, "QUEUE_TASK_TIME_LIMIT"])
def test_the_namespace_of_the_application_holds_for_what_it_loads(name: str, by_attribute: bool) -> None:
    app = Celery("shop", set_as_current=False, namespace=None if by_attribute else "CELERY")
    if by_attribute:
        app.namespace = "CELERY"
    app.config_from_object(SimpleNamespace(**{name: 5}))
    assert (app.conf.task_time_limit == 5) == (name in spellings("task_time_limit", "CELERY"))


@pytest.mark.proof("CEL911")
def test_old_names_beside_new_ones_are_refused() -> None:
    app = Celery("shop", set_as_current=False)
    app.config_from_object(SimpleNamespace(CELERYD_TASK_TIME_LIMIT=5, task_soft_time_limit=4))
    with pytest.raises(ImproperlyConfigured, match="CELERYD_TASK_TIME_LIMIT"):
        app.conf.finalize()
    other = Celery("shop", set_as_current=False)
    other.config_from_object(SimpleNamespace(task_time_limit=5, task_soft_time_limit=4))
    assert other.conf.task_time_limit == 5


@pytest.mark.proof("CEL911")
def test_old_names_that_are_handed_over_are_refused_beside_new_ones() -> None:
    """As of what is loaded, where nothing is; and what the constructor is given does not count."""
    handed = {"CELERY_RESULT_BACKEND": "redis://", "DEBUG": True}
    app = Celery("shop", set_as_current=False)
    app.conf.update(handed)
    app.conf.task_time_limit = 5
    with pytest.raises(ImproperlyConfigured, match="CELERY_RESULT_BACKEND"):
        app.finalize()
    alone = Celery("shop", set_as_current=False, broker="memory://", task_time_limit=5)
    alone.conf.update(handed)
    assert alone.conf.result_backend == "redis://"
    asked = Celery("shop", set_as_current=False, broker="memory://")
    assert asked.conf.broker_url == "memory://"
    asked.conf.update(handed)
    asked.conf.task_time_limit = 5
    assert asked.conf.task_time_limit == 5


def test_the_table_of_settings_is_that_of_the_installed_celery() -> None:
    if celery.__version__ != VERSION:
        assert set(SETTING_KEYS) & set(SETTINGS), "another version of Celery knows other settings"
        return
    assert celery_settings.TABLE.read_text(encoding="utf-8") == celery_settings.table()
