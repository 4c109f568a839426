"""The language server: diagnostics for editors, as one types.

It speaks the Language Server Protocol over standard input and output, and logs on standard error. ``serving``
is the one module here that knows the protocol's library (the extra ``lsp``), and the one that needs it.
"""
