"""Tasks whose results are asked for or kept, and what is called when they fail."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import requests
from application import app, mark
from celery import Task, chord, current_task
from celery.result import AsyncResult
from django.conf import settings
from django.http import HttpResponse

settings.configure()


@app.task
def add(x: int, y: int) -> int:
    """Takes two numbers."""
    return x + y


@app.task
def marks(name: str) -> None:
    """Leave a trace."""
    mark(name)


# ------------------------------------------------------------------------------------ what is returned


def _kept(form: str) -> Any:
    if form == "exception":
        try:
            raise ValueError("no such order")
        except ValueError as error:
            return error
    made = {
        "set": lambda: {1, 2},
        "Path": lambda: Path("/tmp"),
        "timedelta": lambda: timedelta(seconds=1),
        "map": lambda: map(str, [1]),
        "in a dictionary": lambda: {"sums": {1, 2}},
        "deque": lambda: deque([1, 2]),
        "process": lambda: subprocess.run(["true"], timeout=5, check=True),
        "started process": lambda: subprocess.Popen(["true"]),
        "response": requests.Response,
        "response of httpx": lambda: httpx.Response(200),
        "response of django": HttpResponse,
    }
    return made[form]()


@app.task
def returns_what_json_refuses(form: str) -> Any:
    """The work is done, and the run has failed."""
    mark(f"did the work of {form}")
    return _kept(form)


@app.task(ignore_result=True)
def returns_it_to_nobody(form: str) -> Any:
    """Nobody keeps it."""
    mark(f"ignored {form}")
    return _kept(form)


@app.task
def returns_what_json_takes() -> Any:
    """Results are kept as tuples."""
    return {"numbers": [1, 2], "sent": add.delay(1, 2).id}


# ------------------------------------------------------------------------------------ polls


@app.task
def polls() -> None:
    """The only process waits for itself."""
    result = marks.delay("polled for")
    while not result.ready():
        time.sleep(0.1)


@app.task
def goes_on() -> None:
    """Who comes next is told before."""
    (add.si(1, 2) | marks.si("came next")).delay()


# ------------------------------------------------------------------------------------ no results


@app.task(ignore_result=True)
def ignores(name: str) -> str:
    """Nobody keeps its result."""
    mark(name)
    return name


@app.task
def reads_what_is_ignored(name: str) -> list[Any]:
    """`get` gives nothing at once, and the state never changes."""
    result = ignores.delay(name)
    got = result.get(timeout=30)
    time.sleep(3)
    return [got, result.ready(), result.successful(), result.failed()]


@app.task
def reads_what_is_kept() -> bool:
    """The same with a task that keeps it."""
    result = add.delay(1, 2)
    end = time.monotonic() + 30
    while not result.ready() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(result.successful())


# ------------------------------------------------------------------------------------ errbacks


@app.task
def fails() -> None:
    """Raise an error."""
    raise ValueError("no such order")


@app.task
def takes_two(exc: Any, task_id: str) -> None:
    """Gets three."""
    mark("takes two")


@app.task
def takes_four(request: Any, exc: Any, traceback: Any, reason: str) -> None:
    """Gets three."""
    mark("takes four")


@app.task
def takes_none() -> None:
    """Gets the id."""
    mark("takes none")


@app.task(bind=True)
def takes_itself_and_three(self: Task, request: Any, exc: Any, traceback: Any) -> None:
    """Gets the id."""
    mark("takes itself and three")


@app.task
def takes_three(request: Any, exc: Any, traceback: Any) -> None:
    """Gets three."""
    mark(f"takes three of {type(exc).__name__}")


@app.task
def takes_the_id(task_id: str) -> None:
    """Gets the id."""
    mark("takes the id")


@app.task(bind=True)
def takes_itself_and_the_id(self: Task, task_id: str) -> None:
    """Gets the id."""
    mark("takes itself and the id")


ERRBACKS = {
    task.name.rpartition(".")[2]: task
    for task in (
        takes_two,
        takes_four,
        takes_none,
        takes_itself_and_three,
        takes_three,
        takes_the_id,
        takes_itself_and_the_id,
    )
}


@app.task
def fails_with(name: str) -> None:
    """As an option of the message, and as one of the signature."""
    fails.apply_async(link_error=ERRBACKS[name].s())
    fails.s().on_error(ERRBACKS[name].s()).delay()


# ------------------------------------------------------------------------------------ signatures


@app.task
def gives_more_to_an_immutable_one() -> None:
    """What it is sent with is not handed on."""
    marks.si("as it was").delay("as it was not")


@app.task
def gives_more_to_a_mutable_one() -> None:
    """It is."""
    marks.s().delay("as it was given")


@app.task
def maps_stars_over(form: str) -> Any:
    """Each item is unpacked into arguments."""
    items: dict[str, list[Any]] = {"numbers": [1, 2], "texts": ["abc", "def"], "pairs": [(1, 2), (3, 4)]}
    if form == "chunks":
        return add.chunks([1, 2, 3], 2).group().delay().results[0].id
    return add.starmap(items[form]).delay().id


@app.task
def tells_what_became(task_id: str) -> str:
    """The state of a task."""
    result = AsyncResult(task_id, app=app)
    end = time.monotonic() + 30
    while not result.ready() and time.monotonic() < end:
        time.sleep(0.05)
    return f"{result.state}: {result.result}"


@app.task(ignore_result=True)
def adds_for_nobody(x: int, y: int) -> int:
    """Nobody keeps the sum."""
    return x + y


@app.task
def takes_sums(sums: list[int]) -> None:
    """The body of a chord."""
    mark("counted")


@app.task
def counts(kept: bool) -> None:
    """A chord of tasks whose results are kept, or not."""
    chord([(add if kept else adds_for_nobody).s(1, 2), add.s(3, 4)])(takes_sums.s())


# ------------------------------------------------------------------------------------ state of a task


class Remembering(Task):
    """Keeps what it works on in itself: one object for all that run at a time."""

    order: str

    def run(self, order: str) -> bool:
        """Whether it still is this order after a while."""
        self.order = order
        time.sleep(0.5)
        return bool(self.order == order)


class HandingOn(Task):
    """Hands on what it works on."""

    def run(self, order: str) -> bool:
        """Whether it still is this order after a while."""
        time.sleep(0.5)
        return self.same(order, order)

    def same(self, one: str, other: str) -> bool:
        """Compare."""
        return one == other


Remembering.name, HandingOn.name = "outcomes.remembers", "outcomes.hands_on"
app.register_task(Remembering())
app.register_task(HandingOn())


# ------------------------------------------------------------------------------------ direct calls


@app.task(bind=True)
def tells_its_state(self: Task) -> None:
    """Needs the id of its run."""
    self.update_state(state="PROGRESS", meta={"done": 1})


@app.task
def calls_it() -> None:
    """There is no id."""
    tells_its_state()


@app.task
def tells_it_as_the_one_that_runs(again: bool = False) -> str:
    """Catches what happens where there is no id."""
    try:
        current_task.update_state(state="PROGRESS")
        return tells_it_as_the_one_that_runs() if again else "told"
    except Exception as error:
        return str(error)


@app.task
def calls_one_that_catches_it() -> str:
    """The task that runs is the one that is called."""
    return str(tells_it_as_the_one_that_runs())


@app.task
def sends_it() -> None:
    """There is one."""
    tells_its_state.delay()
