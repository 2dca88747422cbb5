ensure_no_files() { # WHAT PATH...: patterns that match nothing are none
  local path there=()
  for path in "${@:2}"; do
    [[ ! -e ${path} && ! -L ${path} ]] || there+=("${path}")
  done
  if [[ ${#there[@]} == 0 ]]; then ok "no $1"; else change "no $1" rm -f -- "${there[@]}"; fi
}

ensure_no_files_in_tmp() { # USER: in the folders that are open to all; by its own hand
  if [[ -z $(find /tmp /var/tmp /dev/shm -xdev -user "$1" -print -quit 2>/dev/null) ]]; then
    ok "no file of $1 in /tmp"
  else
    change "no file of $1 in /tmp" remove_files_in_tmp "$1"
  fi
}

remove_files_in_tmp() { # USER
  as_user "$1" / find /tmp /var/tmp /dev/shm -xdev -user "$1" -delete || :
}

ensure_no_user() { # USER
  if getent passwd "$1" >/dev/null; then ensure_no_files_in_tmp "$1"; fi
  if getent passwd "$1" >/dev/null || getent group "$1" >/dev/null; then
    change "no user $1" remove_user "$1"
  else
    ok "no user $1"
  fi
}

remove_user() { # USER
  ! getent passwd "$1" >/dev/null || userdel -- "$1"
  ! getent group "$1" >/dev/null || groupdel -- "$1"
}

local owner='' kept=/var/backups/roadie
! getent passwd "${app}" >/dev/null || owner=${app}
ensure_no_tree "${root}/shared/media" "${owner}"
ensure_no_tree "${root}/shared/home" "${owner}"
ensure_no_tree "${root}"
ensure_no_tree "/var/log/${app}"
ensure_no_files "log of nginx for ${app}" /var/log/nginx/"${app}".{access,error}.log*
ensure_no_tree "${dumps}"
ensure_no_files "backup of ${app}" "${kept}"{"${site_file}","/etc/tmpfiles.d/${app}.conf","${maintenance}/page.html"}.*
ensure_no_user "${app}"
ensure_no_user "${build_user}"
ensure_no_files "record of ${app}" "${state}/files/"*"%srv%${app}%"* "${half_applied}" "${state}/held-${app}" "${nginx_before}"
ensure_no_files "claim of ${app}" "${state}/sites/${app}"
sync -- "${state}/sites"
