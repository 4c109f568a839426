"""The workers of a project: their pools, queues and limits."""
