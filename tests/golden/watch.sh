gate_seconds=30
watch_seconds=5

# Whether the previous slot still runs. It does not if Supervisor was killed: a new Supervisor starts the live slot alone.
has_way_back() {
  local now=''
  contents_of "${pid_files[supervisor]}" now 2>/dev/null
  [[ ${now} == "${supervisor}" && -d /proc/${now} && -e ${root}/slots/${old}/release/switched ]] || return 1
  ask_program "${app}-${old}"
  [[ ${program_state} == RUNNING ]]
}

ask_pages() { # sets refusal if a health page fails; the gate has seen all of them pass
  local path deadline=$((SECONDS + gate_seconds))
  for path in "${health[@]:-/}"; do
    ask_page "${path}"
    if [[ ${page_status:-000} == 000 ]]; then refusal="${path} got no answer"; else judge_page "${path}"; fi
    [[ -z ${refusal} ]] || return 0
  done
}

count_visits() { # sets all and bad from log lines on standard input; a 503 is not bad: it may be the maintenance page
  read -r all bad < <(awk 'match($0, /" [1-5][0-9][0-9] /) { all++; status = substr($0, RSTART + 2, 3); if (status >= 500 && status != 503) bad++ }
    END { print all + 0, bad + 0 }') || :
}

is_much() { # whether so many errors are too many
  ((bad >= 5 && bad * 4 >= all))
}

judge_visits() { # sets failing if visitors get many errors since the switch, and did not before it
  local all=0 bad=0
  [[ -z ${failed_before} ]] || return 0
  count_visits < <(tail -c "+$((visits_start + 1))" -- "${access_log}" 2>/dev/null)
  ! is_much || failing="${bad} of ${all} requests of visitors got a server error"
}

look_once() { # sets failing; a page fails if it goes wrong three times in a row or times out
  if has_died; then
    failing='its program ended'
    return
  fi
  ask_pages
  if [[ -n ${refusal} ]]; then wrong=$((wrong + 1)); else wrong=0; fi
  if ((wrong == 3)) || [[ ${page_status} == timeout ]]; then failing=${refusal}; fi
  [[ -n ${failing} ]] || judge_visits
}

watch_release() { # sets failing, or leaves it empty
  local end=$((SECONDS + watch_seconds)) wrong=0 all=0 bad=0 failed_before='' visits_start
  count_visits < <(tail -n 200 -- "${access_log}" 2>/dev/null)
  ! is_much || failed_before=1
  visits_start=$(stat -c %s -- "${access_log}" 2>/dev/null) || visits_start=0
  while ((SECONDS < end || wrong > 0)) && [[ -z ${failing} ]] && has_way_back; do
    look_once
    stop_if_asked
    sleep 0.3
  done
}

go_back() { # to the previous slot, which still runs
  point_live "${old}"
  # The mark comes last and may fail to be written: a full disk may be the cause of the failure.
  printf '%s\n' "failed after the switch: ${failing}" >"${release_dir}/bad" || :
}

refuse_after_switch() {
  change live go_back
  note_applied
  tell_log
  drain_slot "${idle}" 5
  change "slot ${idle} stopped" retire_slot "${idle}"
  failing+=${error_said:+: ${error_said}}${error_at:+ (${error_at})}
  fail "release ${release}" "it failed after the switch: ${failing}; the site went back by itself; put it right, commit, and run fab deploy again"
}

local failing='' old supervisor=''
if [[ -z ${idle} ]]; then # an earlier run was cut while it watched
  live_slot idle
  program=${app}-${idle} program_log=${log_dir}/web-${idle}.log
  log_start=$(stat -c %s -- "${program_log}" 2>/dev/null) || log_start=0
  ask_program "${program}"
  slot_pid=${program_pid}
fi
old=${other_slot[${idle}]}
contents_of "${pid_files[supervisor]}" supervisor
if ! has_way_back; then
  ok "release ${release} (not watched)"
  return
fi
begin_step "watch of ${release}" cut
read_health
watch_release
doing=''
if ! has_way_back; then
  say warn "release ${release}" 'no longer watched: the previous release has ended, perhaps because Supervisor was killed'
  return
fi
[[ -z ${failing} ]] || refuse_after_switch
ok "release ${release}"
