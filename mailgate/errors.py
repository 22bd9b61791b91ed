"""Trouble that the code cannot decide, by whose it is and whether it passes.

An expected outcome is a value, never one of these. `public` is safe to show to a peer; the message itself is for our
own log and for the person at the terminal.
"""


class MailgateError(Exception):
    """The root: anything mailgate raises on purpose."""


class Refused(MailgateError):
    """Refused for good: the same request would be refused again (SMTP 5xx, exit 1 or 65)."""


class TryLater(MailgateError):
    """Trouble of our own that passes: the peer should try again (SMTP 451, exit 75)."""


class ConfigError(MailgateError):
    """The configuration cannot be used; `complaints` name file, key and what is allowed, all of them at once."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints
