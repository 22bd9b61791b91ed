"""Whose domain is whose: organizational domains and alignment (RFC 7489, 3.1 and 3.2)."""

from functools import cache

from publicsuffixlist import PublicSuffixList


def is_aligned(domain: str, from_: str, *, strict: bool) -> bool:
    """Say whether what is proved for `domain` speaks for the From domain `from_`; both in lower case."""
    return domain == from_ or (not strict and organization(domain) == organization(from_))


def organization(domain: str) -> str:
    """Return the organizational domain; a public suffix itself is its own. An end that the list does not know counts
    as a suffix, by the list's own rule."""
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True)
