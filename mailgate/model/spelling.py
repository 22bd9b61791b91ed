"""Numbers as letters: base32hex (RFC 4648, 7), lower case, which keeps the order of the bits."""

ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = tuple(one + other for one in ALPHABET for other in ALPHABET)


def spell(number: int, letters: int) -> str:
    """Return the lowest 5 × `letters` bits of `number`; `letters` is even."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(5 * letters - 10, -1, -10)])
