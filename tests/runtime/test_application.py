"""Settings that suit the pool, and that Celery knows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery.app.defaults import DEFAULTS

from celery_lint.runtime.application import POOLS, make_app, recommended_settings
from tests.processes import run
from tests.proofs.harness import Worker

if TYPE_CHECKING:
    from tests.proofs.harness import Servers


@pytest.mark.parametrize("pool", POOLS)
def test_celery_knows_every_setting(pool: str) -> None:
    assert set(recommended_settings(pool)) <= set(DEFAULTS)


def test_limits_that_the_pool_enforces_and_no_others() -> None:
    limits = {
        pool: {name for name in recommended_settings(pool) if name.endswith("time_limit")} for pool in POOLS
    }
    assert limits == {
        "prefork": {"task_time_limit", "task_soft_time_limit"},
        "gevent": {"task_time_limit"},
        "eventlet": set(),
        "threads": set(),
        "solo": set(),
    }
    settings = recommended_settings("prefork", time_limit=120)
    assert settings["task_soft_time_limit"] < settings["task_time_limit"] == 120


@pytest.mark.parametrize(
    "broker",
    [
        *("redis", "rediss", "sqs", "SQS", "sentinel"),
        *("redis://host/0", "redis+socket:///run/redis.sock", "rediss://u:p@host:1/0?ssl_cert_reqs=none"),
        *("sentinel://a:26379;sentinel://b:26379", "sqs://"),
    ],
)
def test_the_broker_waits_longer_than_a_task_may_run(broker: str) -> None:
    options = recommended_settings(time_limit=7200, broker=broker)["broker_transport_options"]
    assert options["visibility_timeout"] > 7200
    app = make_app("shop", broker if "//" in broker else f"{broker}://", time_limit=7200)
    assert app.conf.broker_transport_options == options


def test_other_brokers_get_no_options_of_redis() -> None:
    assert "broker_transport_options" not in recommended_settings(broker="amqp")
    assert "broker_transport_options" not in recommended_settings(broker="amqps://guest@host//")
    assert "socket_timeout" not in recommended_settings(broker="sqs")["broker_transport_options"]


def test_what_depends_on_an_overridden_setting_follows_it() -> None:
    conf = make_app("shop", "redis://", task_time_limit=7200).conf
    assert conf.task_soft_time_limit == 7170
    assert conf.broker_transport_options["visibility_timeout"] == 14400
    conf = make_app("shop", "redis://", task_time_limit=60, task_soft_time_limit=50).conf
    assert (conf.task_time_limit, conf.task_soft_time_limit) == (60, 50)
    own = {"global_keyprefix": "shop:", "socket_timeout": 3}
    options = make_app("shop", "redis://", broker_transport_options=own).conf.broker_transport_options
    assert options == {"visibility_timeout": 3600, "socket_connect_timeout": 5.0, **own}
    assert make_app("shop", "amqp://", broker_transport_options=own).conf.broker_transport_options == own
    conf = make_app("shop", "redis://", result_backend_transport_options={"global_keyprefix": "shop:"}).conf
    assert set(conf.result_backend_transport_options) == {"retry_policy", "global_keyprefix"}
    # No limit at all: the task may run for ever, and the visibility timeout is the caller's.
    conf = make_app("shop", "redis://", task_time_limit=None, task_soft_time_limit=None).conf
    assert conf.broker_transport_options["visibility_timeout"] == 3600


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"task_time_limit": 20}, "leaves no time to clean up"),
        ({"task_time_limit": 100, "task_soft_time_limit": 100}, "which is not enforced"),
        ({"task_soft_time_limit": 500}, "not below task_time_limit=300"),
        ({"broker_transport_options": {"visibility_timeout": 60}}, "deliver it twice"),
        ({"worker_pool": "gevent"}, "not the pool of the other settings: 'prefork'"),
        ({"worker_pool": "gevent", "pool": "gevent"}, "not the pool of the other settings"),
        ({"worker_pool": "solo", "pool": "threads"}, "not the pool of the other settings"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_app("shop", "redis://", **settings)


def test_celery_forbids_to_set_a_green_pool() -> None:
    assert {pool for pool in POOLS if "worker_pool" in recommended_settings(pool)} == {
        "prefork",
        "threads",
        "solo",
    }


def test_a_lost_process_is_counted_or_ends_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = recommended_settings("prefork")
    if "task_retry_on_worker_lost" in DEFAULTS:
        assert settings["task_retry_on_worker_lost"] is True
        assert settings["task_reject_on_worker_lost"] is True, "only if the retry cannot be sent"
    else:
        assert settings["task_reject_on_worker_lost"] is False
    assert "task_reject_on_worker_lost" not in recommended_settings("gevent")


def test_the_application() -> None:
    app = make_app("shop", "redis://localhost/1", pool="threads", result_expires=60)
    assert app.main == "shop"
    assert app.conf.broker_url == "redis://localhost/1"
    assert app.conf.worker_pool == "threads"
    assert app.conf.result_expires == 60
    assert app.conf.task_time_limit is None
    assert app.conf.task_acks_late


def test_what_would_be_ignored_is_refused() -> None:
    with pytest.raises(ValueError, match="Celery has no setting 'task_default_retry_delay'"):
        make_app("shop", "redis://", task_default_retry_delay=60)
    with pytest.raises(ValueError, match="unknown pool 'processes'"):
        recommended_settings("processes")
    with pytest.raises(ValueError, match="to clean up"):
        recommended_settings(time_limit=10)


# ------------------------------------------------------------------------------------ on workers

APPLICATIONS = Path(__file__).parent / "applications"
DEADLINE = 120.0


def test_a_worker_says_what_does_not_fit_its_pool(servers: Servers) -> None:
    prefork = {"SETTINGS_POOL": "prefork"}
    with Worker("settled", "threads", servers, folder=APPLICATIONS, environment=prefork) as worker:
        for said in (
            "the settings are for the prefork pool, and this worker runs threads",
            "task_time_limit=300: the threads pool does not enforce it",
            "task_soft_time_limit=270: the threads pool does not enforce it",
        ):
            assert said in worker.log()
    with Worker("settled", "prefork", servers, folder=APPLICATIONS, environment=prefork) as worker:
        assert (
            "settled.hasty: its time_limit of 2 s is not enforced, for its soft limit is 270 s"
            in worker.log()
        )
        assert "this worker runs" not in worker.log()
        assert "settled.dies" not in worker.log()
        # And so it is: sent by name, for Celery refuses to send what it can see.
        assert worker.run("hasty", settle=0, hung=DEADLINE).succeeded == 1
    for pool in ("solo", "threads"):
        with Worker(
            "settled", pool, servers, folder=APPLICATIONS, environment={"SETTINGS_POOL": pool}
        ) as worker:
            assert "the settings are for" not in worker.log()
            assert "does not enforce" not in worker.log()
    pytest.importorskip("gevent")
    no_limit = {"SETTINGS_POOL": "solo"}
    with Worker("settled", "gevent", servers, folder=APPLICATIONS, environment=no_limit) as worker:
        assert "no task_time_limit: the settings are for the solo pool, which enforces none" in worker.log()


@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_a_green_pool_in_which_nothing_is_patched_ends(pool: str, servers: Servers, tmp_path: Path) -> None:
    """Before, it said that it was ready, took tasks and ran none."""
    pytest.importorskip(pool)
    worker = Worker("settled", pool, servers, folder=APPLICATIONS)
    worker.marks_folder = tmp_path
    arguments = [word for word in worker._arguments() if word not in ("-P", pool)]
    done = run(
        [sys.executable, "-m", "celery", *arguments],
        environment={**worker._variables(), "SETTINGS_POOL": pool, "SETTINGS_WORKER_POOL": pool},
        cwd=tmp_path,
    )
    assert done.code == 1, done
    assert f"the {pool} pool would run no task" in done.out + done.err
    with Worker("settled", pool, servers, folder=APPLICATIONS, environment={"SETTINGS_POOL": pool}) as worker:
        assert worker.run("quick", times=20, settle=0, hung=DEADLINE).all_succeeded()
        assert "the settings are for" not in worker.log()


def test_a_task_that_kills_its_process_ends(servers: Servers) -> None:
    """Before, its message was delivered for ever."""
    limit = 2 if "task_retry_on_worker_lost" in DEFAULTS else 0
    prefork = {"SETTINGS_POOL": "prefork"}
    with Worker("settled", "prefork", servers, folder=APPLICATIONS, environment=prefork) as worker:
        outcome = worker.run("dies", settle=0, hung=DEADLINE)
        assert outcome.failed_only_with("WorkerLostError: .*")
        assert len([name for name in worker.marks() if name.startswith("died")]) == 1 + limit
        assert worker.run("quick", settle=0, hung=DEADLINE).all_succeeded()
