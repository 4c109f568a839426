"""What Django calls its transactions and what writes into its databases, by dotted path or last component."""

from __future__ import annotations

#: What opens a transaction, as a context manager and as a decorator.
ATOMIC = frozenset({"django.db.transaction.atomic", "django.db.transaction.Atomic"})
#: What calls a function once the transaction is committed.
ON_COMMIT = frozenset({"django.db.transaction.on_commit", "django.db.connection.on_commit"})
#: Makes a method of what decorates a function.
METHOD_DECORATOR = "django.utils.decorators.method_decorator"
#: Takes a view out of the transaction that each request has under ``ATOMIC_REQUESTS``.
NON_ATOMIC = "django.db.transaction.non_atomic_requests"
#: What classes of views derive from, and what decorates functions that are views.
VIEWS = (
    "django.contrib.auth.views.", "django.views.", "rest_framework.generics.", "rest_framework.mixins.",
    "rest_framework.views.", "rest_framework.viewsets.",
)  # fmt: skip
VIEW_DECORATORS = (
    "django.contrib.auth.decorators.", "django.views.decorators.", "ninja.", "rest_framework.decorators.",
)  # fmt: skip
#: The base of models. A new instance asks no database, and checks nothing before `full_clean()`.
MODEL = "django.db.models.Model"
#: The attributes of a model that give its rows.
MANAGERS = (".objects.", "._default_manager.", "._base_manager.")
#: Methods of a manager that make a new row.
CREATING = frozenset({"create", "get_or_create", "update_or_create", "bulk_create"})
#: Methods that a query is made with: the database is asked where its rows are wanted.
LAZY = frozenset({"all", "annotate", "exclude", "filter", "order_by", "prefetch_related", "select_related"})
#: Methods of what a manager gives that change rows.
CHANGING = frozenset({"update", "bulk_update", "delete", "add", "set", "remove", "clear"})

#: The variable that names the module of the settings.
SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"
#: What runs other files in the namespace of the module that calls it.
INCLUDES = ("split_settings.tools.include", "split_settings.tools.optional")
#: Where what is included comes from if only the run knows: the library itself. So with any other way of it.
INCLUDING = "split_settings"
#: What sets names in the module of the settings that calls it.
SETTINGS_FROM_ELSEWHERE = ("django_heroku.settings", "dynaconf.")
#: What django-environ calls its parsers whose outcome names nothing but ``EMAIL_…``.
OF_MAILS = frozenset({"email", "email_url", "email_url_config"})
#: What sends mails by the backend of the settings, or by a ``connection`` that it is given.
SENDING_MAILS = frozenset(
    [f"django.core.mail.{name}" for name in ("mail_admins", "mail_managers", "send_mail", "send_mass_mail")]
    + [
        f"django.core.mail.{within}{message}().send"
        for within in ("", "message.")
        for message in ("EmailMessage", "EmailMultiAlternatives")
    ]
)
