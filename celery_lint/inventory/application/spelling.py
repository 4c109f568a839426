"""How a setting of Celery may be spelled, by the place where it is given.

Tried on Celery 5.7 (``tests/proofs/test_settings.py``): today's lower-case name and the older upper-case one
count everywhere. Below a namespace, and only there, the name counts with the namespace before it, in upper
case if the namespace is. An upper-case name without a namespace (``TASK_TIME_LIMIT``) counts nowhere.
"""

from __future__ import annotations

# Where the old name is more than `CELERY_` and the rest of today's.
# https://docs.celeryq.dev/en/stable/userguide/configuration.html#new-lowercase-settings
_OLD_NAMES = {
    "task_time_limit": "CELERYD_TASK_TIME_LIMIT",
    "task_soft_time_limit": "CELERYD_TASK_SOFT_TIME_LIMIT",
    "task_serializer": "CELERY_TASK_SERIALIZER",
    "task_protocol": "CELERY_TASK_PROTOCOL",
    "task_publish_retry": "CELERY_TASK_PUBLISH_RETRY",
    "task_publish_retry_policy": "CELERY_TASK_PUBLISH_RETRY_POLICY",
    "task_compression": "CELERY_MESSAGE_COMPRESSION",
    "task_eager_propagates": "CELERY_EAGER_PROPAGATES_EXCEPTIONS",
    "task_send_sent_event": "CELERY_SEND_TASK_SENT_EVENT",
    "result_expires": "CELERY_TASK_RESULT_EXPIRES",
    "result_cache_max": "CELERY_MAX_CACHED_RESULTS",
    "result_accept_content": "RESULT_ACCEPT_CONTENT",
    "enable_utc": "ENABLE_UTC",
    "worker_direct": "CELERY_WORKER_DIRECT",
    "worker_disable_rate_limits": "CELERY_DISABLE_RATE_LIMITS",
    "worker_enable_remote_control": "CELERY_ENABLE_REMOTE_CONTROL",
    "worker_lost_wait": "CELERYD_WORKER_LOST_WAIT",
    "worker_redirect_stdouts": "CELERY_REDIRECT_STDOUTS",
    "worker_redirect_stdouts_level": "CELERY_REDIRECT_STDOUTS_LEVEL",
    "worker_send_task_events": "CELERY_SEND_EVENTS",
}
_OLD_PREFIXES = {"task_": "CELERY_", "worker_": "CELERYD_", "beat_": "CELERYBEAT_", "broker_": "BROKER_"}


def old_name(name: str) -> str:
    """The older upper-case name of a setting."""
    if name in _OLD_NAMES:
        return _OLD_NAMES[name]
    for prefix, old in _OLD_PREFIXES.items():
        if name.startswith(prefix):
            return old + name.removeprefix(prefix).upper()
    return f"CELERY_{name.upper()}"


def spellings(name: str, namespace: str | None) -> tuple[str, ...]:
    """What a setting may be called in a source that is loaded below this namespace, or without one."""
    plain = (name, old_name(name))
    if not namespace:
        return plain
    prefix = namespace if namespace.endswith("_") else f"{namespace}_"
    return (prefix + (name.upper() if prefix.isupper() else name), *plain)
