logrotate='# Every run of roadie has a log of its own; those of the last 30 days stay.
/var/log/roadie/*.log {
	daily
	minage 30
	rotate 0
	missingok
	ifempty
}
'

ensure_file /etc/logrotate.d/roadie 644 root:root "${logrotate}"
