local conf='<text of redis/redis.conf.j2>'
local drop_in='<text of redis/unit.conf.j2>'

refuse_taken_redis() {
  local path
  for path in "${others_redis}" "${redis_drop_ins}"; do
    [[ ! -e ${path} ]] || fail redis "${path} is there, and roadie did not make it; choose another app:, or remove it by hand"
  done
}

start_on_redis() { # before the unit's files change
  host_lock
  unapply "reload of ${redis_unit}"
}

reload_redis() { # a restart loses nothing: Redis keeps what is queued in its file
  systemctl daemon-reload
  [[ ! -e ${redis_socket} ]] || systemctl restart "${redis_unit}" || fail redis "it does not start again; see: journalctl -u ${redis_unit}"
}

require_site
ensure_claim "redis ${app}" redis refuse_taken_redis
ensure_dir "${root}/shared/redis" 700 "${app}:${app}"
local before_change=start_on_redis
ensure_file "${redis_conf}" 640 "root:${app}" "${conf}"
ensure_dir "${redis_drop_ins}" 755 root:root
ensure_file "${redis_drop_ins}/roadie.conf" 644 root:root "${drop_in}"
ensure_applied "reload of ${redis_unit}" reload_redis
ensure_service "${redis_unit}"
host_unlock
[[ -n ${dry_run} ]] || require_redis
