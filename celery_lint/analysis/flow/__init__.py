"""The facts that the rules about exceptions, results and retries ask for."""
