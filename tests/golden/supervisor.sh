local drop_in='<text of supervisor/unit.conf.j2>'
local needrestart='<text of supervisor/needrestart.conf.j2>'

start_on_systemd() {
  host_lock
  unapply 'reload of systemd'
}

require_site
local before_change=start_on_systemd
look_at "${drop_ins}" "${drop_ins}/roadie.conf"
ensure_dir "${drop_ins}" 755 root:root
ensure_file "${drop_ins}/roadie.conf" 644 root:root "${drop_in}"
# Reload systemd, but do not restart Supervisor: a restart would stop every site of the host for seconds.
ensure_applied 'reload of systemd' systemctl daemon-reload
ensure_absent "${tools}/reap" # of an earlier roadie
before_change=host_lock
if [[ -d ${needrestart_file%/*} ]]; then
  ensure_file "${needrestart_file}" 644 root:root "${needrestart}"
fi
ensure_service supervisor
host_unlock
