# The words for locks: a lock for each site, and a lock for everything that the sites of a host share. Plain bash, no Jinja.

waited=0 # half seconds that take_lock has waited

take_lock() { # lets one run at a time work on the site; the lock ends with this process, so no lock is ever stale
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
  # A power cut during put_file may have left this file. Perhaps no later run writes ${half_applied} again, so remove it here.
  remove_if_there "${half_applied}.roadie-new"
}

sweep_up() { # removes the files of runs that were killed, or that a power cut ended
  local path pid
  for path in /run/roadie/*.beat; do
    read -r pid <"${path}" || continue
    [[ -d /proc/${pid} ]] || rm -f -- "${path%beat}"*
  done
  for path in "${state}"/incoming/*; do
    [[ ! -f ${path} || -e /run/roadie/${path##*/}.beat ]] || rm -f -- "${path}"
  done
}

lock_holder() { # prints who holds the lock, with which command, since when, and at which step
  local id by since what of step pid=''
  IFS=$'\t' read -r id by since what of 2>/dev/null <"${who_file}" || :
  step=$(cat "${step_file}" 2>/dev/null) || :
  contents_of "/run/roadie/${id:-none}.whole" pid 2>/dev/null
  [[ -z ${pid} ]] || step+=", which goes on to its end as process ${pid}"
  printf '%s (%s, since %s, at step %s)' "${by:-a run that is starting}" "${what:-?}${of:+ of ${of}}" "${since:-now}" "${step:-start}"
}

# True if the holder was told to stop, has had no heartbeat for more than 5 seconds, or has not written who_file yet.
holder_is_stopping() {
  local id rest age
  IFS=$'\t' read -r id rest 2>/dev/null <"${who_file}" || return 0
  [[ -e /run/roadie/${id}.stop || ! -e /run/roadie/${id}.beat ]] && return 0
  age=$(($(date +%s) - $(stat -c %Y "/run/roadie/${id}.beat" 2>/dev/null || echo 0)))
  ((age > 5))
}

# A run takes the lock and then looks for a hold. `fab lock` makes the hold and then looks at the lock. So at least one of
# the two always sees the other.
require_no_hold() { # fails if somebody holds the site back; a dry run only warns, as it changes nothing
  local why
  [[ -e ${held_file} ]] || return 0
  why="held back on purpose $(memo_in "${held_file}"); fab unlock lets go"
  [[ -n ${dry_run} ]] || fail lock "${why}" 4
  say warn lock "${why}"
}

put_memo() { # FILE MESSAGE: writes one line that outlives a reboot: who did this, when, and the message
  local text
  printf -v text '%s\t%(%F %T)T UTC\t%s' "${who}" -1 "$2"
  put_file "$1" 600 root:root "${text}"
}

memo_in() { # FILE: prints the line of put_memo as the end of a sentence
  local by='' since='' why=''
  IFS=$'\t' read -r by since why 2>/dev/null <"$1" || :
  printf 'by %s since %s%s' "${by:-somebody}" "${since:-?}" "${why:+: ${why}}"
}

host_lock() { # locks what all sites of a host share (apt, nginx, supervisor); take it after the site's lock, never before
  [[ -z ${dry_run} ]] || return 0
  exec 8>>/run/roadie/host.lock
  flock -n 8 && return
  say waiting 'host lock' 'another site of this host is being worked on'
  cuttable_wait_for_host_lock
}

cuttable_wait_for_host_lock() {
  local i
  for ((i = 0; i < 1200; i++)); do
    stop_if_asked
    flock -w 0.5 8 && return
  done
  fail 'host lock' 'held for 10 minutes by a run for another site; see /run/roadie on the host' 4
}

host_unlock() {
  [[ -n ${dry_run} ]] || exec 8>&-
}
