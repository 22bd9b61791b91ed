#!/bin/sh
# What surprised us: Python's smtplib.LMTP reads one reply after DATA, and an LMTP server gives one a recipient.
#
# (RFC 2033, 4.2.) Of a mail to two people sendmail() returns {} although the second mailbox was full; that reply stays in the
# connection, and the *next* mail is refused with it: SMTPSenderRefused, "552 … <ben> Quota exceeded", about a mail that has
# nothing to do with Ben. The one after that fails with a 250. The class takes over everything but the greeting from SMTP.
#
# Seen with CPython 3.11.2 (Debian 12) and 3.11.7, and Dovecot's LMTP server 2.3.19.1 of Debian 12.
# Needs: Debian 12, root, dovecot-core (Dovecot's master changes its user), apt-get, python3. Fails if this changes.
set -eu
[ "$(id -u)" = 0 ] && command -v dovecot >/dev/null || { echo "needs root and dovecot-core" >&2; exit 2; }
folder=$(mktemp -d)
trap 'doveadm -c "$folder/dovecot.conf" stop 2>/dev/null; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download -qq "dovecot-lmtpd=$(dpkg-query -W -f '${Version}' dovecot-core)" 2>/dev/null
dpkg -x dovecot-lmtpd_*.deb root
mkdir run mail
chown nobody mail
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'anna:x:::::\nben:x::::::userdb_quota_rule=*:storage=1\n' >users
cat >dovecot.conf <<CONF
base_dir = $folder/run
log_path = $folder/log
protocols = lmtp
ssl = no
listen = 127.0.0.1
mail_location = maildir:$folder/mail/%n
auth_username_format = %n
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
mail_uid = nobody
mail_gid = nogroup
mail_plugins = quota
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=1M
}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = passwd-file
  args = $folder/users
  default_fields = uid=nobody gid=nogroup home=$folder/mail/%n
}
service lmtp {
  executable = $folder/root/usr/lib/dovecot/lmtp
  chroot =
  inet_listener lmtp {
    port = $port
  }
}
service stats {
  chroot =
}
service anvil {
  chroot =
}
CONF
dovecot -c dovecot.conf
dovecot --version
PORT=$port python3 - <<'PYTHON'
import os
import smtplib
import sys
import time

print("Python", sys.version.split()[0])
for _ in range(100):
    try:
        connection = smtplib.LMTP("127.0.0.1", int(os.environ["PORT"]))
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
first = connection.sendmail(
    "s@desk.example", ["anna@client.example", "ben@client.example"], "Subject: one\r\n\r\n" + "text\r\n" * 400
)
print("to Anna and Ben, whose mailbox is full:", first)
second = None
try:
    connection.sendmail("s@desk.example", ["anna@client.example"], "Subject: two\r\n\r\ntext\r\n")
except smtplib.SMTPSenderRefused as error:
    second = error
print("to Anna alone:", second and (second.smtp_code, second.smtp_error.decode()))
connection.close()
sys.exit(0 if first == {} and second is not None and second.smtp_code == 552 and b"ben" in second.smtp_error else 1)
PYTHON
