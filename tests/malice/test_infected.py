"""What a scanner found infected reaches nobody, by whatever letter, and not by #full either (M9)."""

import email

from tests.world import World, a_mail

SUPPORT = "support@flexihost.example"
INFECTED = b"""Authentication-Results: mx.flexihost.example; dmarc=pass header.from=shop.example\r
From: Olena <olena@shop.example>\r
To: support@flexihost.example\r
Subject: About my site\r
Message-ID: <infected@shop.example>\r
X-Virus-Status: Infected (Eicar-Signature)\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Please look at this.\r
--b\r
Content-Type: application/octet-stream\r
Content-Disposition: attachment; filename="tool.bin"\r
\r
the harmful bytes\r
--b--\r
"""


def test_no_letter_of_the_house_holds_what_was_found():
    world = World()
    world.account("1001", "olena@shop.example", login="olena")
    world.staff("ivan@team.example", name="Ivan")
    world.post(INFECTED, SUPPORT)
    (ticket,) = world.tickets()
    assert ticket.flags == ("malware_removed",)
    subject = f"Re: [flexihost #{ticket.number}] About my site"
    asked = a_mail(subject, "#full", sender="ivan@team.example", to=SUPPORT, auth="pass")
    assert world.post(asked, SUPPORT)["outcome"] == "command"
    (whole,) = world.sent("command_done")
    (file,) = (part for part in whole.message.walk() if part.get_filename() == "mail.eml")
    words = email.message_from_bytes(file.get_payload(decode=True))
    assert "Please look at this." in words.get_payload(decode=True).decode()
    assert not words.is_multipart()
    files = [part.get_payload(decode=True) or b"" for left in world.left for part in left.message.walk()]
    assert not any(b"harmful" in content for content in files)
