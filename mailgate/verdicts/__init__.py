"""What others say of a mail (S2, M9): asked between its arrival and its decision, with every effect that this takes."""
