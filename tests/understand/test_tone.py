"""A stated total outage (Q3), a mere thank-you (T5), an announced other matter (T4c)."""

import pytest

from tests.decide.a_desk import findings_of


@pytest.mark.parametrize(
    "text",
    [
        "Our server is completely down since 10:05.",
        "Total outage of our dedicated server!",
        "The server 198.51.100.7 is down, it does not answer to ping.",
        "All our sites are offline.",
        "Unser Server ist komplett ausgefallen.",
        "Totalausfall: nichts ist mehr erreichbar.",
        "Der Server ist vollständig offline und reagiert nicht auf Ping.",
        "Warum ist unser Server komplett nicht erreichbar?",
        "Serwer jest całkowicie niedostępny od 12:00.",
        "Całkowita awaria serwera, nic nie działa.",
        "Serwer padł i nie odpowiada na ping.",
        "Сервер полностью лежит, клиенты звонят.",
        "Сервер упал и не пингуется.",
        "Полный отказ всех сервисов с 14:00 МСК.",
        "Сервер повністю недоступний, не пінгується.",
        "Повна недоступність сервера з 9:30.",
        "Сервер впав і не відповідає на пінг.",
    ],
)
def test_a_stated_total_outage_is_one(text: str) -> None:
    assert findings_of(text).is_outage


@pytest.mark.parametrize(
    "text",
    [
        "URGENT! Please change the logo today.",
        "The server is not down, only slow.",
        "Is the server down?",
        "The server was completely down yesterday.",
        "Our server was down but it works again.",
        "What happens if the server is completely down?",
        "Dringend! Bitte sofort melden.",
        "Ist der Server komplett ausgefallen?",
        "Der Server war gestern komplett nicht erreichbar, läuft aber wieder.",
        "Was passiert, wenn der Server komplett ausfällt?",
        "Der Server ist nicht ausgefallen.",
        "Pilne! Proszę o kontakt.",
        "Czy serwer jest całkowicie niedostępny?",
        "Serwer był całkowicie niedostępny, ale już działa.",
        "Срочно! Ответьте, пожалуйста.",
        "Сервер не упал, просто тормозит.",
        "Вчера сервер был полностью недоступен, сейчас снова работает.",
        "Что будет, если сервер полностью недоступен?",
        "Терміново! Потрібна відповідь.",
        "Чи сервер повністю недоступний?",
        "Сервер був повністю недоступний, але вже працює.",
        "Сайт не открывается с утра.",
        "My site does not load.",
    ],
)
def test_urgency_questions_negations_and_the_past_are_no_outage(text: str) -> None:
    found = findings_of(text)
    assert not found.is_outage, found.because


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, it works now.",
        "Thank you very much for your quick help! You can close the ticket.\n\nBest regards\nKate Wilson",
        "Perfect, that did the trick. Thanks a lot!",
        "Danke, jetzt läuft es wieder.",
        "Vielen Dank, hat funktioniert!\n\nViele Grüße\nKlaus Becker",
        "Super, herzlichen Dank für die schnelle Hilfe. Das Ticket kann geschlossen werden.",
        "Dziękuję bardzo za pomoc!",
        "Dziękuję, wszystko już działa.",
        "Wielkie dzięki za szybką odpowiedź, problem rozwiązany.\n\nPozdrawiam\nJan",
        "Спасибо, всё заработало.",
        "Большое спасибо за оперативную помощь! Вопрос решён, заявку можно закрыть.\n\nС уважением,\nСергей",
        "Спасибо, больше вопросов нет.",
        "Дякую, все запрацювало.",
        "Щиро дякую за швидку відповідь! Питання вирішено.\n\nЗ повагою,\nОлена",
    ],
)
def test_a_mere_thank_you_is_one(text: str) -> None:
    assert findings_of(text).is_thanks


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, but it still does not work.",
        "Thank you. Could you also check the second server?",
        "Thanks in advance.",
        "Danke, aber die Seite geht noch immer nicht.",
        "Danke vorab.",
        "Vielen Dank, bitte noch die Rechnung schicken.",
        "Danke! Wann wird der Server neu gestartet?",
        "Dziękuję, ale przekierowanie nadal nie działa.",
        "Dziękuję, proszę jeszcze sprawdzić pocztę.",
        "Спасибо, но ошибка осталась.",
        "Спасибо. А когда включат второй сервер?",
        "Заранее спасибо.",
        "Дякую, але досі не працює.",
        "Дякую. Підкажіть, будь ласка, як додати домен?",
        "The site shows an error.",
        "",
    ],
)
def test_thanks_with_more_to_say_is_no_mere_thank_you(text: str) -> None:
    found = findings_of(text)
    assert not found.is_thanks, found.because


@pytest.mark.parametrize(
    "text",
    [
        "Hi, another question: can I pay by card?",
        "Hello team,\n\nI have a different question. How do I add a user?",
        "Thanks, that helped. Now a new question: where are the logs?",
        "Hallo, neue Frage: Wie viele Datenbanken sind enthalten?",
        "Guten Tag, ich habe noch eine andere Frage zum Tarif.",
        "Sehr geehrter Herr Vogel,\n\nich hätte eine weitere Frage.",
        "Dzień dobry, mam inne pytanie: czy macie serwery GPU?",
        "Witam, nowe pytanie w innej sprawie.",
        "Здравствуйте, у меня другой вопрос.",
        "Добрый день! Ещё один вопрос: как подключить домен?",
        "Доброго дня! Інше питання: чи можна додати користувача?",
        "Вітаю, маю нове запитання щодо пошти.",
    ],
)
def test_opening_words_announce_another_matter(text: str) -> None:
    assert findings_of(text).announces_new


@pytest.mark.parametrize(
    "text",
    [
        "The error is back again.",
        "Thanks, I have no further questions.",
        "Danke, ich habe keine weiteren Fragen.",
        "Die Fehlermeldung erscheint wieder.",
        "Nie mam innych pytań.",
        "Других вопросов нет, спасибо.",
        "Інших питань немає.",
        "After the restart it ran for an hour. Then the same error came, with the same text as in my first mail, and "
        "the log shows nothing else. My colleague will ask you another question tomorrow.",
    ],
)
def test_other_words_announce_nothing(text: str) -> None:
    found = findings_of(text)
    assert not found.announces_new, found.because
