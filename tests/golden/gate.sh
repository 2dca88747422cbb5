gate_seconds=30

refuse_release() { # WHY
  local why=$1 next=''
  tell_log
  discard_slot "${idle}"
  why+=${error_said:+: ${error_said}}${error_at:+ (${error_at})}
  [[ ${command} != 'fab deploy' ]] || next='; put it right, commit, and run fab deploy again'
  fail "release ${release}" "${why}; no visitor saw it${next}"
}

begin_step "gate for ${release}" cut
read_health
if [[ -n ${answered} ]]; then still_runs; else pass_gate judge_page; fi
[[ -z ${refusal} ]] || refuse_release "${refusal}"
doing=''
ok "release ${release}"
