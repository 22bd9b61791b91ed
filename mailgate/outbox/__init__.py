"""The way out: what the outbox holds is handed to a relay, once, and settled."""
