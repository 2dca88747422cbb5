local gate_seconds=30

refuse_at_gate() { # WHY
  local why=$1 next=''
  tell_log
  discard_slot "${idle}"
  why+=${error_said:+: ${error_said}}${error_at:+ (${error_at})}
  [[ ${command} != 'fab deploy' ]] || next='; put it right, commit any change of the code, and run fab deploy again'
  # Nothing can be loaded into the database of a first release by the pages themselves.
  [[ -e ${root}/live/release || ${why} != *' answered 5'* ]] || next="; load what it lacks with fab manage, or${next#;}"
  fail "release ${release}" "${why}; no visitor saw it${next}"
}

begin_step "gate for ${release}" cut
read_health
pass_gate judge_to_the_end
[[ -z ${refusal} ]] || refuse_at_gate "${refusal}"
doing=''
say ok "release ${release}" "${health[*]:-/} ${page_status}"
