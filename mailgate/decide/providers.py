"""Mail providers: a domain at which anybody may have an address is no customer's own (C7)."""

PROVIDERS = frozenset(
    """
    gmail.com googlemail.com outlook.com outlook.de hotmail.com hotmail.de live.com live.de msn.com yahoo.com yahoo.de
    ymail.com aol.com aol.de icloud.com me.com mac.com proton.me protonmail.com pm.me fastmail.com zoho.com mail.com
    gmx.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de arcor.de posteo.de mailbox.org 1und1.de vodafone.de
    wp.pl o2.pl onet.pl poczta.onet.pl onet.eu interia.pl interia.eu gazeta.pl op.pl tlen.pl vp.pl poczta.fm
    ukr.net i.ua meta.ua bigmir.net email.ua mail.ua online.ua
    mail.ru bk.ru inbox.ru list.ru internet.ru yandex.ru yandex.com yandex.ua ya.ru rambler.ru lenta.ru
    tutanota.com tutanota.de tuta.io hey.com gmail.de mail.de qq.com 163.com orange.fr free.fr laposte.net libero.it
    """.split()
)
