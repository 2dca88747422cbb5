local gate_seconds=30
local driver_modules=(MySQLdb pymysql)

accept_page() { # PATH: accepts any answer, but no timeout; the gate judges later, on the release's own database
  refusal=''
  [[ ${page_status} != timeout ]] || judge_page "$1"
}

is_of_database() { # ERROR: whether Django's database layer or a driver raised it
  local module
  for module in django.db "${driver_modules[@]}"; do
    [[ $1 != "${module}".* ]] || return 0
  done
  return 1
}

refuse_start() { # WHY
  local why
  why="$1$(own_error)"
  # At its start, the release may need something that the database gets only by the change.
  if is_of_database "${error_said}"; then
    say warn "release ${release}" "${why}; roadie starts it again after the change of the database"
    change "slot ${idle} stopped" call_off
  else
    fail "release ${release}" "${why}; this run has not changed the database; if the release can start only after the change, add --cold"
  fi
}

start_release
started_ahead=1
begin_step "start of ${release}" cut
read_health
pass_gate accept_page
doing=''
if [[ -n ${refusal} ]]; then
  tell_log
  refuse_start "${refusal}"
else
  ok "release ${release}"
fi
