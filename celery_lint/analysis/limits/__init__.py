"""The facts that the rules about limits, acknowledgement and delivery ask for."""
