"""A desk with sample people on loopback, and a short story played through the real listeners."""
