if [[ -n ${started_ahead} ]]; then
  ok "program ${program}"
else
  start_release
fi
before_end='' # from here on each stage says itself what becomes of it
