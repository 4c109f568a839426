"""What runs in a task, and on which event loop.

There is one call graph, and several ways in, each for questions of its own:

* ``CallGraph.reached``: every function that a task may come to before it awaits anything, also one that is
  only mentioned, as a callback is. For *may a task come here at all*: settings, loops, messages.
* ``CallGraph.synchronous``: the plain functions among them, through all layers of an application, without
  those that the user vouches for. For what must not happen, or must happen, outside of coroutines: runs of
  loops, calls that need one.
* ``Runs.task_coroutines``: the functions that run inside the coroutines of tasks. For what must not block.
* ``Sites.all``: the functions that are called for certain, coroutines that are run included, with the way
  back to the task. For what a task does to its process, and whether an exception reaches it.
* ``Bodies.all``: the functions whose statements are the task's own: its function, the methods of its class,
  its coroutines. For results, handlers and what becomes of exceptions. ``Bodies.callees`` are the others.
"""
