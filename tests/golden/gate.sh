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

doing="gate for ${release}"
say doing "${doing}" cut
read_health
pass_gate judge_page
[[ -z ${refusal} ]] || refuse_release "${refusal}"
doing=''
ok "release ${release}"
