"""What names tasks and is used by nothing: functions that nobody calls, canvases that nobody applies.

It answers *yes* only where the word itself stands nowhere else: in no call, no text, no list, where something
does use its module, and nothing looks into that by names that only the run knows. What a framework or a
person may call is left alone: what is decorated, a method, in a script, offered by a package, or takes what
frameworks give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from celery_lint.diagnostics import Span
from celery_lint.files.filter import Pair
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.unimported import FOLDERS
from celery_lint.inventory.workers.naming import holding, spans_of
from celery_lint.inventory.workers.senders.configured import Configured
from celery_lint.inventory.workers.senders.mentions import Mention, mentions_of, modules_that_count, stands_in
from celery_lint.inventory.workers.senders.said import Said
from celery_lint.libraries.celery import CANVASES
from celery_lint.libraries.django import ATOMIC
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.words import held, said_by
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# Names by which programs, platforms and frameworks call functions, and those of modules that they look into.
_CALLED_BY_OTHERS = re.compile(
    r"^__|^(?:cli|create_app|includeme|main|on_|pre_|post_|ready|register|run|setup|start|test)(?:_|$|(?<=_))"
    r"|handler|(?<!web)hook|lambda|callback|receiver|command"
)
_LOOKED_INTO = re.compile(
    r"callback|cron|command|handler|(?<!web)hook|plugin|receiver|(?<![a-z])script|signal|settings|conf"
)
# First parameters of what something else calls: a view, a receiver, a handler of events or of messages.
_GIVEN = frozenset(
    {
        "bot", "connection", "context", "ctx", "event", "instance", "info", "mapper", "message", "msg",
        "payload", "req", "request", "sender", "signal", "target", "update",
    }
)  # fmt: skip
# What no framework hands over: it has objects of its own, and a function that says so takes a plain value.
_PLAIN = frozenset({"~bool", "~float", "~int", "~str"})
# What takes something out of a module by a name that only the run knows, and out of the module it stands in.
_OF_OTHERS = frozenset({"getattr", "import_module", "import_string", "__import__"})
_OF_ITSELF = frozenset({"globals", "locals", "vars", "eval", "exec"})
_LOOKS_INTO_ITSELF = re.compile(rf"(?<![.\w])(?:{'|'.join(sorted(_OF_ITSELF))})\b")  # no `session.exec()`
# What makes a signature of a task, or changes one.
_SIGNING = frozenset({"s", "si", "signature", "subtask", "set", "map", "starmap", "chunks", "on_error"})
# What does nothing with what it holds.
_PUT_TOGETHER = frozenset({"constant", "either", "mapping", "name", "sequence"})
# So much of what frameworks use shows that a module is no sketch.
_SEVERAL = 2
# So many steps are gone from a sender that nobody calls.
_STEPS = 2


Users = Mapping[str, Sequence[Mention]]
"""Who uses what is called so, see :meth:`Unused.users`."""


class _Canvas(NamedTuple):
    """An expression with a word in it, and the name that it is bound to.

    ``calls`` are those that are given the word, up to where it ``does_more`` with that than to put it
    together; ``is_text``: the word stands in a text.
    """

    bound: str
    value: Value
    calls: tuple[Value, ...]
    does_more: bool
    is_text: bool


class Unused:
    """The functions and canvases of a product that nothing uses."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.said = known.of(Said)
        self.configured = known.of(Configured)
        self._kept: dict[Key, list[tuple[str, Span]]] = {}

    def users(self, mentions: Mapping[str, Sequence[Mention]]) -> dict[str, list[Mention]]:
        """Who uses the functions and canvases that hold the names of tasks, and those that these hold."""
        held_by = [(name, mention) for name, each in mentions.items() for mention in each]
        line = {mention.function.name for _, mention in held_by if mention.function and self._may_be(mention)}
        line |= {bound for name, mention in held_by for bound, _ in self._canvases(mention.module, name)}
        found: dict[str, list[Mention]] = {}
        for _ in range(_STEPS):
            new = mentions_of(self.project, line - found.keys())
            found.update({name: new.get(name, []) for name in line - found.keys()})
            line = {
                mention.function.name
                for each in new.values()
                for mention in each
                if mention.function is not None and self._may_be(mention)
            }
        return found

    def words(self, mentions: Users, users: Users, left: Collection[Key]) -> set[Pair]:
        """The names of what nothing uses so far: another file that does says them.

        And those of the modules that nothing is seen to import, with that of the package.
        """
        found: set[Pair] = set()
        for name, each in mentions.items():
            for module, function in each:
                if function is not None and function.name:
                    idle = self._is_idle(Mention(module, function), users, left, _STEPS, lambda _: True)
                    names = [function.name] if idle else []
                else:
                    names = [bound for bound, _ in self._idle_canvases(module, name, users, left)]
                stem = leaf_of(module.path)
                if names and not self._is_used(module):
                    found.add((stem, module.path.split("/")[-2:][0]))
                found.update((bound, "" if "_" in bound.strip("_") else stem) for bound in names)
        return found

    def is_uncalled(self, mention: Mention, users: Users, left: Collection[Key]) -> bool:
        """Whether nothing calls a function but those that nothing calls either, and ``left`` tasks."""
        idle = self._is_idle(mention, users, left, _STEPS, self._is_used)
        return idle and not self._is_named(mention, users, left, _STEPS)

    def _is_named(self, mention: Mention, users: Users, left: Collection[Key], steps: int) -> bool:
        """Whether something else says the name of a function, or of one that calls it: of whatever kind."""
        function = mention.function
        if function is None or not steps:
            return True
        callers = [
            user
            for user in users.get(function.name, ())
            if user.function is not function and self._may_take(user, mention.module, function.name)
        ]
        spans = [
            (each.module.path, each.function) for each in (mention, *callers) if each.function is not None
        ]
        known = [(path, each.span.line, each.end_line) for path, each in spans]
        return self.said.of_module(mention.module, function.name, known) or any(
            self._is_named(user, users, left, steps - 1) for user in callers if not self._is_left(user, left)
        )

    def _is_idle(
        self,
        mention: Mention,
        users: Users,
        left: Collection[Key],
        steps: int,
        is_used: Callable[[Module], bool],
    ) -> bool:
        """Whether nobody calls a function of a module that is used: a caller in another may be a script."""
        function = mention.function
        if function is None or not steps or function.name not in users or not self._may_be(mention):
            return False
        if not is_used(mention.module):
            return False
        return all(
            user.function is function
            or not self._may_take(user, mention.module, function.name)
            or self._is_left(user, left)
            or self._is_idle(user, users, left, steps - 1, is_used)
            for user in users[function.name]
        )

    def kept(self, module: Module, name: str, users: Users, left: Collection[Key]) -> Iterator[Span]:
        """The canvases, lists and mappings with a name in them that a module binds, and that nothing uses."""
        for bound, span in self._idle_canvases(module, name, users, left):
            if self._is_used(module) and not self._is_canvas_named(module, bound, span, users):
                yield span

    def _is_canvas_named(self, module: Module, bound: str, span: Span, users: Users) -> bool:
        callers = [(user.module.path, user.function) for user in users[bound] if user.function is not None]
        known = [(path, function.span.line, function.end_line) for path, function in callers]
        return self.said.of_module(module, bound, [(module.path, span.line, span.end_line), *known])

    def _idle_canvases(
        self, module: Module, name: str, users: Users, left: Collection[Key]
    ) -> Iterator[tuple[str, Span]]:
        for bound, span in self._canvases(module, name):
            if bound in users and all(
                self._is_left(user, left) or not self._may_take(user, module, bound) for user in users[bound]
            ):
                yield bound, span

    def _may_take(self, user: Mention, module: Module, name: str) -> bool:
        """Whether somebody may mean by a name what a module has, and is no module that nothing imports."""
        words = self.functions.kept(user.module, "imported names", None, partial(_imported_by, user.module))
        imports = not words.isdisjoint((name, leaf_of(module.path))) or user.module is module
        path = user.module.path
        return (imports or self.said.may_take(path, module, name)) and not self.said.is_left(path)

    def _is_left(self, user: Mention, left: Collection[Key]) -> bool:
        return user.function is not None and stands_in(user.module, user.function, left)

    # ------------------------------------------------------------------ what may be unused

    def _may_be(self, mention: Mention) -> bool:
        """Whether nothing but its name leads to the function that holds a word."""
        module, function = mention
        if function is None or function.owner or function.parent:
            return False
        if not all(self.only_wraps(module, decorator) for decorator in function.decorators):
            return False
        return not _is_given(function) and self.is_plainly_named(module, function)

    def only_wraps(self, module: Module, decorator: Value) -> bool:
        """Whether a decorator runs something around its function, and tells nobody of that."""
        return self.project.resolve(module, decorator.chain).name in ATOMIC

    def is_plainly_named(self, module: Module, function: Function) -> bool:
        """Whether the name of a function is none that something outside calls, and it is no task."""
        if not function.name or _CALLED_BY_OTHERS.search(function.name):
            return False
        is_task = (module.path, function.qualname) in self._of_tasks
        return not is_task and self.may_hide(module, function.name)

    def is_offered(self, name: str) -> bool:
        """Whether a module offers something of this name to others."""
        return name in self._offered

    def may_hide(self, module: Module, name: str) -> bool:
        """Whether a module is one that nothing looks into, and offers nothing of this name."""
        return self.keeps(module, name) and leaf_of(module.path) not in self._looked_into

    def keeps(self, module: Module, name: str) -> bool:
        """Whether nothing looks into a module, nor it into itself, and it offers nothing of this name."""
        *folders, _ = module.path.split("/")
        return (
            FOLDERS.isdisjoint(folders)
            and not _LOOKED_INTO.search(leaf_of(module.path))
            and name not in self._offered
            and module.path not in self._looking
            and "__getattr__" not in module.functions
        )

    def is_looked_into(self, module: Module) -> bool:
        """Whether code may take what a module has by names that only the run knows."""
        return leaf_of(module.path) in self._looked_into or module.path in self._looking

    def _is_used(self, module: Module) -> bool:
        """Whether something uses a module: others import it, or a framework has what it defines.

        Decorators and classes say nothing beside tasks.
        """
        if module.path in self.said.imported:
            return True
        own = len(module.classes) + sum(1 for _ in module.functions.decorated())
        return own >= _SEVERAL and all(path != module.path for path, _ in self._of_tasks)

    def _canvases(self, module: Module, name: str) -> list[tuple[str, Span]]:
        """What a module binds that is a canvas, a list or a mapping with a word in it, and nothing else."""
        key = (module.path, name)
        if key not in self._kept:
            having = holding(self.functions, module, name)
            find = partial(_canvases_of, module, name, having)
            written = self.functions.kept(module, f"canvases with {name}", None, find) if having else ()
            self._kept[key] = [
                (each.bound, each.value.span)
                for each in written
                if self._is_plain(module, each) and self.may_hide(module, each.bound)
            ]
        return self._kept[key]

    def _is_plain(self, module: Module, canvas: _Canvas) -> bool:
        """Whether an expression puts tasks or their names together, and does nothing with them."""
        if not all(self._signs(module, call) for call in canvas.calls) or canvas.does_more:
            return False
        return not (canvas.is_text and self.configured.may_read(module, canvas.value))

    def _signs(self, module: Module, call: Value) -> bool:
        """Whether a call makes a signature or a canvas of what it is given."""
        if leaf_of_chain(call.chain) in _SIGNING:
            return True
        return f"{self.project.resolve(module, call.chain).name}()" in CANVASES

    # ------------------------------------------------------------------ what is known of all modules

    @property
    def _modules(self) -> list[Module]:
        return modules_that_count(self.project)

    @once
    def _of_tasks(self) -> frozenset[Key]:
        """The functions of tasks, which nobody need call."""
        return frozenset(
            (task.module.path, task.function.qualname) for task in self.tasks.all if task.function
        )

    @once
    def _offered(self) -> frozenset[str]:
        """What modules offer to others, who may be no part of the project."""
        found: set[str] = set()
        for module in self._modules:
            if module.path.endswith("__init__.py") and not module.functions.decorated():
                found.update(module.imports)  # it is there for nothing else
            for value in module.bindings.get("__all__", ()):
                found.update(each.data for each in held(value) if isinstance(each.data, str))
        return frozenset(found)

    @once
    def _looked_into(self) -> frozenset[str]:
        """The names of modules that code may look into by names that only the run knows."""
        words = {leaf_of(module.path) for module in self._modules} | _OF_OTHERS
        looking = self.functions.saying(self._modules, _OF_OTHERS)
        return frozenset(word for _, function, _ in looking for word in said_by(function) if word in words)

    @once
    def _looking(self) -> frozenset[str]:
        """The modules that may call their own functions so."""
        functions = self.functions.saying(self._modules, _OF_ITSELF)
        return frozenset(
            module.path
            for module, function, said in functions
            if said and any(map(_LOOKS_INTO_ITSELF.search, (function.packed_calls, function.packed_steps)))
        )


def _is_given(function: Function) -> bool:
    """Whether the first parameter of a function is something that a framework calls functions with."""
    first = next(iter(function.parameters), None)
    if first is None or first.name not in _GIVEN:
        return False
    return first.required and first.annotation not in _PLAIN


def _imported_by(module: Module) -> frozenset[str]:
    """The last components of all that a module imports."""
    return frozenset([leaf_of_chain(dotted) for dotted in module.all_imports])


def _canvases_of(module: Module, name: str, having: Sequence[Value]) -> tuple[_Canvas, ...]:
    """Those of the expressions with a word in them that a module binds, but for mere texts."""
    known = set(map(id, having))
    return tuple(
        [
            _canvas(bound, value, name)
            for bound, values in module.bindings.items()
            for value in values
            if id(value) in known and value.kind != "constant"
        ]
    )


def _canvas(bound: str, value: Value, name: str) -> _Canvas:
    calls: list[Value] = []
    does_more = False
    for each in held(value):
        if each.kind in _PUT_TOGETHER:
            continue
        if any(next(spans_of(part, name), None) is not None for part in held(each)):
            does_more = each.kind != "call"
            if does_more:
                break
            calls.append(each)
    is_text = any(isinstance(each.data, str) and name in each.data for each in held(value))
    return _Canvas(bound, value, tuple(calls), does_more, is_text)
