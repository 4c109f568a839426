"""Names that a module binds: what imports bring, what nothing shows, and what is read too early."""
