"""``run_async`` in processes of gevent, of eventlet and of neither, each a program of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.processes import run

REPOSITORY = Path(__file__).parent.parent.parent

#: `spawn(function)` starts a thread or greenlet, `wait(made)` waits for its end.
PATCHED = {
    "threads": """
import threading, time
def spawn(function, *arguments):
    made = threading.Thread(target=function, args=arguments, daemon=True)
    made.start()
    return made
def wait(made): made.join()
sleep = time.sleep
in_thread = spawn
""",
    "gevent": """
from gevent import monkey; monkey.patch_all()
import gevent
from gevent import sleep, spawn
def wait(made): made.join()
in_thread = gevent.get_hub().threadpool.spawn
""",
    "eventlet": """
import eventlet; eventlet.monkey_patch()
from eventlet import sleep, spawn, tpool
def wait(made): made.wait()
def in_thread(function, *arguments): return spawn(tpool.execute, function, *arguments)
""",
}
BASE = """
import asyncio, logging, os, sys, time
from celery_lint.runtime import event_loop, run_async, shutdown
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s")
async def answer(number, seconds=0.0):
    await asyncio.sleep(seconds)
    return number
"""


@pytest.fixture(params=PATCHED)
def library(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name != "threads":
        pytest.importorskip(name)
    return name


def program(library: str, text: str) -> str:
    """What a program prints."""
    done = run(
        [sys.executable, "-W", "ignore", "-c", PATCHED[library] + BASE + text],
        cwd=REPOSITORY,
        environment={"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.code == 0, (done.out + done.err)[-3000:]
    return done.out + done.err


MANY = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
async def meet():
    global here
    here += 1
    if here == 1000:
        everybody.set()
    await everybody.wait()
    return len(os.listdir("/proc/self/fd"))
here, everybody, found = 0, asyncio.Event(), []
callers = [spawn(lambda: found.append(run_async(meet()))) for _ in range(1000)]
for caller in callers: wait(caller)
shutdown()
assert len(found) == 1000, len(found)
assert max(found) < 60, max(found)
print("met")
"""


def test_a_thousand_calls_wait_without_a_descriptor_each(library: str) -> None:
    assert program(library, MANY) == "met\n"


EXITS = """
async def leave(): sys.exit(3)
async def cancelled():
    asyncio.current_task().cancel()
    await asyncio.sleep(1)
def caller(coroutine):
    try: run_async(coroutine)
    except RuntimeError as error: found.append(type(error.__cause__).__name__)
found = []
loop = run_async(answer(asyncio)) and event_loop._owner.loop
bystander = spawn(lambda: found.append(run_async(answer("bystander", 0.5))))
for coroutine in (leave(), cancelled()):
    wait(spawn(caller, coroutine))
wait(bystander)
assert event_loop._owner.loop is loop
print(found, run_async(answer(7)))
shutdown()
"""


def test_an_exit_ends_neither_the_loop_nor_others(library: str) -> None:
    assert program(library, EXITS) == "['SystemExit', 'CancelledError', 'bystander'] 7\n"


NATIVE = """
def call(number): found.append(run_async(answer(number, 0.01)))
found = []
run_async(answer(0))
callers = [in_thread(call, number) for number in range(8)]
deadline = time.monotonic() + 120
while len(found) < 8 and time.monotonic() < deadline: sleep(0.05)
print(sorted(found))
shutdown()
"""


def test_other_threads_of_the_operating_system_may_call(library: str) -> None:
    assert program(library, NATIVE) == "[0, 1, 2, 3, 4, 5, 6, 7]\n"


WATCHED = """
import tempfile
event_loop.warn_when_blocked(0.2)
file = tempfile.NamedTemporaryFile("r")
logging.getLogger().handlers[:] = [logging.FileHandler(file.name)]
def said(text):
    file.seek(0)
    return text in file.read()
def until(text, meanwhile):
    deadline = time.monotonic() + 120
    while not said(text) and time.monotonic() < deadline: meanwhile()
    assert said(text), text
"""
BLOCKED = """
async def compute(): until("in compute", lambda: sum(range(1000)))
async def sleep_in_it(): until("in sleep_in_it", lambda: sleep(0.01))
for block in (compute, sleep_in_it):
    run_async(block())
    until("goes on", lambda: sleep(0.01))
    assert said("the event loop has been blocked for")
shutdown()
print("said")
"""


def test_a_blocked_loop_is_told_with_the_code_that_blocks_it(library: str) -> None:
    assert program(library, WATCHED + BLOCKED) == "said\n"


BEHIND = """
def selfish(): until("in selfish", lambda: sum(range(1000)))
run_async(answer(1))
wait(spawn(selfish))
shutdown()
print("said")
"""


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_a_greenlet_that_keeps_the_loop_from_running_is_named(library: str) -> None:
    pytest.importorskip(library)
    assert program(library, WATCHED + BEHIND) == "said\n"


#: All callers wait when it forks: a greenlet that is ready to run then goes on in a child of gevent's.
FORK = """
async def until_forked():
    waiting.append(1)
    while not forked: await asyncio.sleep(0.005)
def work(number):
    run_async(until_forked())
    for round in range(40):
        assert run_async(answer(round, 0.005)) == round
    done.append(number)
waiting, forked, done = [], [], []
callers = [spawn(work, number) for number in range(5)]
while len(waiting) < 5: sleep(0.005)
child = os.fork()
if child == 0:
    try:
        assert run_async(answer(1, 0.01)) == 1
        sleep(1)
        assert not done, "the parent's callers go on in the child"
        shutdown()
        os._exit(0)
    finally:
        os._exit(1)
forked.append(child)
deadline = time.monotonic() + 60
while len(done) < 5 and time.monotonic() < deadline: sleep(0.05)
print(sorted(done), os.waitpid(child, 0)[1], flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("library", ["threads", "gevent"])
def test_a_fork_after_use_leaves_parent_and_child_in_order(library: str) -> None:
    """eventlet's hub stays one with the parent's, whatever we do."""
    if library != "threads":
        pytest.importorskip(library)
    assert program(library, FORK) == "[0, 1, 2, 3, 4] 0\n"
