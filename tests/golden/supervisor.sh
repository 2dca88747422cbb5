drop_in='# From roadie, the same for every site. Supervisor starts the sites after the database, and again when it was killed.
[Unit]
After=mariadb.service mysql.service postgresql.service

[Service]
KillMode=process
Restart=always
RestartSec=1s
ExecStartPre=/usr/local/lib/roadie/reconcile
ExecStartPost=/bin/bash -c "/usr/local/lib/roadie/reap 5 &"
'
needrestart='# From roadie: a restart of Supervisor fails the requests of every site, so a newer library waits for the next boot.
$nrconf{override_rc}{qr(^supervisor)} = 0;
'

start_on_systemd() {
  host_lock
  unapply 'reload of systemd'
}

require_site
local before_change=start_on_systemd drop_ins=/etc/systemd/system/supervisor.service.d
look_at "${drop_ins}" "${drop_ins}/roadie.conf"
ensure_dir "${drop_ins}" 755 root:root
ensure_file "${drop_ins}/roadie.conf" 644 root:root "${drop_in}"
# Only systemd is told: a restart of Supervisor would take every site of the host down for seconds.
ensure_applied 'reload of systemd' systemctl daemon-reload
before_change=host_lock
if [[ -d /etc/needrestart/conf.d ]]; then
  ensure_file /etc/needrestart/conf.d/roadie.conf 644 root:root "${needrestart}"
fi
ensure_service supervisor
host_unlock
