"""The long hunt: whatever a file holds, the linter must not fail, and must say the same again.

    python -m scripts.hunt                        everything, in the long form (about an hour)
    python -m scripts.hunt --short                a few of each kind, in seconds
    python -m scripts.hunt stdlib stubs           these kinds
    python -m scripts.hunt hostile --only 17      one trial again

A *kind* is a source of trials. A trial is one program, checked as a text of its own (so the search for
words that decides what is read does not hide it from the rules), or one workspace on disk. Of each is asked:

* no exception, no ``CEL999``, an end within a bound of processor time;
* places inside the files that they name, diagnostics in their order, every report can be written and holds
  nothing that could move a terminal's cursor;
* the same said twice; of a workspace also: the same without a cache, with a new one, and with a kept one;
* nothing executed, nothing written but the cache, nothing read outside the workspace (``SECURITY.md``).

Everything follows from ``--seed``. What has failed is kept in a folder and named with the command that tries
it again.
"""
