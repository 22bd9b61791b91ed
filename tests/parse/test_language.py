"""M5: the language of short support mails among the desk's five."""

import pytest

from mailgate.model.phrases import Phrases
from mailgate.parse import language

SENTENCES = {
    "en": ["My invoice is wrong", "Please close my account", "Thanks, it works now.", "Backups failed twice this week",
           "The mailbox of our accountant rejects all mail", "Yes, please do."],
    "de": ["Meine Rechnung stimmt nicht", "Danke, jetzt läuft es.", "Passwort vergessen, bitte zuruecksetzen",
           "Die Weiterleitung klappt immer noch nicht", "Wann wird der Webspace freigeschaltet?"],
    "pl": ["Moja faktura jest niepoprawna", "Prosze o zamkniecie konta", "Dziękuję, działa.", "Nie moge sie zalogowac",
           "Skrzynka odrzuca całą pocztę"],
    "ru": ["Мой счет неверный", "Спасибо", "Письма приходят с опозданием", "Перезагрузка помогла, нагрузка в норме.",
           "Пароль не подходит", "Почта не работает, помогите.", 'Сервер пишет "Connection refused: no route to host"'],
    "uk": ["Мій рахунок неправильний", "Дякую", "Оплата не пройшла", "Листи приходять із запізненням",
           "Пароль не підходить", "Так, все запрацювало.", "Перезавантаження допомогло, навантаження в нормі."],
}  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SENTENCES.items() for text in texts])
def test_a_short_mail_is_of_its_language(code: str, text: str, phrases: Phrases) -> None:
    assert language.detect(text, phrases) == code


FRENCH = "Bonjour, mon site ne fonctionne plus depuis hier"


@pytest.mark.parametrize("text", ["", "12345", "https://a.example/the/and", "Ok", "您好，网站打不开", FRENCH])
def test_what_cannot_be_told_is_undecided(text: str, phrases: Phrases) -> None:
    assert language.detect(text, phrases) is None
