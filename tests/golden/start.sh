if [[ -n ${started_ahead} ]]; then
  ok "program ${program}"
else
  start_release
fi
keep_started
