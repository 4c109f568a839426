"""Servers and workers for the tests of the runtime: the same as for the proofs."""

from tests.proofs.conftest import _postgres, _redis, _stack, database, servers  # noqa: F401
