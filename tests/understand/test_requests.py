"""What is asked for (S6), the side that speaks (Q2), formal notices (A1)."""

import pytest

from tests.decide.a_desk import findings_of

CANCEL, OWNER, CONTACT = "cancellation", "owner_change", "contact_change"
PAYMENT, REFUND, PASSWORD, CODE = "payment_data", "refund", "password", "auth_code"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Please cancel my hosting contract at the end of the month.", CANCEL),
        ("I would like to terminate our agreement.", CANCEL),
        ("Hiermit kündige ich meinen Vertrag fristgerecht.", CANCEL),
        ("ich möchte meinen Tarif zum nächstmöglichen Zeitpunkt kündigen.", CANCEL),
        ("Hiermit widerrufe ich den Vertrag vom 3. Mai.", CANCEL),
        ("Niniejszym wypowiadam umowę o świadczenie usług.", CANCEL),
        ("Rezygnuję z hostingu z końcem czerwca.", CANCEL),
        ("Прошу расторгнуть договор с 1 июля.", CANCEL),
        ("Отказываюсь от услуг хостинга.", CANCEL),
        ("Прошу розірвати договір з 1 липня.", CANCEL),
        ("Відмовляюся від ваших послуг.", CANCEL),
        ("Please transfer the ownership of the account to Acme Ltd.", OWNER),
        ("Bitte ändern Sie den Inhaber der Domain.", OWNER),
        ("Proszę o zmianę właściciela usługi.", OWNER),
        ("Просим переоформить договор на ООО «Ромашка».", OWNER),
        ("Потрібно переоформити договір на іншу особу.", OWNER),
        ("Please change the contact email of my account.", CONTACT),
        ("Bitte ändern Sie meine Telefonnummer und Anschrift.", CONTACT),
        ("Proszę o zmianę adresu e-mail na koncie.", CONTACT),
        ("Прошу изменить контактный адрес на новый.", CONTACT),
        ("Прошу змінити контактний телефон.", CONTACT),
        ("We have a new bank account, please change our payment details.", PAYMENT),
        ("Bitte ändern Sie unsere Bankverbindung.", PAYMENT),
        ("Proszę o zmianę karty płatniczej.", PAYMENT),
        ("Прошу поменять банковскую карту для оплаты.", PAYMENT),
        ("Прошу змінити банківську картку для оплати.", PAYMENT),
        ("I want my money back.", REFUND),
        ("Can I get a refund for the double payment?", REFUND),
        ("Ich bitte um Rückerstattung des doppelt gezahlten Betrags.", REFUND),
        ("Proszę zwrócić środki na moje konto.", REFUND),
        ("Верните, пожалуйста, деньги за неиспользованный период.", REFUND),
        ("Поверніть, будь ласка, кошти за невикористаний період.", REFUND),
        ("I forgot my password, please send me a new one.", PASSWORD),
        ("Bitte senden Sie mir ein neues Passwort.", PASSWORD),
        ("Proszę o reset hasła do panelu.", PASSWORD),
        ("Забыл пароль, пришлите новый.", PASSWORD),
        ("Скиньте, будь ласка, пароль до панелі.", PASSWORD),
        ("Please send me the auth code for shop.example.", CODE),
        ("Ich benötige den Auth-Code für meine Domain.", CODE),
        ("Proszę o kod AuthInfo do domeny.", CODE),
        ("Нужен auth-код для переноса домена.", CODE),
        ("Надішліть код авторизації для перенесення домену.", CODE),
    ],
)
def test_a_sensitive_request_names_its_right(text: str, right: str) -> None:
    found = findings_of(text)
    assert found.request == "sensitive"
    assert right in found.rights, found.because


@pytest.mark.parametrize(
    "text",
    [
        "Please send me a copy of the last invoice.",
        "What is the status of my order #445566?",
        "I was charged twice this month.",
        "Bitte schicken Sie mir die Rechnung für Mai.",
        "Meine Bestellung ist noch nicht freigeschaltet.",
        "Proszę o fakturę korygującą za kwiecień.",
        "Jaki jest status zamówienia 778899?",
        "Выставьте, пожалуйста, счёт за июль.",
        "Хочу продлить хостинг на год, оплатил вчера.",
        "Надішліть, будь ласка, акт за червень.",
        "Виставіть рахунок на продовження послуг.",
    ],
)
def test_invoices_orders_and_own_services_are_the_accounts(text: str) -> None:
    assert findings_of(text).request == "account"


@pytest.mark.parametrize(
    "text",
    [
        "How do I change my password in the panel?",
        "Where can I find the auth code in the panel?",
        "How can I cancel a domain in the client area?",
        "Our site does not open since the password change.",
        "Wie kann ich im Kundenmenü mein Passwort ändern?",
        "Wo finde ich den Auth-Code?",
        "Wie kündige ich ein Paket?",
        "Welche Kündigungsfrist gilt?",
        "Jak zmienić hasło do poczty?",
        "Gdzie znajdę kod AuthInfo?",
        "Как сменить пароль в панели?",
        "Где взять код для переноса домена?",
        "Напомните, как поменять контактный адрес в панели?",
        "Як змінити пароль до бази у панелі?",
        "Де в панелі змінюється адреса для сповіщень?",
        "Mein Shop verschickt keine Bestellbestätigungen mehr.",
        "Не приходят уведомления о заказах с сайта.",
        "Sklep nie wysyła potwierdzeń zamówień.",
        "Do you offer servers in Frankfurt?",
        "Die Auth-Info liegt vor.",
    ],
)
def test_how_tos_and_trouble_with_ones_own_site_or_mail_are_general(text: str) -> None:
    found = findings_of(text)
    assert found.request == "general", found.because


@pytest.mark.parametrize(
    ("subject", "text", "side"),
    [
        ("Invoice", "Please send the invoice for June.", "financial"),
        ("Zahlung", "Die Überweisung ist gestern raus, bitte buchen.", "financial"),
        ("Płatność", "Zapłaciłem wczoraj, proszę o potwierdzenie wpłaty.", "financial"),
        ("Оплата", "Какие у вас реквизиты для оплаты?", "financial"),
        ("Оплата", "Чи можна сплатити карткою?", "financial"),
        ("Rechnung", "Rechnung für den Server srv-3 fehlt.", "financial"),
        ("Error", "nginx returns 502 Bad Gateway.", "technical"),
        ("Störung", "Die Datenbank ist nicht erreichbar.", "technical"),
        ("Błąd", "Strona nie działa, błąd PHP.", "technical"),
        ("Ошибка", "Сайт не открывается, ошибка базы данных.", "technical"),
        ("Помилка", "Не відкривається сайт, помилка 500.", "technical"),
        ("Both", "I paid the invoice but the site returns 403 Forbidden from nginx.", ""),
        ("Обе", "Счёт оплачен, но сайт не работает.", ""),
        ("Hello", "Nice weather today.", ""),
        ("Kündigung", "Hiermit kündige ich den Hosting-Vertrag.", ""),
    ],
)
def test_a_side_speaks_only_where_the_other_is_silent(subject: str, text: str, side: str) -> None:
    found = findings_of(text, subject)
    assert found.side == side, found.because


@pytest.mark.parametrize(
    ("text", "is_formal"),
    [
        ("Hiermit kündige ich den Vertrag zum 31.12.", True),
        ("Hiermit widerrufe ich meine Bestellung.", True),
        ("Ich lege Widerspruch gegen die Preiserhöhung ein.", True),
        ("I hereby terminate the contract.", True),
        ("We object to the price increase.", True),
        ("Wypowiadam umowę ze skutkiem na koniec miesiąca.", True),
        ("Odstępuję od umowy zawartej 1 maja.", True),
        ("Уведомляю о расторжении договора.", True),
        ("Прошу вважати договір розірваним. Заява про розірвання договору додається.", True),
        ("How do I cancel my contract?", False),
        ("Wie kann ich kündigen?", False),
        ("Как расторгнуть договор?", False),
        ("Ich möchte nicht kündigen, nur umziehen.", False),
        ("The site is slow.", False),
    ],
)
def test_cancellations_and_other_notices_are_formal(text: str, is_formal: bool) -> None:
    assert findings_of(text).is_formal is is_formal
