"""What Celery, kombu and brokers know of a message, by the keyword that sets it."""

from __future__ import annotations

#: What `Task.apply_async` and `Celery.send_task` take, and what they hand on to kombu's `Producer.publish`.
#: https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.apply_async
MESSAGE_OPTIONS = frozenset(
    {
        "add_to_parent",
        "args",
        "argsrepr",
        "body",
        "chain",
        "chord",
        "compression",
        "confirm_timeout",
        "connection",
        "content_encoding",
        "content_type",
        "correlation_id",
        "countdown",
        "declare",
        "delivery_mode",
        "eta",
        "exchange",
        "exchange_type",
        "expiration",
        "expires",
        "group_id",
        "group_index",
        "headers",
        "ignore_result",
        "immediate",
        "kwargs",
        "kwargsrepr",
        "link",
        "link_error",
        "mandatory",
        "name",
        "now",
        "origin",
        "parent_id",
        "priority",
        "producer",
        "publisher",
        "queue",
        "replaced_task_nesting",
        "reply_to",
        "result_cls",
        "retries",
        "retry",
        "retry_policy",
        "root_id",
        "route_name",
        "router",
        "routing_key",
        "serializer",
        "shadow",
        "soft_time_limit",
        "stamped_headers",
        "task_id",
        "task_type",
        "time_limit",
        "timeout",
        "timezone",
    }
)
#: What a message of AMQP has besides, and what other brokers look at.
MESSAGE_PROPERTIES = frozenset(
    {
        "app_id",
        "application_headers",
        "cluster_id",
        "message_id",
        "timestamp",
        "type",
        "user_id",
        "DelaySeconds",
        "MessageAttributes",
        "MessageDeduplicationId",
        "MessageGroupId",
        "ordering_key",
    }
)
#: What `Task.retry` takes for itself.
RETRY_OPTIONS = frozenset({"exc", "max_retries", "throw"})
#: What `chord.run` takes of the options that a chord is sent with, for the task that waits for its header.
CHORD_OPTIONS = frozenset({"app", "countdown", "eager", "interval", "max_retries"})
