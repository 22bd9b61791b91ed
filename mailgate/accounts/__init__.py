"""Accounts from where they live (S10): sources → entries → the difference to what is there → rows."""
