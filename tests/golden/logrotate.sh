logrotate='<text of logrotate/logrotate.conf.j2>'

ensure_file /etc/logrotate.d/roadie 644 root:root "${logrotate}"
