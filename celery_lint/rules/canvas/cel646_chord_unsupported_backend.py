"""CEL646 chord-unsupported-backend."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.missing_backends import MissingBackend, MissingBackends
from celery_lint.rule import Finding, Rule, on


class ChordUnsupportedBackend(Rule):
    """A chord or the state of a result is asked of an application that keeps no results.

    ## Why it matters

    A chord counts in the result backend which of its tasks are done. Without one, and with `rpc://`, sending
    it raises `NotImplementedError: Starting chords requires a result backend to be configured`. Nor can
    anybody ask a result: `ready()` raises `AttributeError: 'DisabledBackend' object has no attribute
    '_get_task_meta_for'`, and `get()` raises `NotImplementedError: No result backend is configured`.

    ## Example

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def add(x, y):
        return x + y


    @app.task
    def show(sums):
        print(sums)


    def sums():
        chord([add.s(1, 2), add.s(3, 4)], show.s()).delay()
    ```

    ## Use instead

    ```python
    from celery import Celery, chord

    app = Celery("shop", broker="redis://localhost", backend="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def add(x, y):
        return x + y


    @app.task
    def show(sums):
        print(sums)


    def sums():
        chord([add.s(1, 2), add.s(3, 4)], show.s()).delay()
    ```

    ## Limits

    Speaks only where there is one application, its settings are all in sight, and the broker is named in the
    code as well. A chord is also what Celery makes of `group(…) | task.s()` and `chain(group(…), task.s())`.
    Celery also reads the environment variable `CELERY_RESULT_BACKEND`: that is not seen.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/canvas.html#important-notes>
    * <https://docs.celeryq.dev/en/stable/userguide/configuration.html#result-backend>
    """

    code = "CEL646"
    name = "chord-unsupported-backend"
    severity = "error"
    preset = "recommended"
    message = "no result backend: `NotImplementedError: Starting chords requires a result backend`"
    help = 'set `backend="redis://…"` on the application'
    variants = {
        "rpc": (
            '`NotImplementedError: The "rpc" result backend does not support chords!`',
            'use a backend that supports chords: `result_backend = "redis://…"`',
        ),
        "result": (
            "`{method}()` raises an error: there is no result backend (`DisabledBackend`)",
            'set `backend="redis://…"` on the application',
        ),
    }
    proof = "tests/proofs/test_calls.py::test_a_chord_needs_a_backend"

    @on(MissingBackends.all)
    def check(self, fact: MissingBackend) -> Iterator[Finding]:
        """Report the chord or question, pointing at the application or the setting."""
        variant = "result" if fact.method else "rpc" if fact.backend.kind == "rpc" else ""
        text = "this is the backend" if variant == "rpc" else "the application has no backend"
        related = ((fact.backend.place, text),) if fact.backend.place is not None else ()
        yield Finding(fact.place, {"method": fact.method}, related, variant)
