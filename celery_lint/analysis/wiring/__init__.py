"""The facts that the rules about the wiring of tasks to schedulers ask for."""
