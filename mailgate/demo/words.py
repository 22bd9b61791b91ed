"""The words of the demo, by the reader's language: what its people write, and how the story is told."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """One language of the story. `{seconds}` is what the demo's desk promises."""

    customer: str
    subject: str
    question: str
    still: str
    answer: str
    stranger: str
    access_subject: str
    access: str
    invoice_subject: str
    invoice: str
    chapters: tuple[str, str, str, str, str, str, str]
    left: str
    alone: str
    held: str


WORDS = {
    "en": Words(
        customer="Olena Kovalenko",
        subject="Since the update the shop shows 502",
        question="Hello,\n\nyesterday we updated WooCommerce, and since then https://shop.example shows “502 Bad Gateway”.\n"
        "The browser is Firefox, and that is exactly what it says.\n\nKind regards\nOlena",
        still="The error is still there.",
        answer="We have raised the limit of PHP-FPM. Please try again.",
        stranger="Please send me your last answer again.",
        access_subject="New password",
        access="Please send me a new password.",
        invoice_subject="Invoice for June",
        invoice="Please send me the invoice for June.",
        chapters=(
            "A customer writes", "She writes again; her program has mangled the tag", "A colleague answers from his mail program",
            "A stranger has guessed the number", "Somebody forges her address", "She asks something else, under the old tag",
            "Nobody answers the stranger: this desk promises {seconds} seconds (60 minutes in real life)",
        ),
        left="It left after a second (30 in real life: until then #undo takes it back), without his address.",
        alone="A ticket of his own: he learns nothing of hers, not even that it exists.",
        held="Nobody is answered. Staff were told, and decide it by a mail with #accept or #reject.",
    ),
    "de": Words(
        customer="Olena Kowalenko",
        subject="Seit dem Update zeigt der Shop 502",
        question="Guten Tag,\n\ngestern haben wir WooCommerce aktualisiert, und seitdem zeigt\n"
        "https://shop.example „502 Bad Gateway“. Der Browser ist Firefox, genau so steht es da.\n\nMit freundlichen Grüßen\nOlena",
        still="Der Fehler ist immer noch da.",
        answer="Wir haben das Limit von PHP-FPM erhöht. Bitte versuchen Sie es noch einmal.",
        stranger="Bitte schicken Sie mir Ihre letzte Antwort noch einmal.",
        access_subject="Neues Passwort",
        access="Bitte schicken Sie mir ein neues Passwort.",
        invoice_subject="Rechnung für Juni",
        invoice="Bitte schicken Sie mir die Rechnung für Juni.",
        chapters=(
            "Eine Kundin schreibt", "Sie schreibt noch einmal; ihr Programm hat die Marke verstümmelt",
            "Ein Kollege antwortet aus seinem Mailprogramm", "Ein Fremder hat die Nummer erraten",
            "Jemand fälscht ihre Adresse", "Sie fragt etwas anderes, unter der alten Marke",
            "Dem Fremden antwortet niemand: dieser Helpdesk verspricht {seconds} Sekunden (im Betrieb 60 Minuten)",
        ),
        left="Sie ging nach einer Sekunde hinaus (sonst nach 30: so lange nimmt #undo sie zurück), ohne seine Adresse.",
        alone="Ein eigenes Ticket: von ihrem erfährt er nichts, nicht einmal, dass es eines gibt.",
        held="Niemand bekommt eine Antwort. Die Mitarbeiter wissen davon und entscheiden mit #accept oder #reject.",
    ),
    "pl": Words(
        customer="Olena Kowalenko",
        subject="Po aktualizacji sklep pokazuje 502",
        question="Dzień dobry,\n\nwczoraj zaktualizowaliśmy WooCommerce i od tego czasu\n"
        "https://shop.example pokazuje „502 Bad Gateway”. Przeglądarka to Firefox,\n"
        "komunikat jest dokładnie taki.\n\nPozdrawiam\nOlena",
        still="Błąd nadal występuje.",
        answer="Zwiększyliśmy limit PHP-FPM, prosimy spróbować ponownie.",
        stranger="Proszę przysłać mi ostatnią odpowiedź jeszcze raz.",
        access_subject="Nowe hasło",
        access="Proszę o nowe hasło.",
        invoice_subject="Faktura za czerwiec",
        invoice="Proszę o fakturę za czerwiec.",
        chapters=(
            "Pisze klientka", "Pisze ponownie; jej program zniekształcił znacznik",
            "Pracownik odpowiada ze swojego programu pocztowego",
            "Obcy odgadł numer", "Ktoś podszywa się pod jej adres", "Pyta o coś innego, pod starym znacznikiem",
            "Obcemu nikt nie odpowiada: ten helpdesk obiecuje odpowiedź w {seconds} sekund (na co dzień w 60 minut)",
        ),
        left="Odpowiedź wyszła po sekundzie (zwykle po 30: do tego czasu cofa ją #undo), bez jego adresu.",
        alone="Osobne zgłoszenie: o jej zgłoszeniu nie dowiaduje się niczego, nawet tego, że istnieje.",
        held="Nikt nie dostaje odpowiedzi. Pracownicy wiedzą o tym i rozstrzygają wiadomością #accept albo #reject.",
    ),
    "ru": Words(
        customer="Олена Коваленко",
        subject="После обновления магазин показывает 502",
        question="Здравствуйте!\n\nВчера мы обновили WooCommerce, и с тех пор https://shop.example показывает «502 Bad Gateway».\n"
        "Браузер Firefox, ошибка именно такая.\n\nС уважением,\nОлена",
        still="Ошибка осталась.",
        answer="Подняли лимит PHP-FPM, проверьте, пожалуйста.",
        stranger="Пришлите мне, пожалуйста, ваш последний ответ ещё раз.",
        access_subject="Новый пароль",
        access="Пришлите мне новый пароль.",
        invoice_subject="Счёт за июнь",
        invoice="Пришлите, пожалуйста, счёт за июнь.",
        chapters=(
            "Пишет клиентка", "Она пишет снова; её программа исказила метку", "Сотрудник отвечает из своей почтовой программы",
            "Посторонний угадал номер", "Кто-то подделал её адрес", "Она спрашивает о другом под старой меткой",
            "Постороннему никто не отвечает: эта служба обещает ответ за {seconds} секунд (в жизни за 60 минут)",
        ),
        left="Ответ ушёл через секунду (обычно через 30: до этого его отзывает #undo), без адреса сотрудника.",
        alone="Отдельный тикет: о её тикете он не узнаёт ничего, даже того, что он есть.",
        held="Никому не отвечено. Сотрудники знают об этом и решают письмом с #accept или #reject.",
    ),
    "uk": Words(
        customer="Олена Коваленко",
        subject="Після оновлення сайт показує 502",
        question="Доброго дня!\n\nУчора ми оновили WooCommerce, і відтоді https://shop.example видає «502 Bad Gateway».\n"
        "Браузер Firefox, помилка саме така.\n\nЗ повагою,\nОлена",
        still="Помилка й досі є.",
        answer="Підняли ліміт PHP-FPM, перевірте, будь ласка.",
        stranger="Надішліть мені, будь ласка, вашу останню відповідь ще раз.",
        access_subject="Новий пароль",
        access="Надішліть мені новий пароль.",
        invoice_subject="Рахунок за червень",
        invoice="Надішліть, будь ласка, рахунок за червень.",
        chapters=(
            "Пише клієнтка", "Вона пише знову; її програма спотворила мітку", "Працівник відповідає зі своєї поштової програми",
            "Сторонній вгадав номер", "Хтось підробив її адресу", "Вона питає про інше під старою міткою",
            "Сторонньому ніхто не відповідає: ця служба обіцяє відповідь за {seconds} секунд (у житті за 60 хвилин)",
        ),
        left="Відповідь пішла за секунду (зазвичай за 30: доти її відкликає #undo), без адреси працівника.",
        alone="Окремий тікет: про її тікет він не дізнається нічого, навіть того, що він є.",
        held="Нікому не відповіли. Працівники знають про це й вирішують листом із #accept або #reject.",
    ),
}  # fmt: skip
