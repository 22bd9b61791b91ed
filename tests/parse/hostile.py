"""The worst texts and mails that we could think of, a megabyte each: what reads them must stay linear."""

from collections.abc import Mapping

SIZE = 1_000_000


def _filled(unit: str, size: int = SIZE) -> str:
    return unit * (size // len(unit))


TEXTS: Mapping[str, str] = {
    "newlines": _filled("\n"),
    "blank lines with spaces": _filled(" \n"),
    "one long line": _filled("a"),
    "spaces": _filled(" "),
    "on on on": _filled("On "),
    "on lines": _filled("On\n"),
    "on monday lines": _filled("On Monday, 9 June 2026\n"),
    "torn attributions": _filled("On Tue, 9 Jun 2026 at 10:12, <a@b.example\n"),
    "attributions": _filled("On Tue, 9 Jun 2026 at 10:12, x <a@b.example> wrote:\n"),
    "labels": _filled("From: \n"),
    "header blocks": _filled("From: a@b.example\nSent: Monday\n"),
    "labels with addresses": _filled("To: a@b.example;\n"),
    "dashes": _filled("-"),
    "dash lines": _filled("--\n"),
    "signature delimiters": _filled("-- \nx\n"),
    "rules": _filled("_" * 30 + "\n"),
    "rules and words": _filled("----- Original -----\n"),
    "quote marks": _filled(">"),
    "quoted lines": _filled("> a\n"),
    "deep quotes": _filled(">" * 200 + " x\n"),
    "at signs": _filled("a@"),
    "dots": _filled("a."),
    "colons": _filled("a:\n"),
    "digits": _filled("1"),
    "dates": _filled("9.6.2026 "),
    "dates in lines": _filled("9.6.2026 10:12\n"),
    "open brackets": _filled("["),
    "half tags": _filled("[flexihost #"),
    "tags of spaces": "[flexihost" + _filled(" "),
    "ticket ticket": _filled("ticket "),
    "sent from": _filled("Sent from "),
    "sent from lines": _filled("Sent from my \n"),
    "re re re": _filled("Re: "),
    "footers": _filled("This email and any attachments\n"),
    "begin": _filled("begin 644 a\n"),
    "cyrillic": _filled("Отправлено с "),
    "zero width": _filled("\u200b\u200e"),
}

HTMLS: Mapping[str, str] = {
    "deep divs": _filled("<div>", 200_000) + "x",
    "deep quotes": _filled("<blockquote type=cite>", 200_000) + "x",
    "open tags": _filled("<"),
    "entities": _filled("&nbsp;"),
    "attributes": "<p " + _filled('a="b" ') + ">",
    "styles": _filled('<p style="border-left: display"></p>', 300_000),
    "breaks": _filled("<br>"),
    "comments": _filled("<!--"),
    "links": _filled('<a href="http://a.example/">x</a>', 300_000),
    "nested tables": _filled("<table><tr><td>", 150_000),
}

_TEXT_HEADER = "From: a@b.example\nTo: c@d.example\n"

MAILS: Mapping[str, bytes] = {
    "a huge subject": f"Subject: {_filled('Re: ', 200_000)}\n\nx".encode(),
    "encoded words": f"Subject: {_filled('=?utf-8?B?YQ==?= ', 200_000)}\n\nx".encode(),
    "open encoded words": f"Subject: {_filled('=?utf-8?B?', 200_000)}\n\nx".encode(),
    "addresses": f"From: {_filled('a@b.example, ', 200_000)}\n\nx".encode(),
    "open comments": f"From: {_filled('(', 200_000)}\n\nx".encode(),
    "open quotes": f"From: {_filled(chr(34), 200_000)}\n\nx".encode(),
    "angle brackets": f"From: {_filled('<', 200_000)}\n\nx".encode(),
    "names": f"From: {_filled('a b ', 200_000)}<a@b.example>\n\nx".encode(),
    "references": f"References: {_filled('<a@b> ', 200_000)}\n\nx".encode(),
    "parameters": f"Content-Type: text/plain; {_filled('a=b; ', 200_000)}\n\nx".encode(),
    "parameters of quotes": f"Content-Type: text/plain; {_filled('a=' + chr(34), 200_000)}\n\nx".encode(),
    "continued parameters": ("Content-Type: text/plain" + "".join(f"; n*{i}=x" for i in range(15_000)) + "\n\nx").encode(),
    "dates": f"Date: {_filled('1 ', 200_000)}\n\nx".encode(),
    "authentication results": (_TEXT_HEADER + f"Authentication-Results: a; {_filled('dkim=pass ', 60_000)}\n\nx").encode(),
    "received": (_TEXT_HEADER + _filled("Received: from a by b;\n", 20_000) + "\nx").encode(),
    "base64 of nothing": (_TEXT_HEADER + "Content-Transfer-Encoding: base64\n\n" + _filled("=")).encode(),
    "base64 torn": (_TEXT_HEADER + "Content-Transfer-Encoding: base64\n\n" + _filled("QQ=\n")).encode(),
    "quoted-printable": (_TEXT_HEADER + "Content-Transfer-Encoding: quoted-printable\n\n" + _filled("=3D=\n")).encode(),
    "eight bit": _TEXT_HEADER.encode() + b"\n" + bytes(range(128, 256)) * 8000,
    "uuencode": (_TEXT_HEADER + "\n" + _filled("begin 644 x\nM" + "A" * 60 + "\n")).encode(),
    "boundaries": (_TEXT_HEADER + "Content-Type: multipart/mixed; boundary=b\n\n" + _filled("--bb\n")).encode(),
    "boundary in text": (_TEXT_HEADER + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + _filled("--b-\n")).encode(),
    "delivery status": (
        "From: mailer-daemon@b.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n"
        "--b\nContent-Type: message/delivery-status\n\n" + _filled("Final-Recipient: rfc822; a@b.example\n\n") + "\n--b--\n"
    ).encode(),
    "free bounce": (
        "From: mailer-daemon@b.example\nReturn-Path: <>\nSubject: failure notice\n\n" + _filled("<a@b.example>:\n")
    ).encode(),
}  # fmt: skip
