"""CEL430 log-and-reraise."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.swallowing import LoggedTwice, Swallowing
from celery_lint.rule import Finding, Rule, on


class LogAndReraise(Rule):
    """A handler logs an exception and raises it again, into another handler that does the same.

    ## Why it matters

    One failure is told once for each layer, and once more by the worker, which logs every exception that
    leaves a task with its traceback. Whoever reads the log, or counts its errors, sees several.

    ## Example

    ```python
    import logging

    from celery import shared_task

    logger = logging.getLogger(__name__)


    @shared_task(soft_time_limit=50, time_limit=60)
    def load(texts):
        try:
            for text in texts:
                try:
                    int(text)
                except ValueError:
                    raise
                except Exception as error:
                    logger.error("bad text: %s", error)
                    raise
        except Exception as error:
            logger.error("load failed: %s", error)
            raise
    ```

    ## Use instead

    ```python
    import logging

    from celery import shared_task

    logger = logging.getLogger(__name__)


    @shared_task(soft_time_limit=50, time_limit=60)
    def load(texts):
        try:
            for text in texts:
                int(text)
        except Exception as error:
            logger.error("load failed: %s", error)
            raise
    ```

    ## Limits

    Handlers of every ordinary exception that do nothing but log and raise again, nested in one function, or
    in a coroutine and in the task that runs it. One such handler alone is silent.
    """

    code = "CEL430"
    name = "log-and-reraise"
    severity = "advice"
    preset = "all"
    message = "this exception is logged again by the next handler, and once more by the worker"
    help = "log it in one place, with all that is known there"
    proof = "convention"

    @on(Swallowing.logged_twice)
    def check(self, fact: LoggedTwice) -> Iterator[Finding]:
        """Report the inner handler."""
        related = ((fact.outer, "it is logged again here"),)
        yield Finding(fact.body.place(fact.step), {}, related)
