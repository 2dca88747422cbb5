local logrotate='<text of logrotate/logrotate.conf.j2>'

ensure_file "${logrotate_file}" 644 root:root "${logrotate}"
