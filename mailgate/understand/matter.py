"""Is it the same matter? Core subjects compared by their words and by the entities they name (T4a, T6)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.settings import Desk
from mailgate.understand.findings import compile_lists
from mailgate.understand.words.lexer import cut, fold

_MOST_CHARACTERS = 400
_MOST_WORDS = 40
_MOST_SEEN = 60
_SAME = 0.57

_ENTITY = re.compile(
    r"(?P<mail>[\w.+-]{1,64}@[\w.-]{3,100})|(?P<ip>(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]))"
    r"|(?P<host>(?<![\w.@-])(?:https?://)?(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,18}(?![\w@]))"
    r"|(?P<machine>(?<![\w-])(?:vps|srv|node|vm|db|web|host|server|serwer|сервер|впс|backup|ds|ns|mx|rack)[-_ ]?\d{1,5}"
    r"(?![\w-]|\.\d))"
)
_DATE = re.compile(
    r"(?<![\w.])(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.?|\d{1,2}:\d\d(?::\d\d)?)(?![\w/])"
)
_NUMBER = re.compile(r"(?<![\w.])#?([a-zа-яіїєґ]{0,5}[-/]?\d(?:[\d/.-]{1,20}\d|\d{2,}))(?![\w])")
_COUNTER = re.compile(r"[\[(#№]{0,2}\b\d{1,2}\b[\])]?|\(\s*\d+\s*\)")
# words that carry no matter: articles, prepositions, politeness, and the notes people add to a subject
_STOP = frozenset(
    """a an the of for to in on at by with from and or is are was were be been my our your this that it its about re
    please again still possible impossible since noon morning evening yesterday today tonight update urgent
    reminder follow up followup asap new important question regarding concerning another der die das den dem des
    ein eine einen einem einer und oder fuer von vom zu zum zur im in am an auf mit bei ist sind mein meine
    meinen meinem meiner unser unsere unseren unserem unserer ueber aus nach bitte nochmal noch nachtrag
    moeglich unmoeglich seit gestern heute frueh dringend wichtig erinnerung ergaenzung nachfrage rueckfrage
    update betreff frage wegen bezueglich eilt zweiter teil i w we z ze na do o od za dla po przy u nad pod jest
    sa moj moja moje moim mojej nasz nasza nasze prosze ponownie wczoraj dzisiaj dzis rana uzupelnienie
    przypomnienie pilne pilnie wazne pytanie dotyczy dotyczace sprawa aktualizacja dopisek dodatek cd и в во на
    с со к ко о об от до за для по при у из мой моя мое моем моей наш наша наше нашем нашей пожалуйста снова
    вчера сегодня утра опять дополнение напоминание уточнение срочно важно вопрос по поводу насчет продолжение
    повторно обновление і й та у в на з із зі до від о об про за для по при мій моя моє моїм моїй наш наша наше
    нашій будь ласка знову вчора сьогодні ранку доповнення нагадування уточнення терміново важливо питання щодо
    стосовно продовження повторно оновлення""".split()
)
# what is said of any matter: it tells two matters apart the least
_FAINT = frozenset(
    """work works working down open opens load loads respond problem problems issue error errors broken fail fails slow
    funktioniert geht laeuft laedt oeffnet erreichbar reagiert problem probleme fehler stoerung kaputt langsam
    dziala otwiera laduje odpowiada problem problemy blad bledy awaria wolno
    работает работают открывается открываются грузится загружается отвечает доступен недоступен проблема проблемы ошибка
    ошибки медленно
    працює працюють відкривається відкриваються вантажиться завантажується відповідає доступний недоступний проблема
    проблеми помилка помилки повільно""".split()
)
# the month that a matter is of: an invoice of another is another matter
_MONTHS = {
    stem: number
    for number, stems in enumerate(
        """januar january styczen stycznia styczniu январ січ|februar february luty lutego lutym феврал лют|maerz march marzec
        marca marcu март марта марте берез|april kwiecien kwietnia kwietniu апрел квіт|mai may maj maja maju май мая мае
        трав|juni june czerwiec czerwca czerwcu июн черв|juli july lipiec lipca lipcu июл лип|august sierpien sierpnia
        sierpniu август серп|september wrzesien wrzesnia wrzesniu сентябр верес|oktober october pazdziernik octob октябр
        жовт|november listopad ноябр листоп|dezember december grudzien grudnia grudniu декабр груд""".split("|"), 1
    )
    for stem in stems.split()
}  # fmt: skip
_MONTH = re.compile(
    rf"(?<![\w])({'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?=(?:[а-яіїє]{{0,5}}|a|u|em)(?!\w))"
)
_DAY_OF_MONTH = re.compile(
    rf"(?<![\w.])\d{{1,2}}(?:st|nd|rd|th|\.)?[ ](?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
    r"[^\W\d_]{0,5}(?:[ ]\d{4})?"
)
_YEAR = re.compile(r"(?<![\w./-])20\d\d(?![\w./-])")
_QUARTER = re.compile(r"(?<!\w)(?:q([1-4])|([1-4])[.\s-]{0,2}(?:й |ый |-й )?(?:quart|kwarta|кварт))\w*")
# words for one thing: what people call a site, how they say that something is wrong, and that they cannot get in
_SITE = re.compile(
    r"(?:web)?(?:site|seite|page)s?\Z|homepage|internetseite|shop\Z|stron[aeyi]\Z|witryn|сайт|сторінк|страниц"
)
_GET_IN = re.compile(
    r"log(?:in|on|ging|ged)?\Z|sign(?:in|ing)\Z|einlogg|eingelogg|anmeld|logowan|zalogow|loguj|вход|войти|зайти|залогин|логин|"
    r"авториз|увійти|вхід|зайти|залогін|логін"
)
_WRONG = re.compile(
    r"(?:not|no|can|can't|unable|down|offline|dead|unreachable|unavailable|broken|failed|fails|failing|failure|fail|outage|"
    r"nicht|kein|keine|kann|koennen|kaputt|tot|geht|gehen|nie|moge|mozna|lezy|не|нет|немає|могу|можу|можем|лежит|лежить|лег|ліг)\Z|"
    r"problem|issue|error|trouble|fehler|stoerung|ausfall|ausfiel|unerreichbar|defekt|funktionier|erreichbar|reachable|"
    r"work(?:s|ing)?\Z|open(?:s|ing)?\Z|load(?:s|ing)?\Z|respond|laedt|laeuft|"
    r"blad|bled|awari|padl|dziala|otwiera|niedostepn|usterk|odpowiada|laduje|"
    r"проблем|ошибк|сбой|сбо[яю]|недоступ|упал|работа|открыва|отвеча|грузит|загружа|помилк|збій|впав|працю|відкрива|відповіда|завантажу"
)
_SEPARATED = re.compile(r"\A(aus|ab|an|auf|ein|um|vor|nach|weg|ueber)ge(?=\w{3})")
# heads of German compounds: what is before them is the other half of the matter
_HEAD = re.compile(
    r"\A(\w{4,}?)(?:s|n|en)?(ausfall\w{0,2}|problem\w{0,2}|fehler\w{0,2}|stoerung\w{0,2}|umzug\w{0,2}|wechsel\w{0,2}|transfer\w{0,2}|"
    r"verlaengerung\w{0,2}|erneuerung\w{0,2}|kuendigung\w{0,2}|aenderung\w{0,2}|anfrage|frage|abruf|versand|empfang|verlust)\Z"
)
# what most tickets are about tells two of them apart less than what is said of it
_COMMON = frozenset("~site ~login server domain mail email serwer domena poczta сервер домен почта пошта".split())
_NOT = frozenset("not no nicht kein keine nie не нет немає без without ohne bez".split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Whether it is the same matter, how alike the nearest subject is (0 to 1), and why."""

    is_same: bool
    score: float
    because: str


def compare(core_subject: str, seen: Sequence[str]) -> Comparison:
    """Return whether `core_subject` is the matter of any subject `seen` on the ticket (T4a): empty, a part, an addition
    or a small change of it. Another domain, server, order or invoice than those named is another matter."""
    new = _subject(core_subject[:_MOST_CHARACTERS])
    if not new.folded:
        return Comparison(is_same=True, score=1.0, because="the subject is empty")
    best = Comparison(is_same=False, score=0.0, because="no subject was seen before")
    for old in seen[-_MOST_SEEN:]:
        found = _alike(new, _subject(old[:_MOST_CHARACTERS]))
        if found.is_same:
            return found
        if found.score >= best.score:
            best = found
    # a ticket whose only subjects are empty was about nothing in particular
    if seen and all(not fold_subject(old) for old in seen):
        return Comparison(is_same=True, score=0.0, because="the ticket had no subject")
    return best


def fold_subject(core: str) -> str:
    """Return a core subject for equality (T6): case, accents, punctuation and spacing do not count."""
    return " ".join(cut(fold(core[: _MOST_CHARACTERS * 3])).words)


def is_generic(core_subject: str, desk: Desk) -> bool:
    """Does the subject say nothing of the matter (T6): at most one word, on the desk's list, or general words alone?"""
    words = cut(fold(core_subject[:_MOST_CHARACTERS])).words
    if len(words) <= 1:
        return True
    if " ".join(words) in {fold_subject(subject) for subject in desk.generic_subjects}:
        return True
    general = compile_lists(desk.lexicon, "generic").find(cut(" ".join(words))).get("generic", ())
    covered = {at for hit in general for at in range(hit.start, hit.end)}
    return len(covered) == len(words)


@dataclass(frozen=True, slots=True)
class _Subject:
    folded: str
    words: tuple[str, ...]  # those that carry the matter
    names: frozenset[str]  # domains, hosts, addresses
    numbers: frozenset[str]
    months: frozenset[str]
    years: frozenset[str]


@lru_cache(maxsize=2048)
def _subject(core: str) -> _Subject:
    text = fold(core)
    names: list[str] = []
    for found in _ENTITY.finditer(text):
        names.append(re.sub(r"^(?:https?://)?(?:www\.)?", "", found.group()).replace(" ", "-"))
    bare = _DAY_OF_MONTH.sub(" ", _DATE.sub(" ", _ENTITY.sub(" ", text)))
    months = [str(_MONTHS[found.group(1)]) for found in _MONTH.finditer(bare)]
    months += [f"q{found.group(1) or found.group(2)}" for found in _QUARTER.finditer(bare)]
    years = _YEAR.findall(bare)
    bare = _YEAR.sub(" ", bare)
    numbers = [found.group(1) for found in _NUMBER.finditer(bare)]
    rest = _COUNTER.sub(" ", _NUMBER.sub(" ", _QUARTER.sub(" ", bare)))
    words = [canon for word in cut(rest).words if word not in _STOP for canon in _canonical(word)][:_MOST_WORDS]
    return _Subject(
        fold_subject(core), tuple(dict.fromkeys(words)), frozenset(names), frozenset(numbers), frozenset(months),
        frozenset(years),
    )  # fmt: skip


def _canonical(word: str) -> tuple[str, ...]:
    """Return the word, or the halves of its compound, each as the one word that stands for its kind."""
    halves = _HEAD.match(word)
    parts = halves.groups() if halves else (_SEPARATED.sub(r"\1", word),)
    return tuple(_of_kind(part) for part in parts)


def _of_kind(part: str) -> str:
    return next((word for pattern, word in _KINDS if pattern.match(part)), part)


_WRONG_WORD = "~wrong"
_KINDS = ((_WRONG, _WRONG_WORD), (_GET_IN, "~login"), (_SITE, "~site"))


def _alike(new: _Subject, old: _Subject) -> Comparison:
    if not old.folded:
        return Comparison(is_same=False, score=0.0, because="a subject without words")
    if new.folded == old.folded:
        return Comparison(is_same=True, score=1.0, because=f"the subject «{old.folded}» again")
    for kind, one, other in (
        ("name", new.names, old.names), ("number", new.numbers, old.numbers), ("month", new.months, old.months),
        ("year", new.years, old.years),
    ):  # fmt: skip
        if one and other and not one & other and not _is_typo(one, other, kind):
            changed = f"another {kind}: {', '.join(sorted(one))} instead of {', '.join(sorted(other))}"
            return Comparison(is_same=False, score=0.0, because=changed)
    if f" {new.folded} " in f" {old.folded} ":
        return Comparison(is_same=True, score=1.0, because=f"a part of «{old.folded}»")
    if f" {old.folded} " in f" {new.folded} ":
        return Comparison(is_same=True, score=1.0, because=f"an addition to «{old.folded}»")
    return _by_words(new, old)


def _by_words(new: _Subject, old: _Subject) -> Comparison:
    if not new.words or not old.words:
        is_same = bool(new.names & old.names or new.numbers & old.numbers) or not (
            new.words or new.names or new.numbers
        )
        return Comparison(is_same=is_same, score=float(is_same), because=f"names alone, beside «{old.folded}»")
    shared_new = sum(_weight(word) for word in new.words if _has_like(word, old.words))
    shared_old = sum(_weight(word) for word in old.words if _has_like(word, new.words))
    whole_new, whole_old = sum(map(_weight, new.words)), sum(map(_weight, old.words))
    common = bool(new.names & old.names) + bool(new.numbers & old.numbers)
    score = (shared_new + shared_old + 6 * common) / (whole_new + whole_old + 6 * common)
    if shared_new == whole_new and shared_new >= 0.3 * whole_old:
        return Comparison(is_same=True, score=score, because=f"its words are a part of «{old.folded}»")
    if shared_old == whole_old and (len(old.words) > 1 or common or whole_old >= 0.4 * whole_new):
        return Comparison(is_same=True, score=score, because=f"an addition to the words of «{old.folded}»")
    verdict = "a small change of" if score >= _SAME else "other words than"
    return Comparison(is_same=score >= _SAME, score=round(score, 3), because=f"{verdict} «{old.folded}» ({score:.2f})")


def _weight(word: str) -> float:
    if word in _NOT or word in _FAINT or word == _WRONG_WORD:
        return 2.0
    return 4.5 if word in _COMMON else float(min(max(len(word), 3), 8))


def _has_like(word: str, words: tuple[str, ...]) -> bool:
    return any(_is_like(word, other) for other in words)


@lru_cache(maxsize=8192)
def _is_like(one: str, other: str) -> bool:
    """Are they one word but for its ending, a typo, or being written together?"""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < 4:
        return False
    if len(short) > 6 and long.endswith(short):
        return True  # the head of a compound: Domainverlängerung
    shared = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if (
        shared >= 4
        and (shared >= len(short) - 2 or (shared > 4 and shared >= 0.6 * len(short)))
        and len(long) - shared <= 6
    ):
        return True
    return _distance_at_most(short, long, 1 if len(short) < 7 else 2)


def _distance_at_most(short: str, long: str, most: int) -> bool:
    """Is one made of the other by `most` changes of a letter, or letters swapped? (Words are short: rows of 40.)"""
    if len(long) - len(short) > most or len(long) > 40:
        return False
    before: list[int] = []
    row = list(range(len(long) + 1))
    for at, letter in enumerate(short, 1):
        older, before, row = before, row, [at]
        for index, other in enumerate(long, 1):
            cost = min(before[index] + 1, row[index - 1] + 1, before[index - 1] + (letter != other))
            if at > 1 and index > 1 and letter == long[index - 2] and short[at - 2] == other:
                cost = min(cost, older[index - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return False
    return row[-1] <= most


def _is_typo(one: frozenset[str], other: frozenset[str], kind: str) -> bool:
    """A name with a letter wrong is the same name; a number with a digit changed is another number."""
    return kind == "name" and any(_is_misspelt(*sorted((a, b), key=len)) for a in one for b in other)


def _is_misspelt(short: str, long: str) -> bool:
    has_digit = any(character.isdigit() for character in short + long)
    return not has_digit and len(short) > 6 and _distance_at_most(short, long, 1)
