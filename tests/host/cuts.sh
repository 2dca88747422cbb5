# For tests, in the frame before it begins: a run stops at the door of every step until it is let in.
door=/var/lib/cuts
known='' # whether the run knew that it is to stop when the step was about to begin
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

knock() { # WHAT HOW: until it is let in, or told to stop
  # It may hear of a stop on the way here.
  [[ -z ${known} ]] || printf '%s: %s\n' "${stage}" "$1" >>"${door}/late"
  printf '%s\t%s\t%s\t%s' "${run_id}" "${stage}" "$1" "$2" >"${door}/new"
  mv -- "${door}/new" "${door}/here"
  while [[ -e ${door}/here && -z ${stopping} ]]; do sleep 0.01; done
  rm -f -- "${door}/here"
}
