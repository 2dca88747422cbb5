# Tests put this into the frame, before the run begins: a run waits at the door before every step until a test lets it in.
door=/var/lib/cuts
known='' # not empty if the run already knew that it must stop when it began the step
eval "say_aloud() $(declare -f say | tail -n +2)"
eval "begin_step_aloud() $(declare -f begin_step | tail -n +2)"

begin_step() { # WHAT HOW
  known=${stopping}
  begin_step_aloud "$@"
}

say() { # VERB WHAT [DETAIL]
  say_aloud "$@"
  [[ $1 != doing || ! -d ${door} ]] || knock "$2" "$3"
}

knock() { # WHAT HOW: waits at the door until the run is let in or told to stop
  # Only a step that began after the run knew of the stop is late. The run may also learn of the stop on the way here.
  [[ -z ${known} ]] || printf '%s: %s\n' "${stage}" "$1" >>"${door}/late"
  printf '%s\t%s\t%s\t%s' "${run_id}" "${stage}" "$1" "$2" >"${door}/new"
  mv -- "${door}/new" "${door}/here"
  while [[ -e ${door}/here && -z ${stopping} ]]; do sleep 0.01; done
  rm -f -- "${door}/here"
}
