local watched_seconds=600

ask_front() { # URL: asks nginx for a page, as a visitor on this host: prints the status and the seconds
  ask_plainly 10 -s -k -g --path-as-is -m 10 --connect-to '::127.0.0.1:' -A roadie -o /dev/null \
    -w '%{http_code} %{time_total}' "$1"
}

tell_front() {
  local pages='' said='' way=http
  ! is_https || way=https
  contents_of "${root}/live/release/health" pages 2>/dev/null
  pages=${pages%%$'\n'*}
  attempt said 12 ask_front "${way}://${domains[0]}${pages:-/}" || :
  say fact page "${pages:-/}"
  say fact answer "${said:-000 0}"
  if [[ ${way} == https ]]; then
    tell_certificate
  elif [[ ${scheme} == https ]]; then
    say fact certificate none
  fi
  tell_maintenance
}

ask_certificate() { # prints when the certificate ends that nginx shows; nginx may not have read the newest file yet
  openssl s_client -connect 127.0.0.1:443 -servername "${domains[0]}" </dev/null 2>/dev/null | openssl x509 -noout -enddate 2>&1
}

tell_certificate() {
  local said='' end=''
  attempt said 5 ask_certificate || :
  [[ ${said} != 'notAfter='* ]] || end=$(date -d "${said#*=}" +%s)
  say fact certificate "${end:-unknown}"
}

tell_serving() { # SLOT: the release there, since when it serves, and what its processes take
  local name='' said=''
  live_release name
  say fact live "${name}"
  [[ -n ${name} ]] || return 0
  tell_file "${root}/releases/${name}/release.json" record
  say fact since "$(stat -c %Y -- "${root}/live")"
  if is_down "$1"; then say fact down "${name}"; fi
  if attempt said 5 measure_slot "$1"; then say fact processes "${said}"; fi
}

measure_slot() { # SLOT: prints the number of its workers, and the KB of memory that all of its processes take
  local base folder main pid fields parent workers=0 files=()
  for base in "${supervisors_groups[@]}"; do
    for folder in "${base}/${app}-$1".*.*; do
      [[ -r ${folder}/cgroup.procs ]] || continue
      main=${folder##*.}
      while read -r pid; do
        contents_of "/proc/${pid}/stat" fields 2>/dev/null
        files+=("/proc/${pid}/smaps_rollup")
        read -r _ parent _ <<<"${fields##*) }"
        [[ ${parent} != "${main}" ]] || workers=$((workers + 1))
      done <"${folder}/cgroup.procs"
    done
  done
  # Pss counts memory that several processes share only by the share of each.
  { cat -- "${files[@]:0:500}" </dev/null 2>/dev/null || :; } |
    awk -v workers="${workers}" '/^Pss:/ { kb += $2 } END { print workers, kb + 0 }'
}

tell_programs() { # the state of each program by Supervisor
  local said='' name=''
  if ! attempt said 6 ask_programs; then
    say fact supervisor silent
    return
  fi
  while read -r name; do
    [[ -z ${name} ]] || say fact program "${name}"
  done <<<"${said}"
}

ask_programs() {
  local patience=4
  ask_supervisor getAllProcessInfo | tr -d '\n' | sed 's/<struct>/\n/g' |
    sed -nE "s/.*<name>name<\/name>\s*<value><string>${app}\.([a-z][a-z0-9_-]*)<.*<name>statename<\/name>\s*<value><string>([A-Z]+)<.*/\1 \2/p"
}

tell_jobs() { # what systemd knows of each periodic command: its state, and how and when its last run ended
  local timers name said=''
  find_timers
  for name in "${timers[@]}"; do
    if attempt said 5 ask_job "${name}"; then say fact job "${name} ${said//$'\n'/ }"; fi
  done
}

ask_job() { # NAME
  systemctl show --timestamp=unix -p ActiveState -p Result -p ExecMainStatus -p ExecMainExitTimestamp -- "${cron_unit}@$1.service"
}

count_classes() { # prints a number of seconds, and how many answers of 2xx, 3xx, 4xx and 5xx the log has from these last seconds
  local now size
  printf -v now '%(%s)T' -1
  size=$(stat -c %s -- "${access_log}" 2>/dev/null) || size=0
  { tail -q -c 4000000 -- "${access_log}.1" "${access_log}" 2>/dev/null || :; } |
    awk -F '"' -v now="${now}" -v seconds="${watched_seconds}" -v is_cut="$((size > 4000000))" '
      NF == 7 && split($7, figure, " ") == 4 && figure[1] > 0 {
        if (first == "" || figure[1] < first) first = figure[1]
        if (figure[1] < now - seconds || $6 == "roadie") next
        split($3, word, " ")
        n[substr(word[1], 1, 1)]++
      }
      END {
        if (is_cut && first > now - seconds) seconds = int(now - first) + 1
        print seconds, n[2] + 0, n[3] + 0, n[4] + 0, n[5] + 0
      }'
}

with_errors() { # COMMAND...
  "$@" 2>&1
}

tell_database() { # its size and its newest dump; the migrations that the release knows and the database does not record
  local kb='' applied='' dump newest='' why=''
  if attempt kb "${database_patience}" with_errors database_kb; then
    say fact database "${kb}"
    if [[ -f ${root}/live/release/knows ]] && { [[ -z ${kb} ]] || attempt applied "${database_patience}" applied_now; }; then
      say fact pending "$(LC_ALL=C comm -23 <(LC_ALL=C sort -u -- "${root}/live/release/knows") <(printf '%s\n' "${applied}"))"
    fi
  else
    why=$(grep -aE -m 1 -- "${database_errors}" <<<"${kb}") || :
    say fact silent "${no_answer}: ${why:-nothing within ${database_patience} seconds}"
  fi
  for dump in "${dumps}"/*".${dump_ending}"; do
    [[ ! -f ${dump} ]] || newest=${dump}
  done
  [[ -z ${newest} ]] || say fact dump "$(stat -c %s -- "${newest}") ${newest}"
}

media_kb() { # as the site's user, who may have made the tree as large and as deep as the disk allows
  as_user_plainly "${app}" / nice du -skx -- "${root}/shared/media" || :
}

tell_sizes() {
  local said=''
  if attempt said 5 media_kb; then say fact media "${said%%[!0-9]*}"; fi
  if attempt said 5 df -k --output=avail,size,iavail,itotal,target -- "${root}" /var /tmp /run; then
    say fact disks "${said}"
  fi
}

tell_locks() { # reads who holds the lock; to take the lock, even for a moment, could hold back a run
  local id='' pid='' file
  [[ ! -e ${held_file} ]] || say fact held "$(memo_in "${held_file}")"
  { IFS=$'\t' read -r id _ <"${who_file}"; } 2>/dev/null || :
  for file in "/run/roadie/${id:-none}".{beat,whole}; do
    contents_of "${file}" pid 2>/dev/null
    [[ -z ${pid} || ! -d /proc/${pid} ]] || { say fact run "$(lock_holder)" && return; }
  done
}

tell_half() { # what an earlier run left half done
  local name file=''
  [[ ! -s ${half_applied} ]] || while IFS=$'\t' read -r name _; do
    say fact half "${name}"
  done <"${half_applied}"
  tell_file "${root}/live/release/postponed" postponed
  [[ ! -s ${half_restored} ]] || contents_of "${half_restored}" file
  [[ -z ${file} ]] || say fact restoring "${file}"
}

words_of() { # PID...: prints a line for each: its PID, and the beginning of its command line
  local pid
  for pid in "$@"; do
    printf '%s %s\n' "${pid}" "$({ head -c 160 -- "/proc/${pid}/cmdline" || :; } 2>/dev/null | tr '\0\n' '  ')"
  done
}

tell_strays() { # SLOT
  local strays line said=''
  find_strays "$1"
  [[ ${#strays[@]} != 0 ]] || return 0
  say fact strays "${#strays[@]}"
  attempt said 5 words_of "${strays[@]:0:10}" || printf -v said '%s\n' "${strays[@]:0:10}"
  while IFS= read -r line; do
    [[ -z ${line} ]] || say fact stray "${line}"
  done <<<"${said}"
}

tell_refused() { # if the deploy of the newest release was refused, tells where and why it ended
  local folder name='' live='' why=''
  for folder in "${root}"/releases/*/; do
    ! is_release "${folder}" || name=${folder%/}
  done
  name=${name##*/}
  live_release live
  [[ -n ${name} && ${name} != "${live}" ]] || return 0
  folder=${root}/releases/${name}
  if [[ -f ${folder}/bad ]]; then
    contents_of "${folder}/bad" why
  elif [[ -f ${folder}/failed ]]; then
    contents_of "${folder}/failed" why
  fi
  [[ -n ${why} && ${why} != 'left for '* ]] || return 0
  say fact refused "${name}"
  say fact why "${why}"
  tell_file "${folder}/release.json" record
}

require_site
[[ -d ${root}/releases ]] || fail "site ${app}" 'was taken off this host, or is only partly set up here; run: fab bootstrap'
local slot='' said=''
live_slot slot
tell_front
tell_serving "${slot}"
tell_programs
tell_jobs
if attempt said 5 count_classes; then say fact answers "${said}"; fi
tell_database
tell_sizes
tell_locks
tell_half
tell_strays "${slot}"
tell_refused
