"""Mails and a client for measuring."""
