"""Settings that suit the pool, and that Celery knows."""

from __future__ import annotations

import pytest
from celery import Celery

from celery_lint.runtime.application import POOLS, make_app, recommended_settings


@pytest.mark.parametrize("pool", POOLS)
def test_celery_knows_every_setting(pool: str) -> None:
    assert set(recommended_settings(pool)) <= set(Celery().conf)


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


def test_the_broker_waits_longer_than_a_task_may_run() -> None:
    for scheme in ("redis", "rediss", "sqs"):
        options = recommended_settings(time_limit=7200, broker=scheme)["broker_transport_options"]
        assert options["visibility_timeout"] > 7200
    assert "broker_transport_options" not in recommended_settings(broker="amqp")


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
