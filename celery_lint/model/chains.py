"""Chains: how facts name things.

A *chain* is how facts name things before anything is linked. It is the dotted path of an expression,
with its first component resolved as far as the module itself can tell:

    ``asyncio.run``            imported, absolute
    ``..database.engine``      imported, relative to this module
    ``:Mailer.send``           defined in this module (``:outer/inner`` for a function in a function)
    ``%loop.close``            a parameter or a local variable that nobody can see through
    ``~print``                 bound nowhere in the module: a builtin, or from a star import
    ``make_app().conf``        ``()`` marks a call, ``[]`` a subscript
    ``make().1``               what a target takes that stands second: ``engine, sessions = make()``

Local variables that were bound once to such an expression are replaced by it, so ``loop.run()`` after
``loop = asyncio.new_event_loop()`` is the chain ``asyncio.new_event_loop().run``.
"""

from __future__ import annotations


def leaf_of_chain(chain: str) -> str:
    """The last component of a chain, without ``()``."""
    return chain.rpartition(".")[2].rstrip("()[]").lstrip(":~%")


def steps_of_component(part: str) -> tuple[str, list[str]]:
    """``task()()`` as the name and the steps after it."""
    if part[-1:] not in ("]", ")"):
        return part, []
    name = part.rstrip("()[]")
    tail = part[len(name) :]
    return name, [tail[index : index + 2] for index in range(0, len(tail), 2)]


def is_constant_name(chain: str) -> bool:
    """Whether a chain ends in a name that is spelled as those of constants are: `Kind.ALL`."""
    leaf = chain.rpartition(".")[2].lstrip(":~")
    return leaf.isupper() and leaf.isidentifier()
