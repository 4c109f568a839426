"""What opens the transaction that code runs in: a caller, or the request that it serves."""
