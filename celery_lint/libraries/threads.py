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
#: These call a function in threads for each value, and give what it gives.
THREAD_MAPS = frozenset(
    [f"{executor}().map" for executor in THREAD_EXECUTORS]
    + [
        f"{pool}().{method}"
        for pool in ("multiprocessing.pool.ThreadPool", "multiprocessing.dummy.Pool")
        for method in ("map", "imap", "imap_unordered", "starmap")
    ]
)
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
