gate_seconds=30
driver_modules=(MySQLdb pymysql)

accept_page() { # PATH: whatever the answer, as the gate judges later, on the release's own database; but it must be one
  refusal=''
  [[ ${page_status} != timeout ]] || judge_page "$1"
}

is_of_database() { # ERROR: raised by Django's database layer, or by a driver
  local module
  for module in django.db "${driver_modules[@]}"; do
    [[ $1 != "${module}".* ]] || return 0
  done
  return 1
}

refuse_start() { # WHY
  local why="$1${error_said:+: ${error_said}}${error_at:+ (${error_at})}"
  # What its code asks of the database at the start may not be there yet.
  if is_of_database "${error_said}"; then
    say warn "release ${release}" "${why}; it starts again when the database is its own"
    change "slot ${idle} stopped" call_off
  else
    fail "release ${release}" "${why}; the database was not touched by this run; if it can start on its own database only, add --cold"
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
