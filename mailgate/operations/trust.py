"""Why a server's certificate is not believed, in words that say what to do."""

import ssl

# OpenSSL's X509_V_ERR_…: the numbers that VERIFY_X509_STRICT adds, which Python sets from 3.13 on
_STRICT = frozenset({24, 32, 41, *range(79, 95)})
_BY_NOBODY = frozenset({18, 19, 20, 21})
_EXPIRED, _OTHER_NAME = frozenset({10}), frozenset({62, 64})


def distrust(error: BaseException) -> tuple[str, str] | None:
    """Return what is wrong with a certificate and the advice, where that is what `error` comes from."""
    found = _verification(error)
    if found is None:
        return None
    said = found.verify_message
    if found.verify_code in _STRICT:
        return f"its certificate is made against RFC 5280 ({said}), which Python 3.13 and newer refuses", _ADVICE[
            "strict"
        ]
    if found.verify_code in _BY_NOBODY:
        return f"its certificate is signed by nobody whom this machine trusts ({said})", _ADVICE["nobody"]
    if found.verify_code in _EXPIRED:
        return "its certificate has expired", "renew it on that server"
    if found.verify_code in _OTHER_NAME:
        return f"its certificate is another server's ({said})", "write the name of the certificate into the url"
    return f"its certificate is not believed ({said})", _ADVICE["nobody"]


def _verification(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the error of the TLS library behind an error: libraries wrap it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


_ADVICE = {
    "strict": 'docs/install.md, "A CA of your own": a CA needs basicConstraints=critical,CA:TRUE and'
    " keyUsage=critical,keyCertSign,cRLSign, and what it signs an authorityKeyIdentifier",
    "nobody": "put the CA's certificate into /usr/local/share/ca-certificates/NAME.crt and run update-ca-certificates",
}
