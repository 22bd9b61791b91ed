"""HTML to text: blocks as lines, quoted mail with `>`, signatures behind `-- `; nothing is ever fetched."""

import re
from collections.abc import Callable, Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED = ["script", "style", "template", "noscript", "head", "title", "object", "iframe"]
_BLOCK = frozenset(
    ("p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "section",
     "article", "header", "footer", "dl", "dt", "dd", "center", "form", "fieldset", "address", "figure", "main", "nav",
     "tbody", "thead")
)  # fmt: skip
_SPACED = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "dl"))
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_QUOTE_CLASS = re.compile(r"gmail_quote|quote|cite|reply-?body", re.IGNORECASE)
_ATTRIBUTION_CLASS = re.compile(r"(?:\A|\s)(?:gmail_attr|moz-cite-prefix|protonmail_quote_header)(?:\s|\Z)")
_SIGNATURE_CLASS = re.compile(
    r"(?:\A|\s)(?:gmail_signature|moz-signature|protonmail_signature_block|yahoo_signature|x_gmail_signature"
    r"|tutanota_signature|signature)(?:\s|\Z)"
)
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_BORDER = re.compile(r"border-left(?:-width)?\s*:\s*(?!none|0|medium none)", re.IGNORECASE)
_ENRICHED = re.compile(r"<(param)>[^<]{0,1000}</param>|</?[A-Za-z-]{1,40}>")
_MAX_HTML = 2_000_000
_TAG = re.compile(r"<(/?)(?!br|hr|img|meta|link|input|p\b|li\b|t[dhr]\b)[a-z]", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_LARGE = 40_000  # characters
_MAX_NESTING = 5_000
_MAX_NODES = 300_000
_MAX_DEPTH = 20


class Reader:
    """Turns HTML into text; `is_attribution` tells whether lines end with the attribution of a quote."""

    def __init__(self, is_attribution: Callable[[Sequence[str]], bool], is_forward_mark: Callable[[str], bool]) -> None:
        self._is_attribution = is_attribution
        self._is_forward_mark = is_forward_mark

    def text(self, html: str) -> str:
        """Return the text of `html`."""
        if "<" not in html:
            return html
        if len(html) > _LARGE and _is_too_deep(html):
            return _without_tags(html)
        try:
            tree = LexborHTMLParser(html[:_MAX_HTML])
            tree.strip_tags(_DROPPED, recursive=True)
        except Exception:  # a parser written in C says no in many ways; the text is then what is left without tags
            return _without_tags(html)
        writer = _Writer()
        if tree.body is not None:
            self._walk(tree.body, writer)
        return writer.result()

    def _walk(self, body: LexborNode, writer: "_Writer") -> None:
        stack: list[tuple[LexborNode, str]] = [(body, "")]
        nodes = 0
        while stack:
            node, closing = stack.pop()
            nodes += 1
            if closing:
                _close(node, closing, writer)
                continue
            tag = node.tag or ""
            if tag == "-text":
                writer.text(node.text_content or "")
                continue
            if tag.startswith(("-", "!", "_")) or nodes > _MAX_NODES:
                continue
            closing = self._open(node, tag, writer)
            if closing == "skip":
                continue
            stack.append((node, closing))
            child = node.last_child
            while child is not None:
                stack.append((child, ""))
                child = child.prev

    def _open(self, node: LexborNode, tag: str, writer: "_Writer") -> str:
        """Begin an element; what has to be done at its end comes back."""
        attributes = node.attributes
        if attributes and (style := attributes.get("style")) and _HIDDEN.search(style):
            return "skip"
        if tag == "br":
            writer.newline()
            return "skip"
        if tag == "hr":
            writer.rule()
            return "skip"
        if tag in ("img", "input", "svg"):
            return "skip"
        if tag in _BLOCK:
            writer.block(blank=tag in _SPACED)
        closing = "end"
        if tag == "blockquote" and self._is_quote(attributes, writer):
            writer.depth += 1
            return "quote"
        if tag == "pre":
            writer.pre += 1
            closing = "pre"
        elif tag == "li":
            writer.text("* ")
        elif tag == "a":
            closing = "link"
        if attributes:
            closing = self._special(node, attributes, writer, closing)
        return closing

    def _special(self, node: LexborNode, attributes: dict[str, str | None], writer: "_Writer", closing: str) -> str:
        name = attributes.get("class") or ""
        identity = attributes.get("id") or ""
        if name and _ATTRIBUTION_CLASS.search(name) and not self._is_forward_mark(node.text()[:400]):
            writer.block(blank=False)
            writer.depth += 1
            return "quote"
        if (
            name
            and _SIGNATURE_CLASS.search(name)
            or identity.lower() in ("signature", "ms-outlook-mobile-signature", "mail-editor-signature")
            or "data-signature-widget" in attributes
            and attributes["data-signature-widget"] == "container"
        ):
            writer.signature()
        return closing

    def _is_quote(self, attributes: dict[str, str | None], writer: "_Writer") -> bool:
        if (attributes.get("type") or "").lower() == "cite" or "cite" in attributes:
            return True
        if _QUOTE_CLASS.search(attributes.get("class") or "") or _BORDER.search(attributes.get("style") or ""):
            return True
        return writer.depth > 0 or self._is_attribution(writer.tail())


class _Writer:
    """Collects lines with their depth of quotation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.current: list[str] = []
        self.depth = 0
        self.pre = 0

    def text(self, text: str) -> None:
        if self.pre:
            head, *rest = text.replace("\r\n", "\n").split("\n")
            self.current.append(head)
            for line in rest:
                self.newline()
                self.current.append(line)
            return
        text = _SPACE.sub(" ", text)
        if text == " " and not self.current:
            return
        self.current.append(text)

    def newline(self) -> None:
        line = "".join(self.current)
        line = line.rstrip() if self.pre else _SPACE.sub(" ", line).strip()
        self.current.clear()
        self.lines.append("> " * 0 + (">" * min(self.depth, _MAX_DEPTH) + " " + line if self.depth else line))

    def block(self, *, blank: bool) -> None:
        if "".join(self.current).strip():
            self.newline()
        else:
            self.current.clear()
        if blank and self.lines and self.lines[-1].strip("> "):
            self.newline()

    def rule(self) -> None:
        self.block(blank=False)
        self.current.append("_" * 32)
        self.newline()

    def signature(self) -> None:
        self.block(blank=False)
        self.current.append("-- ")
        self.lines.append((">" * self.depth + " " if self.depth else "") + "-- ")
        self.current.clear()

    def tail(self) -> list[str]:
        lines = [*self.lines[-6:], "".join(self.current).strip()]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines[-4:]

    def result(self) -> str:
        if self.current:
            self.newline()
        text = "\n".join(self.lines)
        return re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", text).strip("\n")


def _close(node: LexborNode, closing: str, writer: _Writer) -> None:
    tag = node.tag or ""
    if closing == "link":
        _link(node, writer)
        return
    if tag in _BLOCK:
        writer.block(blank=tag in _SPACED)
    elif tag in ("td", "th"):
        writer.text(" ")
    if closing == "quote":
        if "".join(writer.current).strip():
            writer.newline()
        writer.depth -= 1
    elif closing == "pre":
        writer.pre -= 1


def _link(node: LexborNode, writer: _Writer) -> None:
    """Where a link leads is part of what was said, unless its text says it."""
    target = (node.attributes.get("href") or "").strip()
    if not target.startswith(("http://", "https://")) or len(target) > 500:
        return
    shown = (node.text() or "").strip()
    if shown and target.rstrip("/").removeprefix("https://").removeprefix("http://") not in shown:
        writer.text(f" <{target}>")


def _is_too_deep(html: str) -> bool:
    """The parser's time grows with the square of the nesting."""
    depth = 0
    for tag in _TAG.finditer(html, 0, _MAX_HTML):
        depth = max(0, depth - 1) if tag.group(1) else depth + 1
        if depth > _MAX_NESTING:
            return True
    return False


def _without_tags(html: str) -> str:
    return _ANY_TAG.sub(" ", html[:_MAX_HTML])


def plain(html: str) -> str:
    """Return the text of HTML in which nothing is looked for."""
    return Reader(lambda lines: False, lambda text: False).text(html)


def without_enriched(text: str) -> str:
    """Return the text of text/enriched (RFC 1896)."""
    return _ENRICHED.sub("", text.replace("<<", "<"))
