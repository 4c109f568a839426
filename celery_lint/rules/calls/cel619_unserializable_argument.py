"""CEL619 unserializable-argument."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.unencodable import UnencodableArgument, UnencodableArguments
from celery_lint.rule import Finding, Rule, on


class UnserializableArgument(Rule):
    """A task is sent with something that no message in JSON can hold.

    ## Why it matters

    Arguments travel as JSON, unless a setting says otherwise. An object of a model, a request, a set, a
    `Path`, a `timedelta`, a query or an exception cannot: whoever sends the task gets
    `kombu.exceptions.EncodeError: Object of type Order is not JSON serializable`.

    ## Example

    ```python
    from django.db import models
    from celery import shared_task


    class Order(models.Model):
        pass


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order):
        print(order)


    def ordered(number):
        order = Order.objects.get(number=number)
        bill.delay(order)
    ```

    ## Use instead

    ```python
    from django.db import models
    from celery import shared_task


    class Order(models.Model):
        pass


    @shared_task(soft_time_limit=50, time_limit=60)
    def bill(order_id):
        print(Order.objects.get(pk=order_id))


    def ordered(number):
        order = Order.objects.get(number=number)
        bill.delay(order.pk)
    ```

    ## Limits

    Speaks of what is certain: literals, classes of the project and of the standard library that are called
    there, rows of Django's models, what a web framework hands to a view by its annotation, exceptions that
    were caught, and what Celery gives to `on_failure` and to receivers of `task_failure`. Celery encodes
    dates, times, UUIDs, decimals, bytes and signatures. Silent where the message may be encoded in another
    way (`serializer=`, `task_serializer`, settings that nobody can see, `register_type`, `pydantic=True`,
    `__json__`), and where tasks run eagerly.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#serializers>
    """

    code = "CEL619"
    name = "unserializable-argument"
    severity = "error"
    preset = "recommended"
    message = "`{call}` raises `EncodeError`: {what} is not JSON serializable"
    help = "send its primary key, or plain lists, strings and numbers"
    proof = "tests/proofs/test_calls.py::test_what_json_does_not_take"

    @on(UnencodableArguments.all)
    def check(self, fact: UnencodableArgument) -> Iterator[Finding]:
        """Report the value."""
        yield Finding(fact.place, {"call": f"{fact.sending.how}()", "what": fact.what})
