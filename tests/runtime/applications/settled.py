"""Tasks of an application with recommended settings, for workers of pools that they are made for or not."""

from __future__ import annotations

import os
import signal
import time

import application

from celery_lint.runtime.application import make_app

POOL = os.environ["SETTINGS_POOL"]
conf = application.app.conf
app = make_app(
    "settled",
    conf.broker_url,
    conf.result_backend,
    pool=POOL,
    task_default_queue=conf.task_default_queue,
    broker_transport_options=conf.broker_transport_options,
    result_backend_transport_options=conf.result_backend_transport_options,
)
if "SETTINGS_WORKER_POOL" in os.environ:  # as others may set it, elsewhere
    app.conf.worker_pool = os.environ["SETTINGS_WORKER_POOL"]
app.task(application.ping.run, name="application.ping")


@app.task
def quick() -> int:
    return 1


@app.task(time_limit=2)
def hasty() -> str:
    time.sleep(4)
    return "not ended"


@app.task(max_retries=2, default_retry_delay=0)
def dies() -> None:
    application.mark(f"died {time.monotonic_ns()}")
    os.kill(os.getpid(), signal.SIGKILL)
