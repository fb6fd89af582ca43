"""`make demo`: starts every part as its own process, creates a pipe by REST and shows rows arriving."""
