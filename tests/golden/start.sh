if [[ -n ${started_ahead} ]]; then
  ok "program ${program}"
else
  start_release
fi
before_end='' # from here on each stage itself decides what to do with the process when it fails
