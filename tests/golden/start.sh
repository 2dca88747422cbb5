if [[ -n ${started_ahead} ]]; then
  ok "program ${program}"
else
  start_release
fi
before_end='' # from here on, each stage that fails decides itself what becomes of the process
