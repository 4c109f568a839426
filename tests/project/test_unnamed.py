"""Views that no route names, and classes that nothing names: what they are, and what may lead to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

PROJECT = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "shop/__init__.py": "",
    "shop/tasks.py": """from celery import Celery

app = Celery("shop")


def deliver(order):
    print(order)
""",
    "shop/urls.py": "from shop import views\n\nurlpatterns = [views.home]\n",
}
HEAD = "from shop.tasks import deliver\n\n\ndef home(request):\n    return 1\n\n\n"
METHOD = "    def post(self, request):\n        deliver.delay(request.data)\n"
CLASS = f"class SellOrders({{}}):\n{METHOD}"
FUNCTION = "def sell_orders(request):\n    deliver.delay(request.POST)\n"
APIVIEW = f"from rest_framework.views import APIView\n{HEAD}{CLASS.format('APIView')}"


def speaks(folder: Path, files: dict[str, str]) -> bool:
    """Whether something may come to the view."""
    for name, text in {**PROJECT, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL666"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    ("imports", "bases"),
    [
        ("from django.views import View", "View"),
        ("from django.views.generic import TemplateView", "TemplateView"),
        ("from django.views.generic.edit import FormView", "FormView"),
        ("from rest_framework import views", "views.APIView"),
        ("from rest_framework import viewsets", "viewsets.GenericViewSet"),
        ("from rest_framework import mixins, viewsets", "mixins.CreateModelMixin, viewsets.GenericViewSet"),
        ("from rest_framework.generics import CreateAPIView", "CreateAPIView"),
        ("from flask.views import MethodView", "MethodView"),
        ("from flask_restful import Resource", "Resource"),
        (
            "from django.contrib.auth.mixins import LoginRequiredMixin as L; from django.views import View",
            "L, View",
        ),
        ("from django.views import View", "View, object"),
    ],
)
def test_classes_of_views(imports: str, bases: str, tmp_path: Path) -> None:
    views = f"{imports}\n{HEAD}{CLASS.format(bases)}"
    assert not speaks(tmp_path, {"shop/views.py": views})


@pytest.mark.parametrize(
    "text",
    [
        FUNCTION,
        f"@login_required\n{FUNCTION}",
        f"@csrf_exempt\n{FUNCTION}",
        f"@api_view(['POST'])\n{FUNCTION}",
        f"@transaction.atomic\n@login_required\n{FUNCTION}",
        f"@method_decorator(csrf_exempt, name='dispatch')\nclass SellOrders(View):\n{METHOD}",
    ],
)
def test_wrapped_views(text: str, tmp_path: Path) -> None:
    head = (
        "from django.contrib.auth.decorators import login_required\n"
        "from django.db import transaction\n"
        "from django.utils.decorators import method_decorator\n"
        "from django.views import View\n"
        "from django.views.decorators.csrf import csrf_exempt\n"
        "from rest_framework.decorators import api_view\n"
    )
    assert not speaks(tmp_path, {"shop/views.py": f"{head}{HEAD}{text}"})


@pytest.mark.parametrize(
    "text",
    [
        FUNCTION.replace("sell_orders", "on_order"),
        f"@register\n{FUNCTION}",
        f"@app.route('/')\n{FUNCTION}",
        f"from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route('/')\n{FUNCTION}",
        f"@register\n{CLASS.format('APIView')}",
        CLASS.format("Unknown"),
        CLASS.format("APIView, Unknown"),
        CLASS.format("Told, APIView"),
        f"{CLASS.format('APIView')}\n\nclass MoreOrders(SellOrders):\n    pass\n",
        f"{CLASS.format('APIView')}\n\n__all__ = ['SellOrders']\n",
    ],
)
def test_what_is_no_view_or_may_be_registered(text: str, tmp_path: Path) -> None:
    head = (
        "from rest_framework.views import APIView\n"
        "from shop.registry import Told, Unknown, app, register\n"
        f"{HEAD}"
    )
    registry = "class Told:\n    def __init_subclass__(cls):\n        print(cls)\n"
    assert speaks(tmp_path, {"shop/views.py": head + text, "shop/registry.py": registry})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/urls.py", "from shop import views\n\nurlpatterns = [views.SellOrders]\n"),
        ("shop/urls.py", "from shop.views import SellOrders\n\nurlpatterns = [SellOrders]\n"),
        ("shop/urls.py", "urlpatterns = ['shop.views.SellOrders']\n"),
        ("shop/urls.py", "from shop import views\n\nurlpatterns = [*vars(views).values()]\n"),
        ("shop/urls.py", "from rest_framework.views import APIView\n\nurls = APIView.__subclasses__()\n"),
        (
            "shop/urls.py",
            "import importlib\nimport sys\n\nurls = vars(importlib.import_module(sys.argv[1]))\n",
        ),
        ("tests/test_views.py", "from shop.views import SellOrders\n\nprint(SellOrders)\n"),
        ("README.md", "`SellOrders` is where orders come in.\n"),
    ],
)
def test_what_may_lead_to_a_view(path: str, text: str, tmp_path: Path) -> None:
    assert not speaks(tmp_path / "without", {"shop/views.py": APIVIEW})
    assert speaks(tmp_path / "with", {"shop/views.py": APIVIEW, path: text})


SERVICE = """from django.db import transaction

from shop.tasks import deliver


class OrderService:
    @staticmethod
    @transaction.atomic
    def sell():
        deliver.delay(1)


def count():
    return 1
"""
IMPORT = "from shop.orders import OrderService\n"
LEFT = {
    "shop/orders.py": SERVICE,
    "shop/views.py": "from shop.orders import count\n\n\ndef home(request):\n    return count()\n",
    "shop/views_public.py": f"{IMPORT}\n\ndef sold():\n    OrderService.sell()\n",
    "shop/a.py": "",
    "shop/b.py": "",
}


def test_a_class_that_only_a_module_uses_which_nothing_imports(tmp_path: Path) -> None:
    assert not speaks(tmp_path, LEFT)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/orders.py", f"{SERVICE}\n\nservice = OrderService()\n"),
        ("shop/orders.py", f"{SERVICE}\n\n__all__ = ['OrderService']\n"),
        ("shop/orders.py", SERVICE.replace("OrderService", "OrderService(Unknown)")),
        ("shop/views.py", "from shop.orders import OrderService\n\n\ndef home():\n    OrderService.sell()\n"),
        ("shop/urls.py", "from shop import views, views_public\n\nurlpatterns = [views.home]\n"),
        ("shop/urls.py", "from shop import views\n\nurlpatterns = [views.home, 'shop.views_public']\n"),
        ("shop/urls.py", "import importlib\n\n\ndef load(name):\n    importlib.import_module(name)\n"),
        ("README.md", "Run `python shop/views_public.py`.\n"),
        ("shop/views_public.py", f"{IMPORT}\n\ndef sold():\n    pass\n\n\nsold()\n"),
        ("shop/views_public.py", f"{IMPORT}\nif __name__ == '__main__':\n    OrderService.sell()\n"),
        ("shop/a.py", "from shop.orders import OrderService as Service\n\nService.sell()\n"),
    ],
)
def test_what_may_lead_to_a_class(path: str, text: str, tmp_path: Path) -> None:
    assert speaks(tmp_path, {**LEFT, path: text})


@pytest.mark.parametrize(("said", "expected"), [("", False), ("sell_orders", True)])
def test_a_transaction_around_a_function_tells_nobody(said: str, expected: bool, tmp_path: Path) -> None:
    head = f"from django.db import transaction\n{HEAD}"
    function = "@transaction.atomic\ndef sell_orders(order):\n    deliver.delay(order)\n"
    assert speaks(tmp_path, {"shop/views.py": head + function, "README.md": f"{said}\n"}) is expected
