"""Facts read out (Q4), labels (Q7), account numbers and logins (S5), and hostile text."""

import time

import pytest

from mailgate.understand.findings import ACCOUNT_PATTERNS
from tests.decide.a_desk import a_desk, findings_of


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Server 198.51.100.23 does not boot.", {"server": "198.51.100.23"}),
        ("IPv6 2001:db8::15 is not reachable.", {"server": "2001:db8::15"}),
        ("node7.introserv.example answers slowly.", {"server": "node7.introserv.example"}),
        ("Please restart vps-12.", {"server": "vps-12"}),
        ("Kann srv-3 umziehen?", {"server": "srv-3"}),
        ("Сервер sklad.example не отвечает.", {"server": "sklad.example"}),
        ("See https://www.shop.example/cart?x=1 please", {"domain": "shop.example"}),
        ("Домен магазин.укр не работает", {"domain": "магазин.укр"}),
        ("Order #10001 still pending", {"order": "10001"}),
        ("Bestellung #445566", {"order": "445566"}),
        ("Auftragsnummer: 445566", {"order": "445566"}),
        ("zamówienie nr 778899", {"order": "778899"}),
        ("numer zamówienia: 778899", {"order": "778899"}),
        ("заказ №123456", {"order": "123456"}),
        ("замовлення № 123456", {"order": "123456"}),
        ("order no. FH-2026-0815", {"order": "FH-2026-0815"}),
        ("Server-IP or order: ?\n#123456", {"order": "123456"}),
        ("Rechnung 04/2026", {"invoice": "04/2026"}),
        ("Rechnung Nr. R-2026-123", {"invoice": "R-2026-123"}),
        ("Faktura FV/2026/05/123", {"invoice": "FV/2026/05/123"}),
        ("счёт № 2026-0531", {"invoice": "2026-0531"}),
        ("рахунок №4711", {"invoice": "4711"}),
        ("invoice INV-1001", {"invoice": "INV-1001"}),
        ("Beginn: 13:25 Uhr MESZ", {"started": "13:25 Uhr MESZ"}),
        ("Der Server steht seit 12:20 Uhr.", {"started": "12:20 Uhr"}),
        ("It began at 10:05 CET.", {"started": "10:05 CET"}),
        ("Down since 9:45", {"started": "9:45"}),
        ("Nie działa od 12:15.", {"started": "12:15"}),
        ("Не работает с 14:00 МСК", {"started": "14:00 МСК"}),
        ("Не працює з 10:30 за Києвом", {"started": "10:30 за Києвом"}),
        ("Bitte rufen Sie zurück: +49 30 5550123", {"callback": "+49 30 5550123"}),
        ("Call me back at +44 20 7946 0123 between 9 and 12", {"callback": "+44 20 7946 0123, between 9 and 12"}),
        ("Proszę oddzwonić na 22 555 01 23", {"callback": "22 555 01 23"}),
        ("Перезвоните: +380 44 555 01 23", {"callback": "+380 44 555 01 23"}),
        ("Зателефонуйте мені: +380445550123", {"callback": "+380445550123"}),
        ("Klient nr 123456", {"customer_number": "123456"}),
        ("Vertragsnummer: 987654", {"contract": "987654"}),
        ("договор № 1002", {"contract": "1002"}),
        ("login: olena", {"login": "olena"}),
        ("логін olena", {"login": "olena"}),
        ("Dienst: DS-Amsterdam-7", {"service": "DS-Amsterdam-7"}),
        ("Betroffen ist DS-Amsterdam-7.", {"service": "DS-Amsterdam-7"}),
        ("Тариф «Бизнес»", {"service": "Бизнес"}),
        ("Vertrag Hosting Plus, seit 12:20 Uhr.", {"service": "Hosting Plus", "started": "12:20 Uhr"}),
    ],
)
def test_facts_are_read_out(text: str, fields: dict[str, str]) -> None:
    found = findings_of(text).fields
    assert {name: found.get(name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("Where is error.log or access.log?", "domain"),
        ("We use Node.js 20 and ASP.NET.", "domain"),
        ("PHP 8.1.2 and kernel 6.1.0.13 run here.", "domain"),
        ("Mail an info@sklad.example", "domain"),
        ("FTP login incorrect", "login"),
        ("Логин не скажу", "login"),
        ("Rechnung für Mai 2026", "invoice"),
        ("plan VPS-2", "server"),
        ("Version 999.1.1.1", "server"),
        ("Order food.", "order"),
        ("as in [introserv #123456] and ticket #123456", "order"),
        ("Server: nginx", "server"),
    ],
)
def test_what_only_looks_like_a_fact_is_none(text: str, absent: str) -> None:
    assert absent not in findings_of(text).fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            "Pilne: nie\nŚrodowisko: Joomla 5\nKrótki opis: biały ekran\n"
            "Przetestowane do tej pory: inny komputer\nZałączniki: brak",
            {"urgency": "nie", "environment": "Joomla 5", "summary": "biały ekran", "tried": "inny komputer",
             "attachments": "brak"},
        ),
        (
            "**Kurzbeschreibung:** Shop zeigt Fehler\n* Umgebung: TYPO3\n"
            "BISHER GETESTET :\nanderer Browser\nanderes Gerät\n\nGruß",
            {"summary": "Shop zeigt Fehler", "environment": "TYPO3", "tried": "anderer Browser\nanderes Gerät"},
        ),
        (
            "- Server: 203.0.113.5\n- Service: DS-7\n- Since: 10:05 CET\n- Order: #445566",
            {"server": "203.0.113.5", "service": "DS-7", "started": "10:05 CET", "order": "445566"},
        ),
        (
            "Сервер: vps-12\nУслуга: VPS Старт\nС какого времени: 14:00 МСК\nНомер договора: 1002",
            {"server": "vps-12", "service": "VPS Старт", "started": "14:00 МСК", "contract": "1002"},
        ),
        (
            "Короткий опис: не працює кошик\nСередовище: WordPress\n"
            "Вже перевірено: інший браузер\nТерміново: так\nПередзвонити: +380445550123",
            {"summary": "не працює кошик", "environment": "WordPress", "tried": "інший браузер", "urgency": "так",
             "callback": "+380445550123"},
        ),
        ("Server: vps-12, Service: DS-7", {"server": "vps-12", "service": "DS-7"}),
    ],
)  # fmt: skip
def test_filled_labels_are_read_back(text: str, fields: dict[str, str]) -> None:
    found = findings_of(text).fields
    assert {name: found.get(name) for name in fields} == fields


def test_an_empty_label_or_a_dash_is_no_value() -> None:
    assert findings_of("Server:\nService: -\nSince: …\nOrder: [ ]\n\nKate").fields == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("klient nr 123456", "123456"),
        ("Nr klienta [123456]", "123456"),
        ("numer klienta: 123456", "123456"),
        ("Kundennummer 123456", "123456"),
        ("Kunden-Nr.: 123456", "123456"),
        ("meine Kundennummer lautet 123456.", "123456"),
        ("договор № 123456", "123456"),
        ("по договору №123456", "123456"),
        ("номер договора 123456", "123456"),
        ("договір № 123456", "123456"),
        ("за договором 123456", "123456"),
        ("contract no. 123456", "123456"),
        ("our contract number is 123456", "123456"),
        ("customer id 2004", "2004"),
        ("customer number: 2004", "2004"),
        ("umowa nr 123456", "123456"),
        ("Vertragsnr. 123456", "123456"),
        ("клиент № 2004", "2004"),
    ],
)
def test_numbers_of_an_account_are_found_as_the_desks_write_them(text: str, number: str) -> None:
    assert findings_of(text).account_numbers == (number,)


def test_a_desk_may_add_patterns() -> None:
    found = findings_of("member 77 writes, klient nr 123456", desk=a_desk(patterns=(r"member (?P<number>\d+)",)))
    assert found.account_numbers == ("77", "123456")


def test_logins_are_found() -> None:
    assert findings_of("Login: Olena\nлогин sergey").logins == ("olena", "sergey")


def test_every_host_is_named_once_in_lower_case() -> None:
    text = "NODE7.introserv.example and 198.51.100.7, node7.introserv.example, www.shop.example, vps-12"
    found = findings_of(text)
    assert found.hosts == ("node7.introserv.example", "198.51.100.7", "shop.example", "vps-12")


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "a@", "1", "1.", "1-", "+1 ", "не ", "nicht ", "server ", "Server: ", "Kundennummer ", "seit ", "http://",
     "a-", "ü", ":", "[", "\n", "#123456 ", "login: ",
     "не работает сайт ", "@example.", "«", "\"x", "e\u0301", "::", "0:"],
)  # fmt: skip
def test_a_megabyte_of_the_worst_is_read_in_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    began = time.process_time()
    findings_of(text, text)
    assert time.process_time() - began < 1.5


def test_default_patterns_name_a_number_or_a_login() -> None:
    assert all("(?P<number>" in pattern or "(?P<login>" in pattern for pattern in ACCOUNT_PATTERNS)
