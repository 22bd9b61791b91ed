"""Tickets taken over from another system (T8): its records → decisions, which `apply` writes as it writes all others."""
