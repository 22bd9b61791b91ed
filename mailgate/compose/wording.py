"""Small words of letters: plurals, sizes, lengths of time, working hours, the labels of Q7 (A5)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mailgate.compose.moments import words_of

# The table of labels of rule Q7: exact, because a filled form is read back by them.
LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "summary": "Short description", "environment": "Environment", "tried": "Tested so far",
        "attachments": "Attachments", "urgency": "Urgent", "server": "Server", "service": "Service", "order": "Order",
        "started": "Since", "callback": "Call back", "contract": "Contract number",
    },
    "de": {
        "summary": "Kurzbeschreibung", "environment": "Umgebung", "tried": "Bisher getestet",
        "attachments": "Anhänge", "urgency": "Dringend", "server": "Server", "service": "Dienst",
        "order": "Bestellung", "started": "Seit", "callback": "Rückruf", "contract": "Vertragsnummer",
    },
    "pl": {
        "summary": "Krótki opis", "environment": "Środowisko", "tried": "Przetestowane do tej pory",
        "attachments": "Załączniki", "urgency": "Pilne", "server": "Serwer", "service": "Usługa",
        "order": "Zamówienie", "started": "Od kiedy", "callback": "Oddzwonić", "contract": "Numer umowy",
    },
    "ru": {
        "summary": "Краткое описание", "environment": "Окружение", "tried": "Уже проверено",
        "attachments": "Вложения", "urgency": "Срочно", "server": "Сервер", "service": "Услуга", "order": "Заказ",
        "started": "С какого времени", "callback": "Перезвонить", "contract": "Номер договора",
    },
    "uk": {
        "summary": "Короткий опис", "environment": "Середовище", "tried": "Вже перевірено",
        "attachments": "Вкладення", "urgency": "Терміново", "server": "Сервер", "service": "Послуга",
        "order": "Замовлення", "started": "З якого часу", "callback": "Передзвонити", "contract": "Номер договору",
    },
}  # fmt: skip
# Facts and questions that have no label of their own in Q7; for the eyes of staff, and in what was understood.
_OTHER_FIELDS = {
    "en": {
        "domain": "Domain", "customer_number": "Customer number", "login": "Login", "invoice": "Invoice",
        "address": "Address (URL)", "browser": "Browser", "error": "Error message", "program": "Mail program",
        "worked_before": "Worked before?", "direction": "Sending or receiving?", "when": "Sent when",
        "from": "Sent from", "to": "Sent to", "returned": "Returned message", "records": "DNS records",
        "period": "Period", "correction": "Correction", "provider": "Internet provider",
    },
    "de": {
        "domain": "Domain", "customer_number": "Kundennummer", "login": "Login", "invoice": "Rechnung",
        "address": "Adresse (URL)", "browser": "Browser", "error": "Fehlermeldung", "program": "E-Mail-Programm",
        "worked_before": "Ging es vorher?", "direction": "Senden oder Empfangen?", "when": "Wann gesendet",
        "from": "Gesendet von", "to": "Gesendet an", "returned": "Zurückgekommene Nachricht",
        "records": "DNS-Einträge", "period": "Zeitraum", "correction": "Berichtigung", "provider": "Internetanbieter",
    },
    "pl": {
        "domain": "Domena", "customer_number": "Numer klienta", "login": "Login", "invoice": "Faktura",
        "address": "Adres (URL)", "browser": "Przeglądarka", "error": "Komunikat błędu",
        "program": "Program pocztowy", "worked_before": "Czy działało wcześniej",
        "direction": "Wysyłanie czy odbieranie", "when": "Kiedy wysłano", "from": "Skąd wysłano",
        "to": "Dokąd wysłano", "returned": "Treść zwrotki", "records": "Rekordy DNS", "period": "Okres",
        "correction": "Co poprawić", "provider": "Dostawca internetu",
    },
    "ru": {
        "domain": "Домен", "customer_number": "Номер клиента", "login": "Логин", "invoice": "Счёт",
        "address": "Адрес (URL)", "browser": "Браузер", "error": "Текст ошибки", "program": "Почтовая программа",
        "worked_before": "Работало ли раньше", "direction": "Отправка или приём", "when": "Когда отправлено",
        "from": "Откуда отправлено", "to": "Куда отправлено", "returned": "Вернувшееся письмо",
        "records": "Записи DNS", "period": "Период", "correction": "Что исправить", "provider": "Интернет-провайдер",
    },
    "uk": {
        "domain": "Домен", "customer_number": "Номер клієнта", "login": "Логін", "invoice": "Рахунок",
        "address": "Адреса (URL)", "browser": "Браузер", "error": "Текст помилки", "program": "Поштова програма",
        "worked_before": "Чи працювало раніше", "direction": "Надсилання чи отримання", "when": "Коли надіслано",
        "from": "Звідки надіслано", "to": "Куди надіслано", "returned": "Лист, що повернувся",
        "records": "Записи DNS", "period": "Період", "correction": "Що виправити", "provider": "Інтернет-провайдер",
    },
}  # fmt: skip
_UNITS = {
    "en": ("bytes", "KB", "MB", "GB"), "de": ("Byte", "KB", "MB", "GB"), "pl": ("B", "KB", "MB", "GB"),
    "ru": ("Б", "КБ", "МБ", "ГБ"), "uk": ("Б", "КБ", "МБ", "ГБ"),
}  # fmt: skip
_ALWAYS = {
    "en": "round the clock", "de": "rund um die Uhr", "pl": "całą dobę", "ru": "круглосуточно", "uk": "цілодобово",
}  # fmt: skip
_CLOCK = {"de": " Uhr"}
_FALSE_MARKER = re.compile(r"={3}(?=[ \t]?mailgate)", re.IGNORECASE)
# Whether the word that begins an answer to "since when" can go: what follows "od", "с", "від" stands in a case of theirs.
_SINCE = {
    "since": True, "seit": True, "od": False, "с": False, "со": False, "от": False, "від": False, "з": False, "із": False,
}  # fmt: skip
_FALSE_COMMAND = re.compile(r"^#", re.MULTILINE)


def label(field: str, language: str) -> str:
    """Return the label of a field in the language (Q7), without the colon; the field's own name where it has none."""
    labels = LABELS.get(language) or LABELS["en"]
    others = _OTHER_FIELDS.get(language) or _OTHER_FIELDS["en"]
    return labels.get(field) or others.get(field) or field


def told(value: object, field: str, language: str) -> str:
    """Return the value of a field as it stands behind its label: "Since: this morning", not "Since: since this morning"."""
    line, name = one_line(value), label(field, language)
    if line.casefold().startswith(f"{name.casefold()} "):
        return line[len(name) :].strip()
    first, _, rest = line.partition(" ")
    if field == "started" and rest and first.casefold() in _SINCE:
        # in the customer's language, which need not be the reader's: a label asks with the case that the word takes
        return rest.strip() if _SINCE[first.casefold()] else f"{first.lower()} {rest}"
    return line


def plural(number: int, language: str, one: str, few: str, many: str) -> str:
    """Return `number` with the form it takes: one day; 2 дня; 5 дней. German and English have no `few`."""
    return f"{number} {(one, few, many)[_plural_form(number, language)]}"


def size(count: int, language: str) -> str:
    """Return a size as people read it: "812 bytes", "1.4 MB", with the decimal sign of the language."""
    units = _UNITS.get(language) or _UNITS["en"]
    if count < 1024:
        return f"{count} {units[0]}"
    value, unit = count / 1024, 1
    while value >= 1024 and unit < 3:
        value, unit = value / 1024, unit + 1
    shown = f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    return f"{shown if language in ('en', '') else shown.replace('.', ',')} {units[unit]}"


def hours(spans: Iterable[Mapping[str, Any]], language: str) -> str:
    """Return working hours: "Mon–Fri 09:00–18:00, Sat–Sun 10:00–18:30"; without any, round the clock."""
    clock = _CLOCK.get(language, "")
    told = [f"{_days(tuple(span['days']), language)} {span['from']}–{span['to']}{clock}" for span in spans]
    return ", ".join(told) or _ALWAYS.get(language, _ALWAYS["en"])


def ours(text: str) -> str:
    """Return text of the house with every line marked as such: quoted in an answer, it can be told and cut."""
    return "\n".join(f"| {line}".rstrip() for line in text.strip("\n").split("\n"))


def theirs(text: str) -> str:
    """Return a customer's text so that it can play neither our marker lines nor a command, should it be quoted bare."""
    text = _FALSE_MARKER.sub("= = =", text.strip("\n"))
    return _FALSE_COMMAND.sub("> #", text)


def named(key: object, words: Mapping[Any, str], otherwise: object = None) -> str:
    """Return what `words` call `key` (or each of several keys with commas); else `otherwise`, or the key itself."""
    word = words.get(key)
    if word is not None:
        return word
    if otherwise is not None:
        return str(otherwise)
    several = str(key).split(", ")
    return ", ".join(words.get(each, each) for each in several)


def one_line(text: object, limit: int = 200) -> str:
    """Return a value as one line that does not sprawl."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def shortened(text: str, limit: int = 400) -> str:
    """Return the beginning of a text, for a history."""
    text = text.strip()
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _plural_form(number: int, language: str) -> int:
    number = abs(number)
    if language in ("ru", "uk"):
        if number % 10 == 1 and number % 100 != 11:
            return 0
        return 1 if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else 2
    if number == 1:
        return 0
    if language == "pl" and 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14:
        return 1
    return 2


def _days(days: tuple[int, ...], language: str) -> str:
    names = words_of(language).short_weekdays
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(_run(run, names) for run in runs)


def _run(run: list[int], names: tuple[str, ...]) -> str:
    match len(run):
        case 1:
            return names[run[0]]
        case 2:
            return f"{names[run[0]]}, {names[run[1]]}"
        case _:
            return f"{names[run[0]]}–{names[run[-1]]}"
