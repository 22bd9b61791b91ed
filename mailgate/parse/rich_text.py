"""Rich text (RTF) as Outlook keeps it in a winmail.dat: unpacked ([MS-OXRTFCP]) and read as text."""

import re

from mailgate.parse import charset

_PACKED, _UNPACKED = b"LZFu", b"MELA"
_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans "
    b"SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u"
    b"\\tab\\tx"
)
_MOST = 4 * 1024 * 1024
_TOKEN = re.compile(r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
_UNSEEN = frozenset(
    ("fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "themedata", "datastore", "listtable",
     "listoverridetable", "rsidtbl", "generator", "htmltag", "mhtmltag", "latentstyles", "xmlnstbl", "filetbl")
)  # fmt: skip
_WORDS = {"par": "\n", "line": "\n", "row": "\n", "sect": "\n", "page": "\n", "tab": "\t", "cell": " ", "emdash": "\u2014",
          "endash": "\u2013", "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d",
          "bullet": "\u2022", "emspace": " ", "enspace": " "}  # fmt: skip


def text_of(raw: bytes) -> str:
    """Return the text of rich text that is packed, or only wrapped; "" where it is neither."""
    source = _unpacked(raw)
    return _read(source.decode("latin-1")) if source.lstrip().startswith(b"{\\rtf") else ""


def _unpacked(raw: bytes) -> bytes:
    kind, size = raw[8:12], min(int.from_bytes(raw[4:8], "little"), _MOST)
    if kind == _UNPACKED:
        return raw[16 : 16 + size] if size else raw[16:]
    if kind != _PACKED:
        return raw
    window = bytearray(_START + b"\0" * (4096 - len(_START)))
    write, at, out = len(_START), 16, bytearray()
    while at < len(raw) and len(out) < size:
        flags = raw[at]
        at += 1
        for bit in range(8):
            if at >= len(raw) or len(out) >= size:
                break
            if not flags >> bit & 1:
                piece = raw[at : at + 1]
                at += 1
                offset = -1
            else:
                pair = int.from_bytes(raw[at : at + 2], "big")
                at += 2
                offset, length = pair >> 4, (pair & 15) + 2
                if offset == write:
                    return bytes(out)
                piece = b"." * length
            for place in range(len(piece)):
                byte = piece[place] if offset < 0 else window[(offset + place) % 4096]
                out.append(byte)
                window[write] = byte
                write = (write + 1) % 4096
    return bytes(out[:size])


def _read(source: str) -> str:
    reader = _Reader()
    for token in _TOKEN.finditer(source, 0, _MOST):
        reader.take(*token.groups())
    reader.flush()
    return charset.clean("".join(reader.out)).strip()


class _Reader:
    """Collects what is to be seen, token by token."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.pending = bytearray()  # characters of the code page, which may be two bytes each
        self.page = "cp1252"
        self.stack: list[bool] = []
        self.is_hidden = False
        self.skips, self.after = 0, 1  # characters that stand for the Unicode one before them, for old readers

    def take(
        self, word: str | None, number: str | None, code: str | None, symbol: str | None, brace: str | None, text: str | None
    ) -> None:  # fmt: skip
        if code is not None:
            self._code(code)
            return
        self.flush()
        if brace == "{":
            self.stack.append(self.is_hidden)
        elif brace == "}":
            self.is_hidden = self.stack.pop() if self.stack else False
        elif symbol == "*" or word in _UNSEEN:
            self.is_hidden = True
        elif word:
            self._word(word, number or "")
        elif not self.is_hidden:
            self._text(symbol, text)

    def flush(self) -> None:
        if self.pending:
            self.out.append(charset.decode(bytes(self.pending), self.page)[0])
            self.pending.clear()

    def _code(self, code: str) -> None:
        if self.skips:
            self.skips -= 1
        elif not self.is_hidden:
            self.pending.append(int(code, 16))

    def _word(self, word: str, number: str) -> None:
        if word == "ansicpg" and number:
            self.page = f"cp{number}"
        elif word == "uc" and number:
            self.after = max(0, int(number))
        elif word == "u" and number and not self.is_hidden:
            self.out.append(chr(int(number) % 65536))
            self.skips = self.after
        elif word in _WORDS and not self.is_hidden:
            self.out.append(_WORDS[word])

    def _text(self, symbol: str | None, text: str | None) -> None:
        if symbol is not None:
            self.out.append({"~": " ", "_": "-"}.get(symbol, symbol if symbol in "\\{}" else ""))
        elif text:
            self.out.append(text[self.skips :])
            self.skips = 0
