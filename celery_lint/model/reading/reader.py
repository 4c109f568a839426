"""Reading one module: a single iterative walk over its tree, then its facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from sys import intern
from typing import Any

from celery_lint.diagnostics import Span
from celery_lint.libraries.sqlalchemy import BOUND_DRIVERS, FREE_DRIVERS
from celery_lint.model.calls import pack_call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.defined import Defined
from celery_lint.model.facts import (
    Assignment,
    Class,
    Function,
    MisplacedAwait,
    Module,
    Parameter,
    Value,
)
from celery_lint.model.folders import folders_on_path
from celery_lint.model.purpose import is_test_path
from celery_lint.model.reading.apart.branches import lines_in_branches
from celery_lint.model.reading.apart.platforms import lines_apart
from celery_lint.model.reading.apart.refused import refused_in
from celery_lint.model.reading.apart.versions import Pythons, cut_other_versions
from celery_lint.model.reading.collector import Collector
from celery_lint.model.reading.comments import commented_limits, comments_of
from celery_lint.model.reading.elements import (
    DELAYING,
    STARTING,
    Elements,
    with_its_times,
    with_its_words,
    worth_following,
)
from celery_lint.model.reading.expressions import first_words, given_class, is_given, spelled
from celery_lint.model.reading.keeping import (
    FIELDS,
    KEPT_WHOLE,
    asks_for_a_variable,
    column_of_text,
    in_the_end,
    kept_whole,
    may_hold_parts,
    set_by_name,
    worth_keeping,
    worth_setting,
)
from celery_lint.model.reading.names.columns import columns
from celery_lint.model.reading.names.imported import hidden_names, included, needed_imports
from celery_lint.model.reading.names.unbound import Unbound
from celery_lint.model.reading.parameters import parameter_facts
from celery_lint.model.reading.scopes import CallRecord, Scope, bases_of, by_name, chain_of, made_by
from celery_lint.model.reading.started import starts_beat, told_queues
from celery_lint.model.reading.statements import steps_of
from celery_lint.model.reading.values import address, address_in_variable, constant_word, value_of
from celery_lint.source import Source, digest_of

_DRIVER = re.compile(r"\+(" + "|".join(sorted(BOUND_DRIVERS | FREE_DRIVERS)) + r")(?:_async)?(?=\W)")
# Statements or calls of one function. Searches compare the statements of a function with each other; what is
# longer was made by a program, and nothing of it is looked at but how it is defined.
_MOST_STATEMENTS = 2_000
# Tables of test cases are no facts about tasks.
_TEST_DECORATORS = ("pytest.", "unittest.mock.", "mock.", "hypothesis.")


class Reader:
    """The facts of one module, from what the walk has seen."""

    def __init__(self, source: Source, tree: ast.Module, seen: Collector) -> None:
        self.source = source
        self.tree = tree
        self.seen = seen
        self._span, self.unbound = source.span, Unbound(seen.top)

    def _name_span(self, node: Any) -> Span:
        """The span of the name in a ``def`` or ``class`` statement."""
        keyword = {"FunctionDef": "def", "AsyncFunctionDef": "def", "ClassDef": "class"}[type(node).__name__]
        start = self.source.column(node.lineno, node.col_offset)
        line = self.source.line(node.lineno)
        after = line.find(keyword, start - 1) + len(keyword)
        column = line.find(node.name, after) + 1
        if column <= 0:  # `def \` and the name on the next line
            return Span(node.lineno, start, node.lineno, start + len(keyword))
        return Span(node.lineno, column, node.lineno, column + len(node.name))

    def _value(self, node: ast.expr, scope: Scope) -> Value:
        return value_of(node, scope, self._span)

    def _brief(self, node: ast.expr, scope: Scope) -> Value:
        """The value, without the arguments of calls that nobody asks about: a model's fields are many."""
        node = node.value if isinstance(node, ast.Await) else node
        if isinstance(node, ast.Call):
            chain = chain_of(node.func, scope)
            leaf = chain.rpartition(".")[2].rstrip("()[]").lstrip(":~%")
            if leaf in FIELDS:
                return self._field(node, chain, scope)
            if chain and leaf not in KEPT_WHOLE and not asks_for_a_variable(node):
                type_ = column_of_text(node, leaf)
                items = () if type_ is None else (self._value(type_, scope),)
                return Value("call", self._span(node), None, intern(chain), items)
        return self._value(node, scope)

    def _field(self, node: ast.Call, chain: str, scope: Scope) -> Value:
        """``Field(default=300, description="…")`` with nothing but its default, or what makes one."""
        items = tuple(self._value(each, scope) for each in node.args[:1] if not isinstance(each, ast.Starred))
        keywords = tuple(
            (keyword.arg, self._value(keyword.value, scope))
            for keyword in node.keywords
            if keyword.arg in ("default", "default_factory")
        )
        return Value("call", self._span(node), None, intern(chain), items, keywords)

    def module(self, path: str) -> Module:
        """The facts of the module."""
        top = self.seen.top
        stars = tuple(dict.fromkeys((*top.stars, *included(top))))
        return Module(
            path=path,
            digest=digest_of(self.source.text),
            imports={name: intern(target) for name, target in top.imports.items()},
            star_imports=stars,
            bindings={
                name: tuple(self._value(value, top.meaning(value)) for value in values[:6])
                for name, values in in_the_end(self.tree, top).items()
            },
            functions=self._functions(bool(stars)),
            classes={scope.qualname: self._class_facts(scope) for scope in self.seen.classes},
            assignments=tuple(self._assignment_facts()),
            misplaced_awaits=tuple(
                MisplacedAwait(
                    scope.qualname,
                    self._span(node),
                    keyword,
                    chain_of(value, scope) if value is not None else "",
                )
                for scope, node, keyword, value in self.seen.awaits
            ),
            comments=comments_of(self.source, self.tree),
            further_imports=tuple(dict.fromkeys(top.further)),
            drivers=tuple(sorted(set(_DRIVER.findall(self.source.text)))),
            commented_out=tuple(dict.fromkeys(commented_limits(self.source.text))),
            apart=lines_apart(self.tree, self.source.text),
            told_queues=told_queues(self.source.text, self.tree),
            needed=tuple(needed_imports(self.tree, self._span)),
            hidden=hidden_names(self.tree, self.source.text, top, self.seen.functions),
            starts_beat=starts_beat(self.source.text),
            on_path=folders_on_path(self.tree, self.source.text, path, top.values),
            refused=refused_in(self.tree, self.source.text, self.seen.functions, self._span),
            branches=lines_in_branches(self.tree),
        )

    def _functions(self, has_stars: bool) -> Defined[Function]:
        """The functions by qualified name, see :func:`by_name`."""
        return Defined(
            {
                name: self._function_facts(scope, has_stars)._replace(qualname=name)
                for name, scope in by_name(self.seen.functions).items()
            }
        )

    def _assignment_facts(self) -> list[Assignment]:
        facts = []
        by_name = set_by_name(self.seen.functions) if "setattr(" in self.source.text else ()
        for target, key, subscript, key_node, value, scope in (*self.seen.assignments, *by_name):
            chain = chain_of(target, scope)
            if chain and worth_setting(chain, key, subscript):
                span = self._span(key_node)
                facts.append(
                    Assignment(chain, key, subscript, span, self._value(value, scope), scope.qualname)
                )
        return facts

    def _class_facts(self, scope: Scope) -> Class:
        node: Any = scope.node
        outer = scope.outer or self.seen.top
        return Class(
            scope.qualname,
            node.name,
            self._name_span(node),
            (*bases_of(node, outer), *made_by(node, outer, scope)),
            tuple(self._value(decorator, outer) for decorator in node.decorator_list),
            {
                name: tuple(self._brief(value, inside) for value, inside in values[:4])
                for name, values in scope.attributes.items()
            },
            tuple(name for name, qualname in scope.definitions.items() if qualname),
        )

    def _function_facts(self, scope: Scope, has_stars: bool) -> Function:
        node: Any = scope.node
        calls, values = self._call_facts(scope, has_stars)
        span, end, name = Span(1, 1, 1, 1), 1, ""
        decorators: tuple[Value, ...] = ()
        parameters: tuple[Parameter, ...] = ()
        if scope is not self.seen.top:
            span, end, name = self._name_span(node), node.end_lineno or node.lineno, node.name
            outer = scope.outer or self.seen.top
            decorators = tuple(self._decorators(node.decorator_list, outer))
            parameters = tuple(parameter_facts(node.args, scope))
        itself = _receiver(scope)[1:-1] or _task_itself(scope)
        steps = steps_of(self.unbound.noted(scope), self.source, itself)
        if scope is not self.seen.top and max(steps.count("\n"), calls.count("\n")) >= _MOST_STATEMENTS:
            calls, values, steps = "", (), ""
        owner = scope.owner()
        outer_function = scope.outer
        while outer_function is not None and outer_function.kind == "class":
            outer_function = outer_function.outer
        return Function(
            scope.qualname,
            name,
            scope.is_async,
            scope.is_generator,
            span,
            end,
            owner.qualname if owner is not None else "",
            outer_function.qualname if outer_function is not None else "",
            parameters,
            decorators,
            tuple(self._returned(scope)),
            values,
            calls,
            steps,
            self._annotation(scope),
        )

    def _annotation(self, scope: Scope) -> str:
        """The class of the project or of another package that a function says it returns."""
        node: Any = scope.node
        named = given_class(node.returns) if scope is not self.seen.top else None
        chain = chain_of(named, scope.outer or scope) if named is not None else ""
        return chain if chain[:1] not in "~%" else ""

    def _decorators(self, nodes: list[ast.expr], outer: Scope) -> Iterator[Value]:
        for node in nodes:
            callee = node.func if isinstance(node, ast.Call) else node
            if chain_of(callee, outer).startswith(_TEST_DECORATORS):
                yield Value("name", self._span(node), None, "pytest.mark")
            else:
                yield self._value(node, outer)

    def _returned(self, scope: Scope) -> Iterator[Value]:
        """What a function may return, as far as that can lead anywhere."""
        for node in scope.returns[:6]:
            value = self._value(node, scope) if may_hold_parts(node) else self._brief(node, scope)
            known = value.kind not in ("unknown", "constant") or value.data in ("set", "generator")
            if known and not value.chain.startswith("%"):
                yield value

    def _call_facts(self, scope: Scope, has_stars: bool) -> tuple[str, tuple[tuple[int, Value], ...]]:
        """The calls of a function, packed, and the whole of those that are kept whole."""
        kept: dict[int, int] = {}
        chains: list[tuple[CallRecord, str]] = []
        receiver = _receiver(scope)
        itself = receiver[1:-1] or _task_itself(scope)
        for record in scope.calls:
            chain = chain_of(record.node.func, scope)
            if (
                worth_keeping(chain, has_stars)
                or (receiver and chain.startswith(receiver))
                or (itself and chain and is_given(record.node, itself))
            ):
                kept[id(record.node)] = len(chains)
                record.step.calls.append(len(chains))
                chains.append((record, chain))
        lines: list[str] = []
        values: list[tuple[int, Value]] = []
        elements: Elements | None = None
        place = self.source.place
        for index, (record, chain) in enumerate(chains):
            parent = record.parent
            while parent is not None and id(parent.node) not in kept:
                parent = parent.parent
            above = kept[id(parent.node)] if parent is not None else -1
            arguments = self._arguments(record.node, scope, kept)
            if chain[0] == "%" and worth_following(record.node):
                elements = elements or Elements(scope)
                items = elements.chains(record.node.func.value)  # type: ignore[attr-defined]
                if items:
                    arguments.append(f"@[{' '.join(items)}")
            lines.append(pack_call(chain, place(record.node), record.flags, above, arguments))
            leaf = leaf_of_chain(chain)
            if kept_whole(chain, leaf):
                values.append((index, self._value(_stated(record.node, leaf, scope), scope)))
        return "\n".join(lines), tuple(values)

    def _arguments(self, node: ast.Call, scope: Scope, kept: dict[int, int]) -> list[str]:
        described = [self._argument(argument, scope, kept) for argument in node.args[:8]]
        if described[:1] == ["?"]:
            described[0] = first_words(node)
        if "?" in described[:2]:
            place = described.index("?")
            described[place] = address(node, node.args[place], scope)
        for keyword in node.keywords[:24]:
            name = keyword.arg or "**"
            described.append(f"{name}:{self._argument(keyword.value, scope, kept)}")
            if described[-1] == "url:?":
                described[-1] = f"url:{address(node, keyword.value, scope)}"
        begins = address_in_variable(node, scope)
        if begins:
            described.append(f"@{begins}")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "dispose":
            described.append(f"@{spelled(node.func.value)}")
        described += columns(node, lambda given: self._argument(given, scope, kept))
        return described

    def _argument(self, node: ast.expr, scope: Scope, kept: dict[int, int]) -> str:
        for _ in range(3):
            if isinstance(node, ast.Lambda):
                node = node.body
            elif isinstance(node, ast.Await):
                node = node.value
            else:
                break
        kind = type(node)  # the commonest come first
        if kind is ast.Name or kind is ast.Attribute:
            chain = chain_of(node, scope)
            return f"={chain}" if chain else "?"
        if isinstance(node, ast.Constant):
            return constant_word(node.value)
        if kind is ast.Call:
            index = kept.get(id(node))
            return f"({index}" if index is not None else "?"
        if isinstance(node, ast.Starred):
            return "*" if isinstance(node.value, ast.Name) else "*?"
        if isinstance(node, ast.Dict) and len(node.keys) <= 24:
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            return "{" + ",".join(key for key in keys if isinstance(key, str) and key.isidentifier())
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return "[" if any(not isinstance(item, ast.Starred) for item in node.elts) else "?"
        if kind is ast.BinOp or kind is ast.UnaryOp:  # `sleep(5 * 60)`
            known = self._value(node, scope)
            return constant_word(known.data) if known.kind == "constant" and known.data is not None else "?"
        return "?"


def read_module(path: str, source: Source, pythons: Pythons = ()) -> Module:
    """The facts of one module as these versions of Python run it.

    Raises :class:`~celery_lint.source.NotParsed`.

    What the functions of a test do is no fact about the product, and tests are half of many projects: only
    what they define is read.
    """
    tree = source.parse()
    cut_other_versions(tree, source.text, pythons)
    seen = Collector(tree, is_test_path(path))
    try:
        return Reader(source, tree, seen).module(path)
    finally:
        seen.let_go()


def _stated(node: ast.Call, leaf: str, scope: Scope) -> ast.Call:
    """A call with what its function binds to names that it is given, where that tells what it does."""
    if leaf == STARTING:
        return with_its_words(node, scope)
    return with_its_times(node, scope) if leaf in DELAYING else node


def _receiver(scope: Scope) -> str:
    """How chains on the task begin inside a task that asks for itself by ``bind``."""
    node: Any = scope.node
    if scope.kind != "function" or not node.args.args:
        return ""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and any(keyword.arg == "bind" for keyword in decorator.keywords):
            return f"%{node.args.args[0].arg}."
    return ""


def _task_itself(scope: Scope) -> str:
    """The first parameter of a method of a class that derives from something that is called a task."""
    owner = scope.owner()
    if owner is None or not scope.first_parameter:
        return ""
    node: Any = owner.node
    names = (base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases)
    return scope.first_parameter if any(name.endswith("Task") for name in names) else ""
