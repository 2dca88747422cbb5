local gate_seconds=30

refuse_at_gate() { # WHY
  local why=$1 next=''
  tell_log
  discard_slot "${idle}"
  why+=$(own_error)
  [[ ${command} != 'fab deploy' ]] || next='; put it right, commit any change of the code, and run fab deploy again'
  # The pages of a first release may need data that nobody could load before.
  [[ -e ${root}/live/release || ${why} != *' answered 5'* ]] || next="; load what it lacks with fab manage, or${next#;}"
  fail "release ${release}" "${why}; no visitor saw it${next}"
}

begin_step "gate for ${release}" cut
read_health
pass_gate judge_with_redirects
[[ -z ${refusal} ]] || refuse_at_gate "${refusal}"
doing=''
say ok "release ${release}" "${health[*]:-/} ${page_status}"
