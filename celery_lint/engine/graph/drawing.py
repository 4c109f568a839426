"""A project's graph of tasks, asked of the inventory: nothing is read a second time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from celery_lint.diagnostics import Diagnostic
from celery_lint.engine.graph.elements import Edge, EdgeKind, Graph, Mark, Node, NodeKind, with_diagnostics
from celery_lint.files.roots import absolute_path

if TYPE_CHECKING:
    from celery_lint.inventory.application.applications import Application
    from celery_lint.inventory.tasks.schedules import Entry as Scheduled
    from celery_lint.inventory.tasks.sendings import Sending
    from celery_lint.inventory.tasks.task import Task
    from celery_lint.model.commands import WorkerCommand
    from celery_lint.model.facts import Function, Module, Place, Value
    from celery_lint.project.known import Known


def graph(root: str, known: Known, diagnostics: Iterable[Diagnostic], prefix: str = "") -> Graph:
    """The graph of a project; ``prefix`` begins its ids, and tells several projects apart."""
    drawing = _Drawing(root, known, prefix)
    drawing.draw()
    return with_diagnostics(list(drawing.nodes.values()), list(drawing.edges.values()), diagnostics)


class _Drawing:
    """A graph while it is made."""

    def __init__(self, root: str, known: Known, prefix: str) -> None:
        from celery_lint.inventory.tasks.schedules import Schedules
        from celery_lint.inventory.tasks.sendings import Sendings
        from celery_lint.inventory.tasks.tasks import Tasks
        from celery_lint.inventory.workers.task_names import TaskNames
        from celery_lint.inventory.workers.unsent import Unsent

        self.root, self.known, self.prefix = root, known, prefix
        self.project = known.project
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.names = known.of(TaskNames)
        self.unsent = known.of(Unsent)
        self.tasks = known.of(Tasks).product
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, EdgeKind], Edge] = {}

    def draw(self) -> None:
        """Everything, in the order of the life of a message."""
        for task in self.tasks:
            self._task(task)
        for sending in self.sendings.all:
            self._sending(sending)
        self._handings()
        self._reached()
        for entry in self.schedules.all:
            self._entry(entry)
        self._registries()
        self._workers()
        self._applications()

    def _add(
        self,
        key: str,
        kind: NodeKind,
        name: str,
        label: str,
        group: str,
        place: Place | None,
        mark: Mark = "",
        facts: Iterable[tuple[str, str]] = (),
        lines: tuple[int, int] | None = None,
    ) -> str:
        found = f"{self.prefix}{key}"
        path, line = ("", 0) if place is None else (absolute_path(self.root, place.path), place.span.line)
        node = Node(found, kind, name, label, group, path, line, lines or (line, line), mark, tuple(facts))
        self.nodes.setdefault(found, node)
        return found

    def _join(
        self, source: str, target: str, kind: EdgeKind, how: str = "", place: Place | None = None
    ) -> None:
        if source == target and kind != "sends":
            return
        key = (source, target, kind)
        edge = self.edges.get(key) or Edge(source, target, kind, (), ())
        at = (absolute_path(self.root, place.path), place.span.line) if place is not None else None
        self.edges[key] = edge._replace(
            how=edge.how if not how or how in edge.how else (*edge.how, how),
            places=edge.places if at is None or at in edge.places else (*edge.places, at),
        )

    # ------------------------------------------------------------------ tasks and who sends them

    def _id(self, task: Task) -> str:
        return f"{self.prefix}{_key(task)}"

    def _task(self, task: Task) -> None:
        from celery_lint.engine.describing_task import kind_of, options_of, signature_of

        def at(place: Place) -> tuple[str, int]:
            return place.path, place.span.line

        facts = [("task", kind_of(task))]
        for entry in signature_of(self.known, task, at):
            facts += [("signature", entry.name), ("arguments", entry.detail)]
        for entry in options_of(self.known, task, at):
            facts.append((entry.name, entry.detail))
        mark: Mark = "unsent" if self.unsent.why(task) not in (None, "doubled") else ""
        lines = _lines(task.function) if task.function is not None else None
        if task.class_ is not None:
            first = task.class_.span.line
            lines = first, max(lines[1] if lines else first, first)
        group = task.module.path
        self._add(_key(task), "task", task.name, task.label, group, task.place, mark, facts, lines)

    def _function(self, module: Module, function: Function) -> str:
        label, place = _label(function), module.place(function.span)
        lines = _lines(function) if function.name else None
        key = f"function:{module.path}:{function.qualname}"
        return self._add(key, "function", label, label, module.path, place, lines=lines)

    def _sender(self, sending: Sending) -> str:
        around = self.sendings.task_around(sending)
        if around is not None and self._id(around) in self.nodes:
            return self._id(around)
        return self._function(sending.module, sending.function)

    def _sending(self, sending: Sending) -> None:
        if sending.task is not None:
            target = self._id(sending.task)
            if target not in self.nodes:  # the task of a test or an example
                return
            queue = self.project.text(sending.module, dict(sending.options).get("queue"))
            if queue:
                self._join(target, self._queue(queue), "routed", f"queue= of {sending.how}", sending.place)
        else:
            name = self._written(sending)
            if name is None:
                return
            target = self._name(sending.module, name)
        kind: EdgeKind = "sends" if sending.sends else "makes"
        self._join(self._sender(sending), target, kind, sending.how, sending.place)

    def _written(self, sending: Sending) -> str | None:
        """The name that a sending writes, where no task has it."""
        if sending.through != "application":
            return None
        return sending.call.argument(0, "name" if sending.how == "send_task" else "varies").text or None

    def _name(self, module: Module, name: str, scheduled: bool = False) -> str:
        """The node of a name that no task in sight has; a name in a message may belong to another service."""
        missing = self.names.missing(module, name)
        facts = [("perhaps meant", missing.guess)] if missing is not None and missing.guess else []
        mark: Mark = "unseen"
        if missing is not None and (scheduled or missing.why != "module"):
            mark = "missing"
        found = self._add(f"name:{name}", "name", name, name, "Names without a task", None, mark, facts)
        if mark == "missing":
            self.nodes[found] = self.nodes[found]._replace(mark=mark)
        return found

    def _handings(self) -> None:
        from celery_lint.inventory.tasks.canvas.handings import Handings

        kinds: dict[str, EdgeKind] = {"chain": "chain", "chord": "chord"}
        for handing in self.known.of(Handings).all:
            after = handing.after.task
            if after is None or self._id(after) not in self.nodes:
                continue
            for before in handing.before:
                if before.task is not None and self._id(before.task) in self.nodes:
                    self._join(
                        self._id(before.task),
                        self._id(after),
                        kinds.get(handing.kind, "link"),
                        "" if handing.kind in kinds else handing.kind,
                        handing.after.place,
                    )

    def _reached(self) -> None:
        """The functions that send for a task that calls them."""
        from celery_lint.inventory.code.graph import CallGraph

        reached = self.known.of(CallGraph).deeply_reached
        for module in self.project.product_modules():
            for _, function in module.functions.every():
                sender = f"{self.prefix}function:{module.path}:{function.qualname}"
                for way in reached.get((module.path, function.qualname), ()) if sender in self.nodes else ():
                    if way.is_called and self._id(way.task) in self.nodes:
                        self._join(self._id(way.task), sender, "calls")

    # ------------------------------------------------------------------ the schedule, registries

    def _entry(self, entry: Scheduled) -> None:
        place = entry.place
        label = entry.key or f"{place.path.rpartition('/')[2]}:{place.span.line}"
        facts = [(name, _shown(value)) for name, value in entry.given.items() if name not in ("task", "sig")]
        if not entry.certain:
            facts.append(("loaded", "nobody can tell whether an application does"))
        node = self._add(
            f"entry:{place.path}:{place.span.line}:{place.span.column}",
            "entry",
            label,
            label,
            "Schedule",
            place,
            facts=facts,
            lines=(place.span.line, max(place.span.line, entry.value.span.end_line)),
        )
        task = self.schedules.task(entry)
        if task is not None and self._id(task) in self.nodes:
            self._join(node, self._id(task), "schedules", "", place)
        elif task is None and entry.written != "call":
            name = self.project.text(entry.module, entry.given.get("task"))
            if name:
                self._join(node, self._name(entry.module, name, True), "schedules", "", place)

    def _registries(self) -> None:
        from celery_lint.inventory.tasks.registries import Registries

        for registry in self.known.of(Registries).all:
            for entry in registry.entries:
                task = entry.task
                if task is None or self._id(task) not in self.nodes:
                    continue
                node = self._add(
                    f"key:{registry.origin[0]}:{registry.name}:{entry.key}",
                    "key",
                    entry.key,
                    entry.key,
                    f"{registry.name} in {registry.module.path}",
                    entry.key_place,
                )
                self._join(node, self._id(task), "holds", "", entry.key_place)
                for dispatcher in registry.dispatchers:
                    sender = self._function(dispatcher.module, dispatcher.function)
                    self._join(
                        sender, node, "sends", "by its key", dispatcher.module.place(dispatcher.function.span)
                    )

    # ------------------------------------------------------------------ queues, pools, applications

    def _workers(self) -> None:
        from celery_lint.inventory.application.applications import Applications
        from celery_lint.inventory.application.commands import Commands
        from celery_lint.inventory.workers.pools import Pools
        from celery_lint.inventory.workers.queues import Queues
        from celery_lint.model.commands import ANY_QUEUE

        queues = self.known.of(Queues)
        for task in self.tasks:
            found = queues.of([task])
            for name in sorted(found or ["?"]):
                self._join(self._id(task), self._queue(name), "routed")
        pools = self.known.of(Pools).of_applications(self.known.of(Applications).product)
        for pool in pools.known:
            place = pool.place if pool.place.path else None
            node = self._add(
                f"pool:{pool.where}:{pool.name}:{','.join(pool.queues)}",
                "pool",
                pool.name,
                pool.name,
                "Workers",
                place,
                facts=[("read in", pool.where)],
            )
            for name in pool.queues:
                if name != ANY_QUEUE:
                    self._join(self._queue(name), node, "consumes")
        for command in pools.hidden:
            self._hidden(command)
        stated = [command for command in self.known.of(Commands).all if not pools.known]
        for command in stated:
            self._hidden(command)

    def _queue(self, name: str) -> str:
        label = "unknown: only the run knows" if name == "?" else name
        return self._add(f"queue:{name}", "queue", label, label, "Queues", None)

    def _hidden(self, command: WorkerCommand) -> None:
        why = f"`{command.hidden}` may name it" if command.hidden else "the command hides it"
        self._add(
            f"pool:{command.path}:{command.line}",
            "pool",
            "unknown pool",
            "unknown pool",
            "Workers",
            command.place,
            facts=[("pool", why)],
        )

    def _applications(self) -> None:
        from celery_lint.inventory.application.applications import Applications
        from celery_lint.inventory.application.broker import BrokerSettings
        from celery_lint.inventory.tasks.belonging import Belonging

        belonging = self.known.of(Belonging)
        broker = self.known.of(BrokerSettings).broker.kind or "unknown"
        counts: dict[tuple[str, str], int] = {}
        for task in self.tasks:
            for application in belonging.of(task):
                counts[application.origin] = counts.get(application.origin, 0) + 1
        found: list[Application] = self.known.of(Applications).product
        for application in found:
            path, name = application.origin
            facts = [("tasks", str(counts.get(application.origin, 0))), ("broker", broker)]
            self._add(
                f"application:{path}:{name}",
                "application",
                f"{name} in {path}",
                name,
                "Applications",
                application.place,
                facts=facts,
                lines=(application.place.span.line, application.place.span.end_line),
            )


def _key(task: Task) -> str:
    return f"task:{task.module.path}:{task.qualname}"


def _lines(function: Function) -> tuple[int, int]:
    """The lines of a function, with those of its decorators."""
    first = min([function.span.line, *(decorator.span.line for decorator in function.decorators)])
    return first, max(function.end_line, function.span.line)


def _label(function: Function) -> str:
    return function.qualname.replace("/", ".").partition("@")[0] or "(module level)"


def _shown(value: Value) -> str:
    if value.kind == "constant":
        return repr(value.data)
    if value.kind == "sequence":
        return f"({', '.join(map(_shown, value.items))})"
    if value.kind == "mapping":
        return "{…}" if value.items else "{}"
    name = value.chain.lstrip(":%~.").removesuffix("()").rpartition(".")[2]
    if value.kind == "call":
        given = [
            *map(_shown, value.items),
            *(f"{key}={_shown(item)}" for key, item in value.keywords if key.isidentifier()),
        ]
        return f"{name}({', '.join(given)})"
    return name or "…"
