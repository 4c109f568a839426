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
#: Bases of classes of views, which a route names.
VIEW_CLASSES = (
    "django.views.generic.",
    "django.views.View",
    "rest_framework.views.APIView",
    "rest_framework.viewsets.",
    "rest_framework.generics.",
    "flask.views.",
    "flask_restful.Resource",
)
#: What such a class may derive from besides.
VIEW_MIXINS = ("builtins.object", "django.contrib.auth.mixins.", "rest_framework.mixins.")
#: What a decorated function stays a function under, without methods.
KEEPING_FUNCTIONS = (
    *VIEW_DECORATORS,
    "django.contrib.auth.decorators.",
    "django.db.transaction.atomic",
    "django.dispatch.receiver",
)
