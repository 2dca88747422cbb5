local drain_seconds=30

end_processes() { # USER: sends TERM, and five seconds later KILL
  local tries
  signal_all_of "$1" TERM
  for ((tries = 0; tries < 50; tries++)); do
    runs_anything "$1" || return 0
    sleep 0.1
  done
  signal_all_of "$1" KILL
}

stop_redis() {
  systemctl disable --quiet --now -- "${redis_unit}" || fail "service ${redis_unit}" "it does not stop; see: journalctl -u ${redis_unit}"
}

local slot user timers
find_timers
if [[ ${#timers[@]} != 0 ]]; then change_within 180 "periodic commands of ${app} stopped" stop_timers "${timers[@]}"; fi
[[ ! -S /run/supervisor.sock ]] || stop_programs
for slot in blue green; do
  if [[ ! -S /run/supervisor.sock ]]; then
    ensure_absent "${program_files[${slot}]}" # Supervisor does not run, so nothing runs this program
  elif is_slot_in_use "${slot}"; then
    drain_and_stop "${slot}" "${drain_seconds}"
  else
    ok "slot ${slot} stopped"
  fi
done
if [[ -e ${redis_drop_ins} ]]; then change_within 180 "service ${redis_unit} stopped" stop_redis; fi
for user in "${app}" "${build_user}"; do
  if getent passwd "${user}" >/dev/null && runs_anything "${user}"; then
    change "no process of ${user}" end_processes "${user}"
  else
    ok "no process of ${user}"
  fi
done
