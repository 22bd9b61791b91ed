"""The values of the house: frozen, keyword-only, without clock, chance, file or socket."""
