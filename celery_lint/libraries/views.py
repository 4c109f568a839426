"""What web frameworks call their applications, and decorators of views, which hand back no task."""

from __future__ import annotations

#: Applications for web servers, which no worker can run.
WEB_APPLICATIONS = frozenset(
    {"fastapi.FastAPI()", "flask.Flask()", "quart.Quart()", "starlette.applications.Starlette()"}
)
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
#: Decorators among them that only wrap a view: somebody else registers it.
WRAPPING_VIEWS = (
    "rest_framework.decorators.",
    "django.views.decorators.",
    "django.contrib.auth.decorators.",
    "django.db.transaction.atomic",
)
#: The same for classes of views.
WRAPPING_CLASSES = ("django.utils.decorators.method_decorator",)
#: Bases of classes of views, whose methods are called where a route names the class.
VIEW_CLASSES = (
    "django.views.generic.",
    "django.views.View",
    "django.contrib.auth.mixins.",
    "rest_framework.views.APIView",
    "rest_framework.viewsets.",
    "rest_framework.generics.",
    "rest_framework.mixins.",
    "flask.views.",
    "flask_restful.Resource",
)
#: What a decorated function stays a function under, without methods.
KEEPING_FUNCTIONS = (
    *VIEW_DECORATORS,
    "django.contrib.auth.decorators.",
    "django.db.transaction.atomic",
    "django.dispatch.receiver",
)
