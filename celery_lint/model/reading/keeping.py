"""Which calls and settings of a module are worth keeping: what nobody asks for would only cost."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from celery_lint.libraries.celery import PERIODIC_TASK_MANAGER, READING_BACKENDS
from celery_lint.libraries.clients import RETRYING_NAMES
from celery_lint.libraries.flask import EXTENSIONS
from celery_lint.libraries.sqlalchemy import COLUMNS, TEXTS
from celery_lint.model.reading.scopes import BUILTINS, Scope

# Calls that are kept whole, with the values of their arguments, wherever they stand in a function.
KEPT_WHOLE = frozenset(
    [
        "Celery",
        "task",
        "shared_task",
        "periodic_task",
        "register_task",
        "retry",
        "partial",
        "update",
        "create_async_engine",
        "async_sessionmaker",
        "sessionmaker",
        "async_engine_from_config",
        *RETRYING_NAMES,
        "Singleton",
        "ThreadLocalSingleton",
        "ThreadSafeSingleton",
        "config_from_object",
        "from_object",
        "autodiscover_tasks",
        "add_defaults",
        "worker_main",
        "from_mapping",
        "update_state",
        "store_result",
        "apply_async",
        "send_task",
        "delay",
        "delay_on_commit",
        "apply_async_on_commit",
        "apply",
        "s",
        "si",
        "signature",
        "Signature",
        "subtask",
        "chain",
        "group",
        "chord",
        "starmap",
        "map",
        "chunks",
        "on_commit",
        "add_periodic_task",
        "PeriodicTask",
        "ConfigDict",
        "SettingsConfigDict",
        "RedBeatSchedulerEntry",
        "crontab",
        "from_string",
    ]
)
# Fields of classes of data, kept with their defaults.
FIELDS = frozenset({"Field", "field"})
# In the chains of the signals of Celery and of its applications.
_SIGNALS = ("celery.signals.", ".on_configure.", ".on_after_")
# Calls that are kept even on a receiver that nobody can see through.
_KEPT_BLIND = frozenset(
    [
        "dispose",
        "exec_module",
        "load_module",
        "load_setuptools_entrypoints",
        "run",
        "run_until_complete",
        "run_forever",
        "delay",
        "apply_async",
        "task",
        "register_task",
        "add_periodic_task",
        "retry",
        "setdefault",
        "pop",
        "update",
        "submit",
        "apply",
        "close",
        "aclose",
        "execute",
        "commit",
        "flush",
        "connect",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "request",
        "send",
        "read",
        "recv",
        "sleep",
        "wait",
        "communicate",
        "update_state",
        "revoke",
        "on_commit",
        "save",
        "asave",
        "adelete",
        "create",
        "acreate",
        "bulk_create",
        "abulk_create",
        "bulk_update",
        "abulk_update",
        "get_or_create",
        "aget_or_create",
        "update_or_create",
        "aupdate_or_create",
        "aupdate",
        "add_all",
        "begin",
        "begin_nested",
        "query",
        "refresh",
        "rollback",
        "scalars",
    ]
)


# What is built in and does more than to make or to show something.
_BUILTINS = frozenset({"super", "open", "__import__", "exec", "exit", "quit"})
# Options that say whether an engine keeps connections, wherever the dictionary that holds them is filled.
_OF_POOLS = frozenset({"max_overflow", "pool_size", "poolclass"})

# Options that say what a task is, wherever a decorator of the project puts them among those that it gets.
_OF_MAKERS = frozenset({"bind", "base", "filter", "typing"})

# Parts of an object that a function makes and returns; models of data have more.
_MOST_PARTS = 4
# What keys of addresses end with: whoever sets one asks another peer by the same variable.
_ADDRESSES = ("url", "uri", "endpoint", "host", "address")


def in_the_end(tree: ast.Module, top: Scope) -> dict[str, list[ast.expr]]:
    """What a module binds to its names; the last alone where nothing there reads those before it.

    That last one stands under no condition, and in no function.
    """
    again = {
        name: max(values, key=lambda value: value.lineno)
        for name, values in top.values.items()
        if len(values) > 1 and not any(id(value) in top.lent for value in values)
    }
    if not again:
        return top.values
    certain = {id(each.value) for each in tree.body if isinstance(each, (ast.Assign, ast.AnnAssign))}
    last = {name: value for name, value in again.items() if id(value) in certain}
    for node in ast.walk(tree) if last else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            bound = last.get(node.id)
            if bound is not None and node.lineno <= bound.lineno:
                del last[node.id]
    return {**top.values, **{name: [value] for name, value in last.items()}}


def kept_whole(chain: str, leaf: str) -> bool:
    """Whether a call is kept with the values of its arguments."""
    if leaf == "connect":
        return any(part in chain for part in _SIGNALS)
    return leaf in KEPT_WHOLE or leaf.startswith(("register", "dispatch")) or PERIODIC_TASK_MANAGER in chain


def asks_for_a_variable(node: ast.Call) -> bool:
    """Whether a call is given what variables of the environment are called: ``getenv("BROKER_URL", "…")``."""
    first = node.args[0] if node.args else None
    return isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.isupper()


def column_of_text(node: ast.Call, leaf: str) -> ast.expr | None:
    """The type of a column that takes any text: none that has a length, a key or a reference besides."""
    given = node.args if leaf in COLUMNS else []
    if given and isinstance(given[0], ast.Constant):  # what the database calls it
        given = given[1:]
    if len(given) != 1 or any(_may_refuse(keyword) for keyword in node.keywords):
        return None
    type_ = given[0]
    if isinstance(type_, ast.Call):
        if type_.args or type_.keywords:
            return None
        type_ = type_.func
    name = type_.attr if isinstance(type_, ast.Attribute) else getattr(type_, "id", "")
    return type_ if name in TEXTS else None


def _may_refuse(keyword: ast.keyword) -> bool:
    """Whether an option of a column may keep texts out that are there already, or nobody sees it."""
    is_off = isinstance(keyword.value, ast.Constant) and not keyword.value.value
    return keyword.arg is None or (keyword.arg in ("unique", "primary_key") and not is_off)


def may_hold_parts(node: ast.expr) -> bool:
    """Whether a call may make an object of a few things, for others: ``Database(engine, maker)``."""
    if not isinstance(node, ast.Call):
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name[:1].isupper() and 1 < len(given) <= _MOST_PARTS and any(map(_is_named, given))


def _is_named(node: ast.expr) -> bool:
    return isinstance(node, (ast.Name, ast.Call))


def worth_keeping(chain: str, has_stars: bool) -> bool:
    """Whether a call of this chain may be of something that others know: more than a method of a local."""
    if not chain:
        return False
    first = chain[0]
    if first == "~":
        name = chain[1:].partition(".")[0].rstrip("()[]")
        return (has_stars and name not in BUILTINS) or name in _BUILTINS
    if first == "%":
        owner, _, leaf = chain.rpartition(".")
        if leaf == "add":  # of sets nobody asks
            return owner == "%db" or owner.lower().endswith("session")
        if leaf in READING_BACKENDS and owner.endswith(("%backend", ".backend")):
            return True
        return leaf.rstrip("()[]").lstrip("%") in _KEPT_BLIND or not owner
    return True


def worth_setting(chain: str, key: str, subscript: bool) -> bool:
    """Whether setting an attribute or item of this chain can configure anything outside its function."""
    if subscript and (key in _OF_POOLS or (key in _OF_MAKERS and chain[:1] == "%")):
        return True
    if key in ("time_limit", "soft_time_limit", "immutable"):  # options of a task that is defined or sent
        return True
    if key in ("Task", "task_cls") and chain[:1] == ":":  # `self.Task = ...` in a class of applications
        return True
    if chain.endswith((".conf", "%conf")) or ".conf." in chain:  # `conf` is given to handlers of signals
        return True
    if subscript and chain.endswith(EXTENSIONS):
        return True
    if chain in (
        "%self",
        "%task",
        "%sender",
    ):  # no method's: a task, in its function or a handler of a signal
        return not subscript
    if chain[:1] == "%" and key.lower().endswith(_ADDRESSES):
        return True
    if chain[:1] == "%" and key.isupper() and not subscript:  # what is filled may be anybody's settings
        return True
    if chain[:1] == "%" or (chain[:1] == ":" and chain.endswith("()") and not subscript):
        return False
    return chain[:1] != "~" or subscript


def set_by_name(
    scopes: Iterable[Scope],
) -> Iterator[tuple[ast.expr, str, bool, ast.AST, ast.expr, Scope]]:
    """``setattr(app.conf, "timezone", "UTC")`` as an assignment; of an unknown name, as an item."""
    for scope in scopes:
        for record in scope.calls:
            node = record.node
            if isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) == 3:
                target, name, value = node.args
                known = isinstance(name, ast.Constant) and isinstance(name.value, str)
                key = str(name.value) if isinstance(name, ast.Constant) and known else ""
                yield target, key, not known, name, value, scope
