# The words for locks: one run at a time for a site, one for what the sites of a host share. Plain bash, no Jinja.

waited=0 # half seconds

take_lock() { # one run at a time for the site: held by this process, so never stale
  local limit=${wait_for_lock:-0}
  sweep_up
  exec 9>>"${lock_file}"
  until flock -n 9; do
    require_no_hold
    ((waited == 0)) && say waiting lock "$(lock_holder)"
    if ! holder_is_stopping && ((waited >= limit * 2)); then
      fail lock "locked by $(lock_holder); wait for it, or run again with --wait SECONDS" 4
    fi
    stop_if_asked
    sleep 0.5
    waited=$((waited + 1))
  done
  require_no_hold
  printf '%s\t%s\t%(%F %T)T UTC\t%s\t%s\n' "${run_id}" "${who}" -1 "${command}" "${revision-}" >"${who_file}"
  locked=1
}

sweep_up() { # after runs that were killed, or that a power cut ended
  local path pid
  for path in /run/roadie/*.beat; do
    read -r pid <"${path}" || continue
    [[ -d /proc/${pid} ]] || rm -f -- "${path%beat}"*
  done
  for path in "${state}"/incoming/*; do
    [[ ! -f ${path} || -e /run/roadie/${path##*/}.beat ]] || rm -f -- "${path}"
  done
}

lock_holder() {
  local id by since what of step
  IFS=$'\t' read -r id by since what of 2>/dev/null <"${who_file}" || :
  step=$(cat "${step_file}" 2>/dev/null) || :
  printf '%s (%s, since %s, at step %s)' "${by:-a run that is starting}" "${what:-?}${of:+ of ${of}}" "${since:-now}" "${step:-start}"
}

holder_is_stopping() { # was told to stop, or has not heard from its controller for a while, or has yet to say who it is
  local id rest age
  IFS=$'\t' read -r id rest 2>/dev/null <"${who_file}" || return 0
  [[ -e /run/roadie/${id}.stop || ! -e /run/roadie/${id}.beat ]] && return 0
  age=$(($(date +%s) - $(stat -c %Y "/run/roadie/${id}.beat" 2>/dev/null || echo 0)))
  ((age > 5))
}

require_no_hold() { # after the lock is had: whoever holds the site back looks at the lock after that, so one sees the other
  [[ ! -e ${held_file} ]] || fail lock "held back on purpose $(memo_in "${held_file}"); fab unlock lets go" 4
}

put_memo() { # FILE MESSAGE: who did something on purpose, since when and why; in one line that outlives a reboot
  local text
  printf -v text '%s\t%(%F %T)T UTC\t%s' "${who}" -1 "$2"
  put_file "$1" 600 root:root "${text}"
  sync -- "${1%/*}"
}

memo_in() { # FILE: prints it as the end of a sentence
  local by='' since='' why=''
  IFS=$'\t' read -r by since why 2>/dev/null <"$1" || :
  printf 'by %s since %s%s' "${by:-somebody}" "${since:-?}" "${why:+: ${why}}"
}

host_lock() { # for what all sites of a host share: apt, nginx, supervisor; always after the site's own
  [[ -z ${dry_run} ]] || return 0
  exec 8>>/run/roadie/host.lock
  flock -n 8 && return
  say waiting 'host lock' 'another site of this host is being worked on'
  cuttable_wait_for_host_lock
}

cuttable_wait_for_host_lock() {
  for ((i = 0; i < 1200; i++)); do
    stop_if_asked
    flock -w 0.5 8 && return
  done
  fail 'host lock' 'held for 10 minutes by a run for another site; see /run/roadie on the host' 4
}

host_unlock() {
  [[ -n ${dry_run} ]] || exec 8>&-
}
