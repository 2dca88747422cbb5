local drop_in='<text of supervisor/unit.conf.j2>'
local needrestart='<text of supervisor/needrestart.conf.j2>'

require_site
ensure_unit "${drop_ins}" "${drop_in}" # a restart of Supervisor would stop every site of the host for seconds
local before_change=host_lock
ensure_absent "${tools}/reap" # of an earlier roadie
if [[ -d ${needrestart_file%/*} ]]; then
  ensure_file "${needrestart_file}" 644 root:root "${needrestart}"
fi
ensure_service supervisor
host_unlock
