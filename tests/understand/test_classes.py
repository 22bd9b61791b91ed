"""Classes and the questions that vague reports leave open (Q5)."""

import pytest

from tests.decide.a_desk import findings_of

SITE = ("address", "browser", "error")
MAIL = ("program", "worked_before", "direction", "error")
UNDELIVERED = ("when", "from", "to", "returned")


@pytest.mark.parametrize(
    ("subject", "text", "class_"),
    [
        ("Website down", "Hello, our website does not open since this morning. Please help.", "site"),
        ("Shop broken", "After installing a plugin the shop shows a blank page.", "site"),
        ("Webseite lädt nicht", "Guten Tag, meine Webseite lädt nicht mehr. Was kann ich tun?", "site"),
        ("Problem", "Unsere Homepage ist seit gestern nicht erreichbar.", "site"),
        ("Strona nie działa", "Witam, nie otwiera się moja strona internetowa.", "site"),
        ("Sklep", "Sklep internetowy wyświetla błąd 500.", "site"),
        ("Сайт", "Здравствуйте, наш интернет-магазин не открывается, помогите.", "site"),
        ("Не вантажиться сайт", "Вітаю! Не вантажиться сайт, що робити?", "site"),
        ("Mail problem", "I cannot receive emails in Outlook.", "mail"),
        ("Postfach", "Ich kann keine E-Mails mehr empfangen.", "mail"),
        ("E-Mails", "Seit heute kommen bei mir keine Mails mehr an.", "mail"),
        ("Poczta", "Nie mogę wysłać wiadomości z Outlooka.", "mail"),
        ("Проблема с почтой", "У меня не работает почта, помогите.", "mail"),
        ("Пошта", "Не надходять листи на мою скриньку.", "mail"),
        ("Emails bounce", "The emails we send to our customers come back.", "undelivered"),
        ("Kunden erhalten keine Mails", "Unsere Nachrichten kommen beim Empfänger nicht an.", "undelivered"),
        ("Maile nie docierają", "Moje maile nie docierają do odbiorców.", "undelivered"),
        ("Письма не доходят", "Отправляемые нами письма не доходят до получателя.", "undelivered"),
        ("Листи не доходять", "Мої листи не доходять до одержувача, повертаються назад.", "undelivered"),
        ("Domain transfer", "I want to transfer my domain to you.", "domain"),
        ("Domain", "Meine Domain zeigt nicht auf den Server.", "domain"),
        ("Domena", "Domena wygasła, jak ją przedłużyć?", "domain"),
        ("Домен", "Домен не привязывается к хостингу.", "domain"),
        ("Домен", "Не працює домен, не вказує на хостинг.", "domain"),
        ("SSL", "The certificate of our shop has expired.", "certificate"),
        ("Zertifikat", "Das SSL-Zertifikat ist ungültig, der Browser warnt.", "certificate"),
        ("Certyfikat", "Certyfikat SSL wygasł.", "certificate"),
        ("Сертификат", "Браузер пишет, что сертификат сайта просрочен.", "certificate"),
        ("Сертифікат", "Закінчився SSL-сертифікат.", "certificate"),
        ("VPS", "My VPS does not respond after the reboot.", "server"),
        ("Server", "Unser Server reagiert nicht und hängt.", "server"),
        ("Serwer", "Serwer VPS bardzo wolno odpowiada.", "server"),
        ("Сервер", "Сервер завис и не отвечает на запросы.", "server"),
        ("Сервер", "Сервер не відповідає, перезавантажте, будь ласка.", "server"),
        ("Invoice", "Why was I charged twice?", "invoice"),
        ("Rechnung", "Warum wurde mir das Geld zweimal in Rechnung gestellt?", "invoice"),
        ("Faktura", "Na fakturze jest błędny NIP.", "invoice"),
        ("Счёт", "В счёте указана неверная сумма.", "invoice"),
        ("Рахунок", "У рахунку помилка, виправте, будь ласка.", "invoice"),
        ("Login", "I cannot log in to the client area.", "access"),
        ("Login", "Ich kann mich nicht im Kundenbereich anmelden.", "access"),
        ("Logowanie", "Nie mogę zalogować się do panelu klienta.", "access"),
        ("Доступ", "Не могу войти в панель управления.", "access"),
        ("Доступ", "Не можу увійти до панелі керування.", "access"),
        ("Greetings", "We wish you a nice weekend.", "other"),
        ("Тариф", "Какие тарифы у вас есть?", "other"),
    ],
)
def test_the_class_is_what_the_words_speak_of(subject: str, text: str, class_: str) -> None:
    found = findings_of(text, subject)
    assert found.class_ == class_, found.because


@pytest.mark.parametrize(
    ("subject", "text", "open_"),
    [
        ("Site", "My site does not work. Please help.", SITE),
        ("Hilfe", "Meine Seite geht nicht.", SITE),
        ("Strona", "Strona mi nie działa, pomocy!", SITE),
        ("Сайт", "Не открывается сайт.", SITE),
        ("Сайт", "Сайт не відкривається, допоможіть.", SITE),
        ("Site", "My site shop.example does not work in Firefox.", ("error",)),
        ("Site", 'shop.example shows "Error establishing a database connection" in Chrome.', ()),
        ("Mail", "My email does not work.", MAIL),
        ("Mail", "Meine E-Mails gehen nicht mehr, Outlook.", ("direction", "error")),
        ("Poczta", "Nie działa mi poczta.", MAIL),
        ("Почта", "У меня не работает почта.", MAIL),
        ("Пошта", "У мене не працює пошта.", MAIL),
        ("Почта", "Не отправляются письма из Thunderbird.", ("worked_before", "error")),
        ("Mail", "Our messages are not delivered to the recipient.", UNDELIVERED),
        ("Mails", "Meine Mails kommen beim Empfänger nicht an.", UNDELIVERED),
        ("Maile", "Moje wiadomości nie docierają do odbiorcy.", UNDELIVERED),
        ("Письма", "Мои письма не доходят до получателя.", UNDELIVERED),
        ("Листи", "Мої листи не доходять до отримувача.", UNDELIVERED),
        ("Domain", "My domain does not work.", ("domain", "records")),
        ("Domena", "Moja domena nie działa.", ("domain", "records")),
        ("Zertifikat", "Mein Zertifikat funktioniert nicht.", ("domain", "error")),
        ("Сертификат", "Не работает сертификат.", ("domain", "error")),
        ("Server", "My server has a problem.", ("server", "error")),
        ("Сервер", "Проблема с сервером, помогите.", ("server", "error")),
        ("Rechnung", "Meine Rechnung stimmt nicht.", ("invoice", "period", "correction")),
        ("Faktura", "Faktura jest nieprawidłowa.", ("invoice", "period", "correction")),
        ("Рахунок", "У рахунку помилка.", ("invoice", "period", "correction")),
        ("Login", "I cannot log in.", ("provider", "error")),
        ("Доступ", "Не могу зайти по FTP.", ("provider", "error")),
        ("Zugang", "Ich komme nicht in den Kundenbereich.", ("provider", "error")),
    ],
)
def test_a_vague_report_gets_the_questions_it_leaves_open(subject: str, text: str, open_: tuple[str, ...]) -> None:
    found = findings_of(text, subject)
    assert found.open_questions == open_, (found.class_, found.because)


@pytest.mark.parametrize(
    "text",
    [
        "How do I add a second domain to my site?",
        "Wie richte ich eine E-Mail-Weiterleitung ein?",
        "Jak zmienić wersję PHP na stronie?",
        "Как добавить почтовый ящик?",
        "Чи можна підключити другий сайт до тарифу?",
        "Please send me the invoice for April.",
    ],
)
def test_a_how_to_or_a_plain_request_asks_nothing(text: str) -> None:
    assert findings_of(text).open_questions == ()


def test_a_screenshot_answers_what_the_error_is() -> None:
    assert findings_of("My site does not work.", files=1).open_questions == ("address", "browser")


def test_a_full_report_asks_nothing() -> None:
    text = """Since yesterday 18:00 https://shop.example answers "502 Bad Gateway" whenever a customer opens the cart.
    I tried Firefox 126 and Chrome on two computers and over the phone, cleared the caches, and switched the payment
    plugin off and on again. Before the last update of WooCommerce everything was fine, and nothing else was changed."""
    assert findings_of(text, "Cart broken").open_questions == ()
