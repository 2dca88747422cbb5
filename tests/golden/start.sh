if [[ -n ${prestarted} ]]; then
  ok "program ${program}"
else
  start_release
fi
keep_started
