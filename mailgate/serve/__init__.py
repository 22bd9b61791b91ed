"""The running daemon: a front with doors, outbox and clock, and worker processes that it watches."""
