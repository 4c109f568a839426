"""Work that coroutines of tasks start beside themselves: what becomes of it, and how long it takes."""
