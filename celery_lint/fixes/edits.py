"""The edits of each rule that has some.

A rule says that its finding can be fixed, and with which words; the edit is made here, from the text. Where
the text is not what the edit is for, there is none: where stars hide arguments, for example.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from celery_lint.diagnostics import Diagnostic, Span
from celery_lint.fixes import comments, handling, naming, sending
from celery_lint.fixes.text import Edit, Text, Words

if TYPE_CHECKING:
    from typing import TypeGuard

Maker = Callable[[Text, Span, Words], Iterator[Edit]]


def edits_for(text: Text, diagnostic: Diagnostic) -> list[Edit]:
    """The edits that fix what a diagnostic says; none where it cannot be fixed so."""
    if diagnostic.fix is None:
        return []
    span = Span(diagnostic.line, diagnostic.column, diagnostic.end_line, diagnostic.end_column)
    return list(EDITS[diagnostic.code](text, span, diagnostic.fix[1:]))


def _raise(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``self.retry()`` as ``raise self.retry()``."""
    call = text.call(span)
    statement = text.parent(call) if call is not None else None
    if call is not None and isinstance(statement, ast.Expr) and text.start(statement) == text.start(call):
        yield text.before(call, "raise ")


def _apply_async(text: Text, span: Span, options: Words) -> Iterator[Edit]:
    """``task.delay(x, countdown=5)`` as ``task.apply_async((x,), countdown=5)``."""
    call = _call_with(text, span)
    if call is None or not isinstance(call.func, ast.Attribute) or call.func.attr != "delay":
        return
    own = [keyword for keyword in call.keywords if keyword.arg not in options]
    given: list[ast.expr | ast.keyword] = [*call.args, *own]
    others = [text.start(keyword) for keyword in call.keywords if keyword.arg in options]
    if any(isinstance(item, ast.Starred) for item in call.args) or any(k.arg is None for k in own):
        return
    if given and others and text.end(given[-1]) > min(others):
        return  # the options stand among the arguments
    yield text.attribute(call.func, "apply_async")
    if call.args:
        yield text.before(call.args[0], "(")
        yield text.after(call.args[-1], ",)" if len(call.args) == 1 else ")")
    if own:
        yield text.before(own[0], "kwargs={")
        for keyword in own:
            start = text.start(keyword)
            yield Edit(start, text.start(keyword.value), f'"{keyword.arg}": ')
        yield text.after(own[-1], "}")


def _call_with(text: Text, span: Span) -> ast.Call | None:
    """The call that a span is, or whose argument it is."""
    for node in text.at(span):
        holder = text.parent(node)
        for found in (node, holder, text.parent(holder) if isinstance(holder, ast.keyword) else None):
            if isinstance(found, ast.Call) and (found is node or found.func is not node):
                return found
    return None


def _tuple(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """An argument, or the value of a keyword, as a tuple of one."""
    value = text.expression(span)
    if not isinstance(value, (ast.Constant, ast.JoinedStr, ast.Name, ast.Attribute)):
        return  # what is meant, who can tell: a mapping may be for `kwargs`, a call may be for `list()`
    holder = text.parent(value)
    if isinstance(holder, ast.keyword) and holder.arg is not None:
        opening = text.text.index("=", text.start(holder) + len(holder.arg)) + 1
    elif isinstance(holder, ast.Call) and holder.args[:1] == [value]:
        opening = text.text.index("(", text.end(holder.func)) + 1
    elif isinstance(holder, ast.Dict) and value in holder.values:
        key = holder.keys[holder.values.index(value)]
        if key is None:
            return
        opening = text.text.index(":", text.end(key)) + 1
    else:
        return
    yield from text.tuple_of(value, opening)


def _entry(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """``"args": (5)`` of a schedule's entry as a tuple, ``"task": bill`` as the name of that task."""
    if words == ("args",):
        yield from _tuple(text, span, ())
        return
    node = text.expression(span)
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield text.after(node, ".name")


_SENDING = ("delay", "apply_async", "apply", "retry")


def _signature(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``task`` as ``task.s()``, ``task(x)`` and ``task.delay(x)`` as ``task.s(x)``."""
    node = text.expression(span)
    if isinstance(node, ast.Call):
        sends = isinstance(node.func, ast.Attribute) and node.func.attr in _SENDING
        if isinstance(node.func, ast.Attribute) and node.func.attr == "delay":
            yield text.attribute(node.func, "s")
        elif not sends:
            yield text.after(node.func, ".s")
    elif isinstance(node, (ast.Name, ast.Attribute)):
        yield text.after(node, ".s()")


def _argument(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """One more argument at the end of a call."""
    call = text.call(span)
    edit = text.argument(call, words[0]) if call is not None else None
    if edit is not None:
        yield edit


def _kept(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``signal.connect`` with ``weak=False``, as a decorator or a call."""
    node = text.expression(span)
    if isinstance(node, ast.Attribute):
        yield text.after(node, "(weak=False)")
    elif isinstance(node, ast.Call):
        weak = next((given.value for given in node.keywords if given.arg == "weak"), None)
        edit = text.replaced(weak, "False") if weak is not None else text.argument(node, "weak=False")
        if edit is not None:
            yield edit


_DECORATORS = ("task", "shared_task", "periodic_task")


def _bind(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """``@app.task`` as ``@app.task(bind=True)``."""
    (name,) = words
    for function in text.functions:
        if function.name != name:
            continue
        first = min((node.lineno for node in function.decorator_list), default=function.lineno)
        if not first <= span.line <= function.lineno:
            continue
        made = [(node, _leaf(node)) for node in function.decorator_list]
        found = [node for node, leaf in made if leaf in _DECORATORS]
        if len(found) != 1:
            return
        (decorator,) = found
        if not isinstance(decorator, ast.Call):
            yield text.after(decorator, "(bind=True)")
        elif not any(keyword.arg in ("bind", None) for keyword in decorator.keywords):
            opening = text.text.index("(", text.end(decorator.func)) + 1
            if decorator.args:
                return
            yield Edit(opening, opening, "bind=True, " if decorator.keywords else "bind=True")
        return


def _leaf(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _name(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """A text as ``name=`` of that text."""
    node = text.expression(span)
    holder = text.parent(node) if node is not None else None
    if node is not None and isinstance(holder, ast.Call) and holder.args == [node]:
        yield text.before(node, "name=")


def _or_empty(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """``inspect().active().values()`` as ``(inspect().active() or {}).values()``."""
    (method,) = words
    outer = text.expression(span)
    if outer is None:
        return
    # The answer itself, or what is asked of it: the answer is that of the innermost call of this name.
    for node in ast.walk(outer):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            asked = isinstance(text.parent(node), (ast.Attribute, ast.Subscript, ast.Compare, ast.BinOp))
            if asked:
                yield text.before(node, "(")
            yield text.after(node, " or {})" if asked else " or {}")
            return


_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _later(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``task.delay(x)`` as ``lambda: task.delay(x)``; not in a loop, whose names it would read too late."""
    call = text.call(span)
    if call is None or any(isinstance(node, ast.Await) for node in ast.walk(call)):
        return
    around = text.parent(call)
    while around is not None and not isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if isinstance(around, _LOOPS):
            return
        around = text.parent(around)
    yield text.before(call, "lambda: ")


def _attribute(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """An attribute of what a call is given first, or by a keyword, in place of itself."""
    keyword, attribute = words
    call = _call_with(text, span)
    if call is None:
        return
    given = [*call.args[:1], *(each.value for each in call.keywords if each.arg == keyword)]
    if len(given) == 1 and isinstance(given[0], (ast.Name, ast.Attribute, ast.Call)):
        yield text.after(given[0], f".{attribute}")


def _called(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """``run(work)`` as ``run(work())``, where this file defines what needs no arguments."""
    (name,) = words
    call = text.call(span)
    made = [node for node in text.functions if node.name == name]
    if call is None or len(made) != 1 or _needs(made[0].args):
        return
    for given in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(given, ast.Name) and given.id == name:
            yield text.after(given, "()")


def _is_function(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _needs(parameters: ast.arguments) -> bool:
    """Whether a function cannot be called without arguments."""
    positional = len(parameters.posonlyargs) + len(parameters.args)
    return positional > len(parameters.defaults) or None in parameters.kw_defaults


def _self(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``def task():`` as ``def task(self):``."""
    for node in text.functions:
        if node.lineno != span.line:
            continue
        name = text.start(node) + text.text[text.start(node) :].index("def") + len("def")
        opening = text.text.index(node.name, name) + len(node.name)
        given = node.args
        if text.text[opening : opening + 1] != "(" or given.posonlyargs or given.args:
            return
        others = given.vararg or given.kwonlyargs or given.kwarg
        yield Edit(opening + 1, opening + 1, "self, " if others else "self")


def _cause(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``retry()`` in a handler as ``retry(exc=error)``, and a name for the error where it has none."""
    call = text.call(span)
    handler = text.parent(call) if call is not None else None
    while handler is not None and not isinstance(handler, ast.ExceptHandler):
        if _is_function(handler) or isinstance(handler, ast.Lambda):
            return
        handler = text.parent(handler)
    if call is None or handler is None or handler.type is None:
        return
    name = handler.name or "exc"
    used = {node.id for node in text.all(ast.Name)}
    edit = text.argument(call, f"exc={name}")
    if edit is None or (handler.name is None and name in used):
        return
    if handler.name is None:
        end = text.end(handler.type)
        colon = text.text.index(":", end)
        if text.text[end:colon].strip(" \t)"):
            return
        yield Edit(colon, colon, f" as {name}")
    yield edit


EDITS: dict[str, Maker] = {
    "CEL001": comments.reworded,
    "CEL002": comments.removed,
    "CEL116": sending.awaited,
    "CEL117": sending.awaited,
    "CEL124": _called,
    "CEL211": sending.awaited,
    "CEL310": naming.keyword,
    "CEL312": _self,
    "CEL313": _bind,
    "CEL327": _tuple,
    "CEL329": _name,
    "CEL410": _raise,
    "CEL411": handling.let_pass,
    "CEL421": naming.key_or_keyword,
    "CEL422": _cause,
    "CEL427": handling.bound_before,
    "CEL436": _raise,
    "CEL446": handling.let_pass,
    "CEL515": handling.let_pass,
    "CEL526": _argument,
    "CEL611": _apply_async,
    "CEL612": _tuple,
    "CEL614": naming.keyword,
    "CEL617": sending.in_utc,
    "CEL623": sending.after_commit,
    "CEL625": _later,
    "CEL640": sending.sent,
    "CEL641": _signature,
    "CEL643": sending.immutable,
    "CEL653": _attribute,
    "CEL654": _attribute,
    "CEL655": _or_empty,
    "CEL710": naming.literal,
    "CEL718": naming.literal,
    "CEL723": naming.literal,
    "CEL724": naming.literal,
    "CEL738": _kept,
    "CEL810": _argument,
    "CEL811": naming.crontab,
    "CEL818": naming.key_or_keyword,
    "CEL821": _entry,
    "CEL828": _signature,
    "CEL910": naming.setting,
    "CEL911": naming.key,
    "CEL913": naming.setting,
}
"""By code of the rule."""
