"""Authentication-Results (RFC 8601), whoever wrote them; junk is left out."""

import re
from collections.abc import Iterable

import authres

from mailgate.model.mail import AuthMethod, AuthResults
from mailgate.parse import header

_MAX_LENGTH = 8192
# What most servers write: no comments, no quotes. The library takes 0.3 ms for it, this a tenth of that; whatever looks
# otherwise is the library's.
_ID = re.compile(r"\s*+([\w.-]++)\s*+\Z", re.ASCII)
_METHOD = re.compile(r"\s*+([\w-]++)=(\w++)((?:\s++\w++\.[\w-]++=[^\s;()\"\\]++)*)\s*+\Z", re.ASCII)
_PROPERTY = re.compile(r"(\w++\.[\w-]++)=(\S++)", re.ASCII)


def results(values: Iterable[str]) -> tuple[AuthResults, ...]:
    """Return the readable headers of `values`, in their order."""
    return tuple(found for value in values if (found := _result(value)) is not None)


def _result(value: str) -> AuthResults | None:
    text = header.decoded(value[:_MAX_LENGTH])
    return _plain_result(text) or _read_by_library(text)


def _plain_result(text: str) -> AuthResults | None:
    server, *parts = text.split(";")
    found = _ID.match(server)
    methods = [_METHOD.match(part) for part in parts if part.strip()]
    if not found or not methods or not all(methods):
        return None
    return AuthResults(
        authserv_id=found.group(1).lower(),
        methods=tuple(
            AuthMethod(
                method=one.group(1).lower(),
                result=one.group(2).lower(),
                properties={name.lower(): value for name, value in _PROPERTY.findall(one.group(3))},
            )
            for one in methods
            if one
        ),
    )


def _read_by_library(text: str) -> AuthResults | None:
    try:
        parsed = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {text}")
        return AuthResults(
            authserv_id=str(parsed.authserv_id or "").lower(),
            methods=tuple(
                AuthMethod(
                    method=str(one.method).lower(),
                    result=str(one.result).lower(),
                    properties={f"{prop.type}.{prop.name}".lower(): str(prop.value or "") for prop in one.properties},
                )
                for one in parsed.results
                if not isinstance(one, authres.NoneAuthenticationResult)
            ),
        )
    except Exception:  # authres raises SyntaxError, and less expected things on hostile input
        return None
