"""CEL738 signal-receiver-lost."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.lost_receivers import LostReceiver, LostReceivers
from celery_lint.rule import Cause, Finding, Rule, on


class SignalReceiverLost(Rule):
    """A receiver of a signal that is collected before Celery sends the signal.

    ## Why it matters

    `connect` keeps a weak reference to what it connects. A function that is defined in another function is
    gone when that ends, a lambda or a `partial` at once: the receiver never runs, and nothing says so. The
    engine is not disposed after the fork, the schedule stays empty, failures are not counted.

    ## Example

    ```python
    from celery.signals import worker_process_init


    def install(engine):
        @worker_process_init.connect
        def forget_connections(**kwargs):
            engine.dispose(close=False)


    install(None)
    ```

    ## Use instead

    ```python
    from celery.signals import worker_process_init


    def install(engine):
        @worker_process_init.connect(weak=False)
        def forget_connections(**kwargs):
            engine.dispose(close=False)


    install(None)
    ```

    ## Limits

    Knows the signals of `celery.signals`, and those of an application: `on_configure`, `on_after_configure`,
    `on_after_finalize` and `on_after_fork`. Speaks of a function that is defined in another one and only
    connected there, of a lambda, and of a `partial` or a method of a new object that is given to `connect`.
    Silent

    * where `weak` or `retry` has a value that is not plain, or a second decorator may keep the function;
    * where the outer function returns it, stores it, hands it on or names it in another function, is a
      generator, a coroutine or a task, or looks at its own variables by `locals()`;
    * where the outer function may bring the signal itself: it starts a worker or something that stays, sends
      a task (for signals of tasks), or asks an application for its configuration, its tasks or anything that
      is not known (for signals of an application; `conf.update()`, `conf.x = …` and `autodiscover_tasks()`
      ask for nothing);
    * where it only adds entries that the schedule in the settings holds as well;
    * where nothing in the product calls the outer function, or only what nobody calls, or what stands under
      `if __name__ == "__main__":` and starts no worker, and no framework calls it (`AppConfig.ready`, a
      decorator).

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/signals.html#basics>
    * <https://docs.celeryq.dev/en/stable/reference/celery.utils.dispatch.signal.html>
    """

    code = "CEL738"
    name = "signal-receiver-lost"
    severity = "error"
    preset = "recommended"
    fixable = "unsafe"
    message = "`{name}` is gone when `{function}` ends: `{signal}` never calls it"
    help = "write `.connect(weak=False)`, or define it at the top of the module"
    variants = {
        "made": (
            "nothing keeps `{name}` that is connected here: `{signal}` never calls it",
            "add `weak=False` to the call, or connect a function of the module",
        ),
    }
    proof = "tests/proofs/test_wiring.py::test_a_receiver_that_nobody_keeps_never_runs"

    @on(LostReceivers.all)
    def check(self, lost: LostReceiver) -> Iterator[Finding]:
        """Report what connects it, pointing at the function that it is gone with."""
        values = {"name": lost.name, "function": lost.function, "signal": lost.signal}
        if lost.ends is None:
            yield Finding(lost.place, values, (), "made", fix=())
        else:
            related = ((lost.ends, "it is gone when this ends"),)
            # One edit may mend all that a function connects: to take it apart, or to keep what it makes.
            yield Finding(lost.place, values, related, fix=(), cause=Cause(lost.ends))
