"""What a project keeps open: engines, sessions, clients."""
