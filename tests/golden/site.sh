local secret_key_names=(SECRET_KEY DJANGO_SECRET_KEY)
local tmpfiles='<text of site/tmpfiles.conf.j2>'
local reconcile='<text of on-host/reconcile>'
local enclose='<text of on-host/enclose.py>'
local launch='<text of on-host/launch>'
local cron='<text of on-host/cron>'
local manage='<text of on-host/manage>'

refuse_taken_names() { # fails if something that roadie did not make has a name or a place of the site
  local taken
  find_taken
  [[ -z ${taken} ]] ||
    fail "site ${app}" "${taken} is there already, and roadie did not make it; choose another app:, or remove it by hand"
}

ensure_user() { # USER HOME: has a system user without a login, in the group of the same name
  local now='' line name number gid=none
  while IFS= read -r line; do
    [[ ${line} != "$1:"* ]] || now=${line}
  done </etc/passwd
  while IFS=: read -r name _ number _; do
    [[ ${name} != "$1" ]] || gid=${number}
  done </etc/group
  if [[ ${now} == "$1":*:*:"${gid}":*:"$2":/usr/sbin/nologin ]]; then
    ok "user $1"
  else
    local note="home $2, no login"
    [[ -z ${now} ]] || note="is there with another group, home or shell; should be group $1, home $2, no login"
    change "user $1" make_user "$1" "$2"
  fi
}

make_user() { # USER HOME
  getent group "$1" >/dev/null || groupadd --system "$1"
  if getent passwd "$1" >/dev/null; then
    usermod --gid "$1" --home "$2" --shell /usr/sbin/nologin "$1"
  else
    useradd --system --gid "$1" --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
  fi
}

# An earlier roadie let Gunicorn make its socket, in a folder of the site's. Such a process may start again, and then needs that
# folder as it was. The folder becomes root's when the next deploy has stopped the process.
ensure_socket_dir() {
  local slot
  for slot in blue green; do
    [[ -L ${socket_dir}/${slot}.sock || ! -S ${socket_dir}/${slot}.sock ]] || return 0
  done
  ensure_dir "${socket_dir}" 711 root:root
}

secret_key() {
  random_hex 32
}

local name
look_at "${state}" "${state}"/{sites,format} "${tools}" "${tools}"/{reconcile,enclose,launch,manage,cron} "${caches}" "${cache}" \
  "${root}" "${root}"/{releases,slots,venvs,shared} "${root}"/shared/{media,home,static,secrets} \
  "${log_dir}" "${socket_dir}" "${tmpfiles_file}"

ensure_dir "${state}" 700 root:root
ensure_dir "${state}/sites" 700 root:root
ensure_file "${state}/format" 600 root:root "${known_format}"
ensure_claim "${app}" site refuse_taken_names

ensure_dir "${tools}" 755 root:root
ensure_file "${tools}/reconcile" 755 root:root "${reconcile}"
ensure_file "${tools}/enclose" 755 root:root "${enclose}"
ensure_file "${tools}/launch" 755 root:root "${launch}"
ensure_file "${tools}/manage" 755 root:root "${manage}"
ensure_file "${tools}/cron" 755 root:root "${cron}"

ensure_user "${app}" "${root}/shared/home"
ensure_user "${build_user}" "${build_home}"
ensure_dir "${caches}" 755 root:root
ensure_dir "${cache}" 750 "root:${build_user}"
ensure_dir "${root}" 751 root:root
for name in releases slots venvs shared; do
  ensure_dir "${root}/${name}" 751 root:root
done
ensure_dir "${root}/shared/media" 2750 "${app}:www-data"
ensure_dir "${root}/shared/home" 700 "${app}:${app}"
ensure_dir "${root}/shared/static" 755 root:root
ensure_dir "${log_dir}" 750 "root:${app}"
ensure_file "${tmpfiles_file}" 644 root:root "${tmpfiles}"
for name in "${root}"/slots/*/program.conf "${root}"/releases/*/programs.conf; do
  ensure_enclosed "${name}"
done
ensure_socket_dir
ensure_secret ROADIE_SECRET_KEY secret_key "${secret_key_names[@]}"
