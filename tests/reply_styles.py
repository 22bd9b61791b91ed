"""How mail programs answer a notice of ours: what they quote, how, and what they add of their own."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The mail that is answered, as its reader's program has it."""

    text: str
    sender: str  # "Support flexihost <support+r-…@flexihost.example>"
    to: str
    subject: str
    asked: str  # what the customer wrote in it


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The body of an answer, and what it says about itself."""

    text: str = ""
    html: str = ""
    prefix: str = "Re: "


Style = Callable[[str, Notice], Reply]
STYLES: dict[str, Style] = {}


def style(make: Style) -> Style:
    STYLES[make.__name__.strip("_")] = make
    return make


def quoted(text: str, mark: str = "> ") -> str:
    return "\n".join((mark + line).rstrip() for line in text.split("\n"))


def wrapped(text: str, width: int = 60) -> str:
    """Break long lines, each half quoted again, as programs do that know no format=flowed."""
    lines: list[str] = []
    for line in text.split("\n"):
        while len(line) > width and " " in line[:width]:
            head, line = line[:width].rsplit(" ", 1)[0], line[len(line[:width].rsplit(" ", 1)[0]) + 1 :]
            lines.append(head)
        lines.append(line)
    return "\n".join(lines)


def inline(answer: str, notice: Notice, mark: str = "> ") -> str:
    """Answer right below the last line of the customer, the rest of the notice quoted around it."""
    before, _, behind = notice.text.partition(notice.asked)
    return f"{quoted(before + notice.asked, mark)}\n{answer}\n{quoted(behind.lstrip(chr(10)), mark)}"


def as_html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


def attributed(line: str) -> Callable[[str, Notice], str]:
    return lambda answer, notice: f"{answer}\n\n{line.format(notice.sender)}\n{quoted(notice.text)}\n"


def headers(notice: Notice, names: str = "From Sent To Subject", bold: str = "") -> str:
    who, when, to, about = names.split(" ")
    values = (notice.sender, "Monday, June 8, 2026 12:00 PM", notice.to, notice.subject)
    return "\n".join(f"{bold}{name}:{bold} {value}" for name, value in zip((who, when, to, about), values, strict=True))


def _top(name: str, line: str) -> None:
    make = attributed(line)

    def styled(answer: str, notice: Notice) -> Reply:
        return Reply(text=make(answer, notice))

    STYLES[name] = styled


_top("gmail_top", "On Mon, Jun 8, 2026 at 12:00 PM {} wrote:\n")
_top("gmail_top_german", "Am Mo., 8. Juni 2026 um 12:00 Uhr schrieb {}:\n")
_top("gmail_top_polish", "pon., 8 cze 2026 o 12:00 {} napisał(a):\n")
_top("gmail_top_ukrainian", "пн, 8 черв. 2026 р. о 12:00 {} пише:\n")
_top("gmail_top_russian", "пн, 8 июн. 2026 г. в 12:00, {}:\n")
_top("roundcube", "On 2026-06-08 12:00, {} wrote:")
_top("roundcube_polish", "W dniu 2026-06-08 12:00, {} napisał(a):")
_top("roundcube_german", "Am 2026-06-08 12:00, schrieb {}:")
_top("yandex", "08.06.2026, 12:00, {}:")
_top("mail_ru", "Понедельник, 8 июня 2026, 12:00 +03:00 от {}:\n ")
_top("ukr_net", "8 червня 2026, 12:00:00, від {}:\n")
_top("k9", "Am 8. Juni 2026 12:00:00 MESZ schrieb {}:")


@style
def gmail_bottom(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"On Mon, Jun 8, 2026 at 12:00 PM {notice.sender} wrote:\n\n{quoted(notice.text)}\n\n{answer}\n")


@style
def gmail_inline(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"On Mon, Jun 8, 2026 at 12:00 PM {notice.sender} wrote:\n\n{inline(answer, notice)}\n")


@style
def gmail_html(answer: str, notice: Notice) -> Reply:
    who = html.escape(notice.sender)
    return Reply(
        text=attributed("On Mon, Jun 8, 2026 at 12:00 PM {} wrote:\n")(answer, notice),
        html=f'<div dir="ltr">{as_html(answer)}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, '
        f'Jun 8, 2026 at 12:00 PM {who} wrote:<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex">'
        f"{as_html(notice.text)}</blockquote></div>",
    )


@style
def gmail_html_alone(answer: str, notice: Notice) -> Reply:
    return Reply(html=gmail_html(answer, notice).html)


@style
def gmail_html_inline(answer: str, notice: Notice) -> Reply:
    before, _, behind = notice.text.partition(notice.asked)
    quote = '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">'
    return Reply(
        html=f'<div dir="ltr"><div class="gmail_attr">On Mon, Jun 8, 2026 {html.escape(notice.sender)} wrote:<br></div>'
        f"{quote}{as_html(before + notice.asked)}</blockquote><div>{as_html(answer)}</div>{quote}{as_html(behind)}"
        "</blockquote></div>"
    )


@style
def gmail_mobile(answer: str, notice: Notice) -> Reply:
    return Reply(
        text=f"{answer}\n\nOn Mon, Jun 8, 2026, 12:00 {notice.sender} wrote:\n\n{quoted(wrapped(notice.text))}\n"
    )


@style
def outlook_desktop(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"{answer}\n\n-----Original Message-----\n{headers(notice)}\n\n{notice.text}\n")


@style
def outlook_desktop_german(answer: str, notice: Notice) -> Reply:
    names = headers(notice, "Von Gesendet An Betreff")
    return Reply(text=f"{answer}\n\n-----Ursprüngliche Nachricht-----\n{names}\n\n{notice.text}\n", prefix="AW: ")


@style
def outlook_desktop_polish(answer: str, notice: Notice) -> Reply:
    return Reply(
        text=f"{answer}\n\n{headers(notice, 'From: Sent: To: Subject:'.replace(':', ''))}\n\n{notice.text}\n",
        prefix="ODP: ",
    )


@style
def outlook_desktop_russian(answer: str, notice: Notice) -> Reply:
    return Reply(
        text=f"{answer}\n\n{headers(notice, 'От Отправлено Кому Тема', '*')}\n\n{notice.text}\n", prefix="HA: "
    )


@style
def outlook_html(answer: str, notice: Notice) -> Reply:
    rows = "<br>".join(f"<b>{html.escape(row)}</b>" for row in headers(notice).split("\n"))
    return Reply(
        html=f'<html><body><div class="WordSection1"><p class="MsoNormal">{as_html(answer)}<o:p></o:p></p>'
        f'<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">{rows}</p>'
        f'</div><p class="MsoNormal">{as_html(notice.text)}</p></div></body></html>'
    )


@style
def outlook_web(answer: str, notice: Notice) -> Reply:
    rows = "<br>".join(f"<b>{html.escape(row)}</b>" for row in headers(notice).split("\n"))
    return Reply(
        html=f'<div class="elementToProof">{as_html(answer)}</div><div id="appendonsend"></div><hr style="display:inline-block;'
        f'width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">{rows}<div>&nbsp;</div></div><div>{as_html(notice.text)}</div>'
    )


@style
def outlook_mobile(answer: str, notice: Notice) -> Reply:
    line = "_" * 32
    return Reply(
        text=f"{answer}\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n{line}\n{headers(notice)}\n\n{notice.text}\n"
    )


@style
def outlook_bottom(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"-----Original Message-----\n{headers(notice)}\n\n{notice.text}\n\n{answer}\n")


@style
def apple_mail(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"{answer}\n\n> On 8 Jun 2026, at 12:00, {notice.sender} wrote:\n> \n{quoted(notice.text)}\n")


@style
def apple_mail_html(answer: str, notice: Notice) -> Reply:
    who = html.escape(notice.sender)
    return Reply(
        html=f'<body>{as_html(answer)}<br><div><br><blockquote type="cite"><div>On 8 Jun 2026, at 12:00, {who} wrote:</div>'
        f"<br><div>{as_html(notice.text)}</div></blockquote></div><br></body>"
    )


@style
def iphone(answer: str, notice: Notice) -> Reply:
    return Reply(
        text=f"{answer}\n\nSent from my iPhone\n\n> On 8 Jun 2026, at 12:00, {notice.sender} wrote:\n> \n{quoted(notice.text)}\n"
    )


@style
def iphone_german(answer: str, notice: Notice) -> Reply:
    return Reply(
        text=f"{answer}\n\nVon meinem iPhone gesendet\n\n> Am 08.06.2026 um 12:00 schrieb {notice.sender}:\n> \n"
        f"{quoted(notice.text)}\n"
    )


@style
def samsung(answer: str, notice: Notice) -> Reply:
    rows = headers(notice, "From Date To Subject")
    return Reply(
        text=f"{answer}\n\nSent from my Galaxy\n\n-------- Original message --------\n{rows}\n\n{notice.text}\n"
    )


@style
def thunderbird_bottom(answer: str, notice: Notice) -> Reply:
    return Reply(
        text=f"Am 08.06.26 um 12:00 schrieb {notice.sender}:\n{quoted(notice.text)}\n\n{answer}"
        "\n\n-- \nIvan Petrenko\n+380 44 000\n"
    )


@style
def thunderbird_inline(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"On 08.06.26 12:00, {notice.sender} wrote:\n{inline(answer, notice)}\n\n-- \nIvan Petrenko\n")


@style
def thunderbird_html(answer: str, notice: Notice) -> Reply:
    return Reply(
        html=f"<p>{as_html(answer)}</p>"
        f'<div class="moz-cite-prefix">On 08.06.26 12:00, {html.escape(notice.sender)} wrote:<br></div>'
        f'<blockquote type="cite" cite="mid:x@y"><pre class="moz-quote-pre" wrap="">{html.escape(notice.text)}</pre></blockquote>'
        '<div class="moz-signature">-- <br>Ivan Petrenko</div>'
    )


@style
def mutt_inline(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"* {notice.sender} [2026-06-08 12:00]:\n{inline(answer, notice, '> ')}\n\n-- \nIvan\n")


@style
def quoted_with_bars(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"{answer}\n\nOn 2026-06-08 12:00, {notice.sender} wrote:\n{quoted(notice.text, '| ')}\n")


@style
def quoted_twice(answer: str, notice: Notice) -> Reply:
    inner = f"On Mon, Jun 8, 2026 at 11:00 AM {notice.sender} wrote:\n{quoted(notice.text)}"
    return Reply(text=f"{answer}\n\nOn Mon, Jun 8, 2026 at 12:00 PM {notice.sender} wrote:\n{quoted(inner)}\n")


@style
def unquoted_below(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"{answer}\n\n{notice.text}\n")


@style
def unquoted_above(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"{notice.text}\n\n{answer}\n")


@style
def unquoted_without_its_end(answer: str, notice: Notice) -> Reply:
    return Reply(text=f"{answer}\n\n" + "\n".join(notice.text.split("\n")[:-3]))


@style
def flattened(answer: str, notice: Notice) -> Reply:
    """A phone that quotes everything on lines of its own width."""
    return Reply(text=f"{answer}\n\nOn Jun 8, 2026, {notice.sender} wrote:\n{quoted(wrapped(notice.text, 40))}\n")


@style
def answer_alone(answer: str, notice: Notice) -> Reply:
    return Reply(text=answer)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)
