drain_seconds=30

stop_slot() { # SLOT
  begin_step "drain of slot $1" cut
  drain_slot "$1" "${drain_seconds}"
  doing=''
  change "slot $1 stopped" retire_slot "$1"
}

end_processes() { # USER: asked, and five seconds later not asked
  local tries
  signal_all_of "$1" TERM
  for ((tries = 0; tries < 50; tries++)); do
    runs_anything "$1" || return 0
    sleep 0.1
  done
  signal_all_of "$1" KILL
}

local slot user
[[ ! -S /run/supervisor.sock ]] || stop_programs
for slot in blue green; do
  if [[ ! -S /run/supervisor.sock ]]; then
    ensure_absent "${program_files[${slot}]}" # nothing runs it
  elif is_slot_in_use "${slot}"; then
    stop_slot "${slot}"
  else
    ok "slot ${slot} stopped"
  fi
done
for user in "${app}" "${build_user}"; do
  if getent passwd "${user}" >/dev/null && runs_anything "${user}"; then
    change "no process of ${user}" end_processes "${user}"
  else
    ok "no process of ${user}"
  fi
done
