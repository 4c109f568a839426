"""Rules about tasks that are sent within a transaction of a database."""
