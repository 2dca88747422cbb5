# For tests, in the frame before it begins: a run stops at the door of every step until it is let in.
door=/var/lib/cuts
asked='' # whether the step to come was preceded by the question if the run is to stop
eval "say_aloud() $(declare -f say | tail -n +2)"
eval "stop_if_told() $(declare -f stop_if_asked | tail -n +2)"

stop_if_asked() {
  stop_if_told
  asked=1
}

say() { # VERB WHAT [DETAIL]
  say_aloud "$@"
  [[ $1 != doing || ! -d ${door} ]] || knock "$2" "$3"
}

knock() { # WHAT HOW: until it is let in, or told to stop
  # Who asked before it came may hear of a stop on the way here.
  [[ -z ${stopping} || -n ${asked} ]] || printf '%s: %s\n' "${stage}" "$1" >>"${door}/late"
  asked=''
  printf '%s\t%s\t%s\t%s' "${run_id}" "${stage}" "$1" "$2" >"${door}/new"
  mv -- "${door}/new" "${door}/here"
  while [[ -e ${door}/here && -z ${stopping} ]]; do sleep 0.01; done
  rm -f -- "${door}/here"
}
