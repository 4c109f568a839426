"""What becomes of it all: the facts that rules ask for, a wing for each family of rules."""
