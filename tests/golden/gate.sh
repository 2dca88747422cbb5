gate_seconds=30

refuse_release() { # WHY
  local why=$1 applied='' next=''
  tell_log
  discard_slot "${idle}"
  why+=${error_said:+: ${error_said}}${error_at:+ (${error_at})}
  [[ ${#applied_migrations[@]} == 0 ]] || applied="; migrations that were applied before it: ${applied_migrations[*]}$(dump_before)"
  [[ ${command} != 'fab deploy' ]] || next='; put it right, commit, and run fab deploy again'
  fail "release ${release}" "${why}; no visitor saw it${applied}${next}"
}

pass_gate() { # every page once, then as often as there are more workers; a wrong answer counts after five of them
  local path passes=0 times wrong=0 waits=0 deadline=$((SECONDS + gate_seconds))
  until ((passes >= workers)); do
    page_status='' times=$((passes == 0 ? 1 : workers - passes))
    # To look for the socket costs nothing; every question costs processes, which the release needs to start.
    [[ ! -S /run/${app}/${idle}.sock ]] || for path in "${health[@]:-/}"; do
      ask_page "${path}" "${times}"
      [[ ${page_status:-000} == 000 ]] && break
      judge_page "${path}"
      [[ -z ${refusal} ]] || break
    done
    if [[ ${page_status:-000} == 000 ]]; then
      ((++waits % 5)) || ! has_died || refuse_release 'it ends as soon as it starts'
      refusal='it did not answer'
    elif [[ -z ${refusal} ]]; then
      passes=$((passes + times))
      continue
    else
      wrong=$((wrong + 1))
      if ((wrong == 5)) || [[ ${page_status} == timeout ]]; then refuse_release "${refusal}"; fi
    fi
    ((SECONDS < deadline)) || refuse_release "${refusal} within ${gate_seconds} seconds"
    sleep 0.02
    stop_if_asked
  done
  ! has_died || refuse_release 'it answered once and then ended'
}

doing="gate for ${release}"
say doing "${doing}" cut
read_health
pass_gate
doing=''
ok "release ${release}"
