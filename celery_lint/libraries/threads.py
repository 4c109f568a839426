"""What Python calls threads, processes and the pools of them, by dotted path."""

from __future__ import annotations

THREAD = "threading.Thread"
THREADS = frozenset({THREAD, "threading.Timer"})
THREAD_EXECUTORS = frozenset(
    {"concurrent.futures.ThreadPoolExecutor", "concurrent.futures.thread.ThreadPoolExecutor"}
)
PROCESS_EXECUTORS = frozenset(
    {"concurrent.futures.ProcessPoolExecutor", "concurrent.futures.process.ProcessPoolExecutor"}
)
#: These hand work to threads.
THREAD_SUBMITS = frozenset(f"{executor}().submit" for executor in THREAD_EXECUTORS)
#: Containers of Python that can hold what a module keeps.
CONTAINERS = frozenset(
    {
        "builtins.dict()",
        "builtins.list()",
        "builtins.set()",
        "collections.Counter()",
        "collections.OrderedDict()",
        "collections.defaultdict()",
        "collections.deque()",
        "weakref.WeakValueDictionary()",
    }
)
