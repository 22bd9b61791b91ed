"""Authentication-Results as they stand in mail (S2, RFC 8601): read whole or not at all, and never out of their place."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mailgate.decide.sender import read_results
from mailgate.model.mail import AuthResults
from mailgate.parse.authentication import result
from tests.decide.build import IVAN, a_mail, desk, who

DESK = desk()
DESK_ID = DESK.authserv_ids[0]
FORGED = f"{DESK_ID}; dmarc=pass header.from=team.example; dkim=pass header.d=team.example"

REAL = {
    "opendmarc": "mx.desk.example; dmarc=pass (p=none dis=none) header.from=shop.example",
    "opendkim": "mx.desk.example;\r\n\tdkim=pass (2048-bit key; unprotected) header.d=shop.example header.i=@shop.example"
    ' header.a=rsa-sha256 header.s=s1 header.b="Ab/c+="; dkim-atps=neutral',
    "rspamd": "mx.desk.example;\r\n\tdkim=pass header.d=shop.example header.s=s1 header.b=Ab12;\r\n\tdmarc=pass"
    " (policy=reject) header.from=shop.example;\r\n\tspf=pass (mx: domain of o@shop.example designates 192.0.2.1 as"
    " permitted sender) smtp.mailfrom=o@shop.example",
    "gmail": "mx.desk.example;\r\n       dkim=pass header.i=@shop.example header.s=20230601 header.b=Ew;\r\n       spf=pass"
    " (google.com: domain of o@shop.example designates 2a00:1450::1 as permitted sender) smtp.mailfrom=o@shop.example;"
    "\r\n       dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=shop.example;\r\n       dara=neutral"
    " header.i=@desk.example",
    "policyd-spf": "mx.desk.example; spf=Pass (mailfrom) smtp.mailfrom=shop.example"
    " (client-ip=192.0.2.1; helo=x.example; envelope-from=o@shop.example; receiver=desk.example)",
    "exim": "mx.desk.example;\r\n\tiprev=pass (a.shop.example) smtp.remote-ip=192.0.2.1;\r\n\tspf=pass"
    " smtp.mailfrom=shop.example;\r\n\tdkim=pass header.d=shop.example header.s=x header.a=rsa-sha256;\r\n\tdmarc=pass"
    " header.from=shop.example",
    "yahoo": "mx.desk.example;\r\n dkim=pass header.i=@shop.example header.s=s;\r\n spf=pass smtp.mailfrom=shop.example;"
    "\r\n dmarc=pass(p=NONE) header.from=shop.example;",
    "fastmail": "mx.desk.example;\r\n    x-csa=none;\r\n    bimi=skipped (DMARC Policy is not at enforcement);\r\n"
    "    arc=none (no signatures found);\r\n    dkim=pass (2048-bit rsa key sha256) header.d=shop.example"
    " header.i=@shop.example header.b=Qq header.a=rsa-sha256 header.s=fm2;\r\n    dmarc=pass"
    " policy.published-domain-policy=none policy.evaluated-disposition=none (p=none,d=none,d.eval=none)"
    " policy.policy-from=p header.from=shop.example",
    "exchange": "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=shop.example; dkim=pass (signature was verified)\r\n"
    " header.d=shop.example;dmarc=pass action=none\r\n header.from=shop.example;compauth=pass reason=100",
    "with a version and a reason": 'mx.desk.example 1; dmarc/1 = pass reason="good (so to say); really" header.from=shop.example',
    "a quoted sender": 'mx.desk.example; dmarc=pass header.from=shop.example; spf=pass smtp.mailfrom="a; b"@shop.example',
    "a quoted id": '"mx.desk.example"; dmarc=pass header.from=shop.example',
    "with the id of its job": "mx.desk.example/4ABC12; dmarc=pass header.from=shop.example",
    "letters of its own": "mx.desk.example; dmarc=pass header.from=shop.example; spf=none smtp.mailfrom=\udcd0\udcbe@shop.example",
}


@pytest.mark.parametrize("written", REAL.values(), ids=REAL)
def test_what_real_servers_write_is_read_whole(written: str) -> None:
    found = result(written)
    assert found.is_whole
    assert found.authserv_id == ("" if written.startswith("spf") else "mx.desk.example")
    assert read_results(found, "shop.example")[0] == "pass"


ODD = {
    "half a comment": "spf=none (mx: domain of a(b@evil.example does not exist) smtp.mailfrom=a",
    "a comment's end alone": "spf=none smtp.mailfrom=a)b@evil.example",
    "half a quoted string": 'spf=none smtp.mailfrom="a@evil.example',
    "a sender that ends the comment about it": 'spf=none (domain of "x); dmarc=pass header.from=shop.example (y"@e.example)',
    "a sender that ends it behind a backslash": 'spf=none (domain of "x\\"); dmarc=pass header.from=shop.example (y"@e.example)',
    "a value that is not there": "spf=none smtp.mailfrom= dmarc=pass",
    "words": "this is; no result at all",
    "two results in one": "spf=none dmarc=pass header.from=shop.example",
    "a NUL": "spf=none smtp.mailfrom=\0",
    "a backslash": "spf=none smtp.mailfrom=a\\ b@c",
    "a property twice": "dmarc=pass header.from=evil.example header.from=shop.example",
    "dkim of two domains": "dkim=pass header.d=evil.example header.d=shop.example",
    "two verdicts of dmarc": "dmarc=none header.from=shop.example; dmarc=pass header.from=shop.example",
    "two envelope senders": "spf=none smtp.mailfrom=a@evil.example; spf=pass smtp.mailfrom=a@shop.example",
    "nothing": "",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_says_nothing(odd: str) -> None:
    assert read_results(result(f"mx.desk.example; {odd}"), "shop.example")[0] == "none"


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_failure_is_one_however_odd_the_rest_is(odd: str) -> None:
    assert (
        read_results(result(f"mx.desk.example; dmarc=fail header.from=shop.example; {odd}"), "shop.example")[0]
        == "fail"
    )
    assert read_results(result(f"mx.desk.example; {odd}; dmarc = fail"), "shop.example")[0] == "fail"


def test_a_failure_that_a_comment_speaks_of_is_none() -> None:
    found = result("mx.desk.example; dmarc=pass (not dmarc=fail, as before) header.from=shop.example")
    assert read_results(found, "shop.example")[0] == "pass"


def test_a_long_header_is_read_to_its_end() -> None:
    long = "; ".join(f"dkim=none (key {number} of very many) header.d=x{number}.example" for number in range(3000))
    assert (
        read_results(result(f"mx.desk.example; {long}; dmarc=fail header.from=shop.example"), "shop.example")[0]
        == "fail"
    )
    assert (
        read_results(result(f"mx.desk.example; {long}; dmarc=pass header.from=shop.example"), "shop.example")[0]
        == "pass"
    )


@pytest.mark.parametrize("piece", ["(", "((", ")", '"', "\\", "( ) ", '" "', ";", " a=b", "(\\", '("'])
def test_a_hostile_header_is_read_in_the_time_of_its_length(piece: str) -> None:
    result("mx.desk.example; dmarc=none " + piece * (256 * 1024 // len(piece)))


def test_an_encoded_word_is_no_id() -> None:
    assert result("=?utf-8?q?mx.desk.example?=; dmarc=pass header.from=shop.example").authserv_id == ""


def level(*headers: AuthResults, channel: str = "lmtp", ids: tuple[str, ...] | None = None) -> str:
    mail = replace(a_mail(sender=IVAN), auth_results=headers)
    desk = None if ids is None else replace(DESK, authserv_ids=ids)
    return who(mail, arrival={"channel": channel}, on=desk).level


letters = st.text(st.sampled_from('ab=;(")\\.@ \t\r\n\0?/<>-:,дmx') | st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None)
@given(odd=letters)
def test_below_a_header_of_the_desks_own_none_is_believed_whatever_is_odd_in_it(odd: str) -> None:
    above = result(f"{DESK_ID}; spf=none smtp.mailfrom={odd}")
    assert level(above, result(FORGED)) in ("forged",)
    assert read_results(above, "team.example")[0] in ("none", "fail")


@settings(deadline=None)
@given(before=st.sampled_from(["", " ", "(c) ", "\t", '"']), odd=letters)
def test_an_opening_that_cannot_be_read_hides_nothing_below(before: str, odd: str) -> None:
    # a quoted string that ends is read, and is another id than the desk's; one whose mark stands behind a backslash goes on
    assume(before != '"' or not re.search(r'(?<!\\)(?:\\\\)*"', odd))
    above = result(f"{before}{DESK_ID}({odd}; dmarc=none")
    assert level(above, result(FORGED)) == "forged"


@settings(deadline=None)
@given(odd=letters, fail=st.sampled_from(["dmarc=fail", "DMARC = FAIL", "dmarc/1=fail"]))
def test_a_failure_in_the_desks_own_header_is_never_lost(odd: str, fail: str) -> None:
    assert result(f"{DESK_ID}; {fail} header.from=x.example; spf=none smtp.mailfrom={odd}").fails


def test_exchange_online_writes_no_id_and_is_believed_on_top_of_a_mailbox_alone() -> None:
    exchange = result(REAL["exchange"].replace("shop.example", "team.example"))
    ids = ("exchange-online",)
    assert level(exchange, channel="imap", ids=ids) == "staff"
    assert level(exchange, channel="imap", ids=("mx.flexihost.example",)) == "forged"
    for channel in ("lmtp", "smtp", "pipe"):
        assert level(exchange, channel=channel, ids=ids) == "forged"
    assert level(result("mx.other.example; none"), exchange, channel="imap", ids=ids) == "forged"
    assert level(result(FORGED.replace(DESK_ID, "exchange-online")), channel="imap", ids=ids) == "forged"
    odd = result("spf=none (sender IP is (192.0.2.1) smtp.mailfrom=evil.example")
    assert level(odd, exchange, channel="imap", ids=ids) == "forged"
