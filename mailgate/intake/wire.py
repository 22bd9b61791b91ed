"""The wire: what a peer has sent and nobody has taken yet, cut into command lines and whole mails (RFC 5321, 2.3.8, 4.5.2)."""

LINE_BYTES = 4096  # a longer line is no command: of the rest only its end matters
_END = b"\r\n.\r\n"
_LONG = bytes(LINE_BYTES + 1)


class Wire:
    """Bytes go in as they come, in any pieces; what comes out does not depend on where they were cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._is_long = False  # within a line whose end is not here yet, and whose beginning is dropped
        self._dropped = 0  # bytes of the present mail that were let go of

    def __len__(self) -> int:
        """Return how many bytes are held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer += data

    def clear(self) -> None:
        """Forget all of it (RFC 3207, 4.2: nothing that was said in the clear counts)."""
        self._buffer.clear()
        self._scanned = 0
        self._is_long = False

    def line(self) -> bytes | None:
        """Return the next command line without its end, or None until it is whole. A bare LF ends a command, as it always
        has. Of one longer than LINE_BYTES nothing is known but that it is longer."""
        buffer = self._buffer
        end = buffer.find(b"\n", self._scanned)
        if end < 0:
            if len(buffer) > LINE_BYTES:
                self._is_long = True
                buffer.clear()
            self._scanned = len(buffer)
            return None
        line = bytes(memoryview(buffer)[:end])
        del buffer[: end + 1]
        self._scanned = 0
        if self._is_long or len(line) > LINE_BYTES:
            self._is_long = False
            return _LONG
        return line.rstrip(b"\r")

    def begin_mail(self) -> None:
        """What follows is a mail, to its CRLF.CRLF."""
        self._scanned = self._dropped = 0

    @property
    def received(self) -> int:
        """How many bytes of the present mail, and whatever was sent behind it, have come."""
        return self._dropped + len(self._buffer)

    def mail(self) -> bytes | None:
        """Return the mail as it was before transparency, or None until it is whole. Only CRLF.CRLF ends it, or a first
        line of a dot; what was sent behind it stays."""
        buffer = self._buffer
        if not self._dropped and buffer[:3] == b".\r\n":
            del buffer[:3]
            return b""
        end = buffer.find(_END, self._scanned)
        if end < 0:
            self._scanned = max(0, len(buffer) - len(_END) + 1)
            return None
        raw = bytes(memoryview(buffer)[: end + 2])
        del buffer[: end + len(_END)]
        self._scanned = 0
        if b"\r\n." in raw:
            raw = raw.replace(b"\r\n.", b"\r\n")
        return raw[1:] if raw.startswith(b".") and not self._dropped else raw

    def drop(self) -> None:
        """Let go of what is here of a mail that is refused anyway: only its end is waited for."""
        gone = len(self._buffer) - len(_END) + 1
        if gone > 0:
            del self._buffer[:gone]
            self._dropped += gone
            self._scanned = 0
