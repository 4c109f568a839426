"""One name of a list stands for others: with them a fixture says the same, and with no other word.

The programs are those of fixtures, which show what a name means; the names are those that no fixture has. One
that is lost is missed here.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from tests.fixture_corpus import FOLDER

#: A fixture and a name in it, and the names that may stand there.
INSTEAD = {
    ("CEL110/bound_driver_named_where_the_engine_is_made", "asyncpg"): "aioodbc",
    ("CEL111/pool_that_awaits", "celery_aio_pool"): "aio_celery celery_asyncio_pool celery_pool_asyncio",
    ("CEL116/dropped_and_returned", "asyncio.sleep"): "asyncio.create_subprocess_shell",
    ("CEL124/functions_for_coroutines", "asyncio.create_task"): "asyncio.shield",
    ("CEL125/handlers_and_hooks", "on_after_configure"): "on_configure on_after_fork",
    ("CEL127/waited_for", "gather"): "create_task_group start_soon",
    ("CEL214/connects_at_import_or_before_the_fork", "create_all"): "drop_all reflect",
    # A signal of celery that the worker sends before it forks.
    ("CEL214/connects_at_import_or_before_the_fork", "worker_init"): "celeryd_after_setup",
    ("CEL218/ended_in_attributes", "close"): "invalidate",
    ("CEL220/one_each", "Lock"): "CapacityLimiter",
    ("CEL223/application_made_elsewhere", "worker_prefetch_multiplier"): "worker_disable_prefetch",
    ("CEL224/joined_or_stopped", "queue.Queue"): "threading.Condition queue.SimpleQueue",
    ("CEL230/goes_on_after", "flush"): "bulk_insert_mappings bulk_save_objects",
    ("CEL230/sessions_of_objects", "execute"): "stream_scalars",
    ("CEL233/keyed_by_the_loop", "clear"): "popitem",
    ("CEL235/left_behind", "pandas"): "geopandas polars",
    ("CEL235/opened_or_not", "close"): "expire_all expunge",
    ("CEL321/kept_apart", "__init__"): "__new__",
    ("CEL411/in_a_coroutine", "Exception"): "CeleryError",
    ("CEL411/handler_lets_the_signal_go_on", "Retry"): "TaskPredicate",
    ("CEL423/failure_passed_over", "error"): "print_exception",
    ("CEL427/handler_does_not_go_on", "fail"): "raise_with reraise",
    ("CEL431/always_the_same_text", "Exception"): "ArithmeticError",
    ("CEL431/made_again_as_it_was", "__reduce__"): "__getnewargs__ __reduce_ex__ __setstate__",
    ("CEL434/types_that_json_takes", "__json__"): "__getattribute__",
    ("CEL438/only_the_log_is_told", "logging"): "loguru",
    ("CEL438/signals", "task_postrun"): "task_received",
    ("CEL517/delayed_for_too_long", "days"): "weeks",
    ("CEL518/rabbitmq", "amqp"): "amqps librabbitmq pyamqp",
    ("CEL528/key_with_an_end", "ex"): "keepttl",
    ("CEL528/key_with_an_end", "expire"): "evalsha psetex",
    ("CEL619/refused", "filter"): "annotate defer distinct prefetch_related reverse select_related",
    ("CEL619/refused", "first"): "earliest",
    ("CEL626/committed_at_the_end", "add"): "add_all",
}  # fmt: skip
NOBODYS = "nobodys"

Said = list[tuple[str, int, str]]


def said(case: str, name: str, other: str, folder: Path) -> Said:
    """What is said of a fixture in which one name stands for another: file, line, code."""
    shutil.copytree(FOLDER / case, folder)
    pattern = re.compile(rf"\b{re.escape(name)}\b")
    for path in folder.rglob("*.py") if name else ():
        path.write_text(pattern.sub(other, path.read_text(encoding="utf-8")), encoding="utf-8")
    report = engine.check_paths([str(folder)], load(str(folder), {"cache": False, "preset": "all"}))
    assert not report.unparsed
    return sorted((Path(d.path).name, d.line, d.code) for d in report.diagnostics)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """What is said of the fixtures as they are."""
    around = tmp_path_factory.mktemp("plain")
    return {
        case: said(case, "", "", around / case.replace("/", "-")) for case in {case for case, _ in INSTEAD}
    }


@pytest.mark.parametrize("case, name", INSTEAD, ids=lambda each: each)
def test_names_in_the_place_of_another(case: str, name: str, plain: dict[str, Said], tmp_path: Path) -> None:
    nobodys = f"{name.rpartition('.')[0]}.{NOBODYS}".lstrip(".")  # what is bound nowhere ends the function
    assert said(case, name, nobodys, tmp_path / NOBODYS) != plain[case], "the name decides nothing there"
    for other in INSTEAD[case, name].split():
        assert said(case, name, other, tmp_path / other) == plain[case], other
