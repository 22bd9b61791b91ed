"""Authentication-Results (RFC 8601), whoever wrote them; junk is left out."""

from collections.abc import Iterable

import authres

from mailgate.model.mail import AuthMethod, AuthResults
from mailgate.parse import header

_MAX_LENGTH = 8192


def results(values: Iterable[str]) -> tuple[AuthResults, ...]:
    """Return the readable headers of `values`, in their order."""
    return tuple(found for value in values if (found := _result(value)) is not None)


def _result(value: str) -> AuthResults | None:
    text = header.decoded(value[:_MAX_LENGTH])
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
