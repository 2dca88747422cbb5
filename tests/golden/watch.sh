gate_seconds=30
watch_seconds=5

has_way_back() { # the slot before still runs; a Supervisor that was killed comes back with the live slot alone
  local now=''
  contents_of "${pid_files[supervisor]}" now 2>/dev/null
  [[ ${now} == "${supervisor}" && -d /proc/${now} && -e ${root}/slots/${old}/release/switched ]] || return 1
  ask_program "${app}-${old}"
  [[ ${program_state} == RUNNING ]]
}

ask_pages() { # sets refusal if one fails; the gate has seen them all well
  local path deadline=$((SECONDS + gate_seconds))
  for path in "${health[@]:-/}"; do
    ask_page "${path}"
    if [[ ${page_status:-000} == 000 ]]; then refusal="${path} got no answer"; else judge_page "${path}"; fi
    [[ -z ${refusal} ]] || return 0
  done
}

count_visits() { # sets all and bad, of the lines on standard input; a 503 may be the page of maintenance
  read -r all bad < <(awk 'match($0, /" [1-5][0-9][0-9] /) { all++; status = substr($0, RSTART + 2, 3); if (status >= 500 && status != 503) bad++ }
    END { print all + 0, bad + 0 }') || :
}

is_much() { # whether that many errors are too many
  ((bad >= 5 && bad * 4 >= all))
}

judge_visits() { # sets failing if visitors get errors since the switch, and did not before
  local all=0 bad=0
  [[ -z ${failed_before} ]] || return 0
  count_visits < <(tail -c "+$((visits_start + 1))" -- "${access_log}" 2>/dev/null)
  ! is_much || failing="${bad} of ${all} requests of visitors got a server error"
}

look_once() { # sets failing; a page must fail three times running
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

go_back() { # to the slot before, which still runs
  point_live "${old}"
  # Last, and not by all means: a full disk may be what is wrong.
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
if [[ -z ${idle} ]]; then # a run was cut while it watched, and the slot before still runs
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
  say warn "release ${release}" 'watched no further: the release before runs no more, as if Supervisor had been killed'
  return
fi
[[ -z ${failing} ]] || refuse_after_switch
ok "release ${release}"
