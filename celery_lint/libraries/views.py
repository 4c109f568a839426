"""What web frameworks call the decorators of views, which hand back a function and no task."""

from __future__ import annotations

#: Makes a view of a function, or registers it as one.
VIEW_DECORATORS = (
    "rest_framework.decorators.",
    "django.views.decorators.",
    "flask.Flask().route",
    "flask.Blueprint().route",
    *(
        f"fastapi.{router}().{verb}"
        for router in ("FastAPI", "APIRouter")
        for verb in ("get", "post", "put", "patch", "delete")
    ),
)
#: What a decorated function stays a function under, without methods.
KEEPING_FUNCTIONS = (
    *VIEW_DECORATORS,
    "django.contrib.auth.decorators.",
    "django.db.transaction.atomic",
    "django.dispatch.receiver",
)
