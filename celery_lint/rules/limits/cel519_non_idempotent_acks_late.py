"""CEL519 non-idempotent-acks-late."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.side_effects import RepeatedEffect, SideEffects
from celery_lint.rule import Finding, Rule, on


class NonIdempotentAcksLate(Rule):
    """A task that may be delivered twice does something that somebody outside notices each time.

    ## Why it matters

    With `acks_late` the message is acknowledged after the work. When the worker loses its connection to the
    broker, or the task takes longer than the broker's visibility timeout, the message is delivered again, and
    the mail is sent or the order is paid a second time.

    ## Example

    ```python
    import requests
    from celery import shared_task


    @shared_task(acks_late=True, soft_time_limit=50, time_limit=60)
    def pay(order):
        requests.post("https://bank.example/payments", json=order, timeout=5)
    ```

    ## Use instead

    ```python
    import requests
    from celery import shared_task


    @shared_task(acks_late=True, soft_time_limit=50, time_limit=60)
    def pay(order, key):
        headers = {"Idempotency-Key": key}
        requests.post("https://bank.example/payments", json=order, timeout=5, headers=headers)
    ```

    ## Limits

    Knows mails (Django, smtplib, Flask), `requests.post`, `httpx.post`, Stripe, Twilio, Slack and SendGrid,
    and looks at the task's own function only. Whether the receiver ignores a repetition cannot be seen; a
    call with `headers` or an idempotency key is left alone.

    ## References

    * <https://docs.celeryq.dev/en/stable/faq.html#should-i-use-retry-or-acks-late>
    """

    code = "CEL519"
    name = "non-idempotent-acks-late"
    severity = "advice"
    preset = "all"
    message = "`{task}` acknowledges late: after a crash it runs again and `{call}` happens twice"
    help = "send an idempotency key, or check first whether it is done already"
    proof = "convention"

    @on(SideEffects.effects)
    def check(self, fact: RepeatedEffect) -> Iterator[Finding]:
        """Report the effect."""
        if not fact.retried:
            yield Finding(fact.place, {"task": fact.task.label, "call": fact.call})
