ensure_no_files_in_tmp() { # USER: deletes, as USER, that user's files in the folders where everybody can write
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
  # The jobs of `at` have no user's name, so they are found by their owner.
  ! getent passwd "$1" >/dev/null || find /var/spool/cron -xdev -type f -user "$1" -delete 2>/dev/null || :
  ! getent passwd "$1" >/dev/null || userdel -- "$1"
  ! getent group "$1" >/dev/null || groupdel -- "$1"
}

remove_traces() {
  rm -rf -- "${traces[@]}"
}

local place traces
for place in "${kept_until_purge[@]}"; do
  ensure_no_place "${place}"
done
ensure_no_user "${app}"
ensure_no_user "${build_user}"
find_traces
if [[ ${#traces[@]} == 0 ]]; then ok "no trace of ${app}"; else change "no trace of ${app}" remove_traces; fi
# Everything else must be gone from the disk before the claim is.
[[ -n ${dry_run} ]] || sync
ensure_no_place "${claim_file}"
sync -- "${claim_file%/*}"
