"""How mail programs forward a letter of ours: prefix, mark, header block, by program and language."""

from dataclasses import dataclass

from tests.reply_styles import quoted


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """One program in one language. `names` are its labels of From, Date, Subject, To in its own order."""

    prefix: str
    mark: str
    names: tuple[str, ...]
    order: str = "from date subject to"
    is_quoted: bool = False

    def body(self, words: str, text: str, sender: str, to: str, subject: str) -> str:
        """Return the text of a forward with `words` above it."""
        values = {"from": sender, "date": "Mon, 8 Jun 2026 12:00:00 +0300", "subject": subject, "to": to}
        rows = [f"{name}: {values[kind]}" for name, kind in zip(self.names, self.order.split(), strict=True)]
        below = "\n".join((*rows, "", text))
        return "\n".join((words, "", self.mark, quoted(below) if self.is_quoted else below, ""))


_OUTLOOK, _THUNDERBIRD, _APPLE = "from date to subject", "subject date from to", "from subject date to"
_BLOCK = "________________________________"

FORWARDS = {
    "gmail-en": Forwarding(prefix="Fwd: ", mark="---------- Forwarded message ---------", names=("From", "Date", "Subject", "To")),
    "gmail-de": Forwarding(prefix="Fwd: ", mark="---------- Forwarded message ---------", names=("Von", "Date", "Subject", "To")),
    "gmail-pl": Forwarding(prefix="Fwd: ", mark="---------- Forwarded message ---------", names=("Od", "Date", "Subject", "To")),
    "gmail-ru": Forwarding(prefix="Fwd: ", mark="---------- Forwarded message ---------", names=("От", "Date", "Subject", "To")),
    "gmail-uk": Forwarding(prefix="Fwd: ", mark="---------- Forwarded message ---------", names=("Від", "Date", "Subject", "To")),
    "outlook-en": Forwarding(prefix="FW: ", mark="", names=("From", "Sent", "To", "Subject"), order=_OUTLOOK),
    "outlook-de": Forwarding(
        prefix="WG: ", mark="-----Ursprüngliche Nachricht-----", names=("Von", "Gesendet", "An", "Betreff"), order=_OUTLOOK
    ),
    "outlook-pl": Forwarding(prefix="PD: ", mark="", names=("Od", "Wysłano", "Do", "Temat"), order=_OUTLOOK),
    "outlook-ru": Forwarding(prefix="FW: ", mark="", names=("От", "Отправлено", "Кому", "Тема"), order=_OUTLOOK),
    "outlook-uk": Forwarding(prefix="FW: ", mark="", names=("Від", "Надіслано", "Кому", "Тема"), order=_OUTLOOK),
    "outlook-web-ru": Forwarding(prefix="Пересл: ", mark=_BLOCK, names=("От", "Отправлено", "Кому", "Тема"), order=_OUTLOOK),
    "outlook-phone-en": Forwarding(prefix="Fw: ", mark=_BLOCK, names=("From", "Sent", "To", "Subject"), order=_OUTLOOK),
    "outlook-phone-de": Forwarding(prefix="WG: ", mark=_BLOCK, names=("Von", "Gesendet", "An", "Betreff"), order=_OUTLOOK),
    "apple-en": Forwarding(
        prefix="Fwd: ", mark="> Begin forwarded message:", names=("From", "Subject", "Date", "To"), order=_APPLE, is_quoted=True
    ),
    "apple-de": Forwarding(
        prefix="Fwd: ", mark="Anfang der weitergeleiteten Nachricht:", names=("Von", "Betreff", "Datum", "An"), order=_APPLE
    ),
    "apple-pl": Forwarding(
        prefix="Fwd: ", mark="Początek przekazywanej wiadomości:", names=("Od", "Temat", "Data", "Do"), order=_APPLE
    ),
    "apple-ru": Forwarding(
        prefix="Fwd: ", mark="Начало переадресованного сообщения:", names=("От", "Тема", "Дата", "Кому"), order=_APPLE
    ),
    "apple-uk": Forwarding(
        prefix="Fwd: ", mark="Початок переадресованого повідомлення:", names=("Від", "Тема", "Дата", "Кому"), order=_APPLE
    ),
    "thunderbird-en": Forwarding(
        prefix="Fwd: ", mark="-------- Forwarded Message --------", names=("Subject", "Date", "From", "To"), order=_THUNDERBIRD
    ),
    "thunderbird-de": Forwarding(
        prefix="Fwd: ", mark="-------- Weitergeleitete Nachricht --------", names=("Betreff", "Datum", "Von", "An"),
        order=_THUNDERBIRD,
    ),
    "thunderbird-pl": Forwarding(
        prefix="Fwd: ", mark="-------- Przekazana wiadomość --------", names=("Temat", "Data", "Nadawca", "Adresat"),
        order=_THUNDERBIRD,
    ),
    "thunderbird-ru": Forwarding(
        prefix="Fwd: ", mark="-------- Перенаправленное сообщение --------", names=("Тема", "Дата", "От", "Кому"),
        order=_THUNDERBIRD,
    ),
    "thunderbird-uk": Forwarding(
        prefix="Fwd: ", mark="-------- Переслане повідомлення --------", names=("Тема", "Дата", "Від", "Кому"),
        order=_THUNDERBIRD,
    ),
    "samsung-en": Forwarding(
        prefix="Fwd: ", mark="-------- Original message --------", names=("From", "Date", "Subject", "To")
    ),
    "a program of another language": Forwarding(
        prefix="TR : ", mark="", names=("De", "Envoyé", "À", "Objet"), order=_OUTLOOK
    ),
}  # fmt: skip

# how the answer of whoever was asked begins, and what it stands above
ANSWERS = {
    "gmail": ("Re: ", "On Mon, Jun 8, 2026 at 12:40 PM {} wrote:\n"),
    "outlook-de": ("AW: ", "-----Ursprüngliche Nachricht-----\nVon: {}\nGesendet: Montag, 8. Juni 2026 12:40\nAn: x\nBetreff: x\n"),
    "gmail-pl": ("Odp: ", "pon., 8 cze 2026 o 12:40 {} napisał(a):\n"),
    "gmail-ru": ("Re: ", "пн, 8 июн. 2026 г. в 12:40, {}:\n"),
    "outlook-uk": ("RE: ", "Від: {}\nНадіслано: 8 червня 2026 р. 12:40\nКому: expert\nТема: x\n"),
}  # fmt: skip
