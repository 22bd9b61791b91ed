"""What is kept: tables, queries, one transaction context, and `gather` for the facts. No rule lives here."""
