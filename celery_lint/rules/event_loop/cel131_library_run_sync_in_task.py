"""CEL131 library-run-sync-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.handing_over import HandingOver, LibraryRun
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class LibraryRunSyncInTask(Rule):
    """A task calls a library's `run_sync`, which runs the event loop of the task's thread.

    ## Why it matters

    `Agent.run_sync` of pydantic-ai and `Runner.run_sync` of the OpenAI Agents SDK run a coroutine on the
    current event loop of the thread. Under gevent and eventlet all tasks share one thread: of 20 tasks sent
    at once, 19 failed with *This event loop is already running*. In the threads pool every thread has its own
    loop and all of them share the agent's HTTP client, whose connections belong to one of them: of 20 tasks
    4 and 11 failed with *is bound to a different event loop*. In prefork and solo workers it works.

    ## Example

    ```python
    from celery import Celery
    from pydantic_ai import Agent

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")
    agent = Agent("openai:gpt-4o")


    @app.task(time_limit=60)
    def summarise(text):
        return agent.run_sync(text).output
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery_lint.runtime import run_async
    from pydantic_ai import Agent

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")
    agent = Agent("openai:gpt-4o")


    @app.task(time_limit=60)
    def summarise(text):
        return run_async(agent.run(text)).output
    ```

    ## Limits

    Speaks only where the worker pool is known to be gevent, eventlet or threads; in the threads pool of
    agents that a module holds. Other libraries are not known.

    ## References

    * <https://github.com/pydantic/pydantic-ai/issues/3240>
    * <https://openai.github.io/openai-agents-python/running_agents/>
    """

    code = "CEL131"
    name = "library-run-sync-in-task"
    severity = "warning"
    preset = "recommended"
    message = "`{runner}()` raises RuntimeError once {pool} tasks overlap ({where})"
    help = "await the library's own coroutine on one event loop per worker process"
    variants = {
        "threads": (
            "`{runner}()` in threads: `is bound to a different event loop` ({where})",
            "await the library's own coroutine on one event loop per worker process",
        ),
    }

    @on(HandingOver.library_runs)
    def check(self, run: LibraryRun) -> Iterator[Finding]:
        """Report each call."""
        tasks = [way.task for way in run.reached]
        green = self.known.of(Workers).running(("gevent", "eventlet"), tasks)
        threads = self.known.of(Workers).running(("threads",), tasks)
        place = run.module.place(run.call.span)
        if green is not None:
            yield Finding(place, {"runner": run.name, "pool": green.name, "where": green.where})
        elif threads is not None and run.shared:
            yield Finding(place, {"runner": run.name, "where": threads.where}, (), "threads")
