# For tests: a host whose site runs as an earlier roadie ran it. Supervisor starts Gunicorn as the site's user, and Gunicorn
# makes its socket in a folder of the site's.
set -eu
slot=$(readlink /srv/guestbook/live) slot=${slot#slots/}
supervisorctl stop "guestbook-${slot}"
rm -rf /usr/local/lib/roadie/enclose /run/guestbook/*
chown guestbook:www-data /run/guestbook
chmod 710 /run/guestbook
echo "d /run/guestbook 0710 guestbook www-data -" >/etc/tmpfiles.d/guestbook.conf
for file in "/srv/guestbook/slots/${slot}/program.conf" /srv/guestbook/live/release/program.in; do
  sed -i -E -e 's|enclose guestbook guestbook-[^ ]+ [0-9]+ [^ ]*launch|launch|' -e '/^command=/a user=guestbook' "${file}"
done
sed -i '/^Delegate=/d' /etc/systemd/system/supervisor.service.d/roadie.conf
systemctl daemon-reload
cat >/srv/guestbook/live/release/overlay/roadie_serving.py <<'PY'
from pathlib import Path
from gunicorn import sock
import runpy

begin, close = sock.UnixSocket.__init__, sock.close_sockets

def begin_beside(self, addr, conf, log, fd=None):
    if fd is not None:
        begin(self, addr, conf, log, fd=fd)
        return
    begin(self, f"{addr}.new", conf, log)
    Path(f"{addr}.new").rename(addr)
    self.cfg_addr = addr

def serve():
    sock.UnixSocket.__init__ = begin_beside
    sock.close_sockets = lambda listeners, unlink=True: close(listeners, unlink=False)
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)
PY
supervisorctl reread
supervisorctl update
