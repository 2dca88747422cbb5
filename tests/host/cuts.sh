# For tests, in the frame before it begins: a run stops at the door of every step until it is let in.
door=/var/lib/cuts
eval "say_aloud() $(declare -f say | tail -n +2)"

say() { # VERB WHAT [DETAIL]
  say_aloud "$@"
  [[ $1 != doing || ! -d ${door} ]] || knock "$2" "$3"
}

knock() { # WHAT HOW: until it is let in, or told to stop
  # No step may come here that knows of a stop already.
  [[ -z ${stopping} ]] || printf '%s: %s\n' "${stage}" "$1" >>"${door}/late"
  printf '%s\t%s\t%s\t%s' "${run_id}" "${stage}" "$1" "$2" >"${door}/new"
  mv -- "${door}/new" "${door}/here"
  while [[ -e ${door}/here && -z ${stopping} ]]; do sleep 0.01; done
  rm -f -- "${door}/here"
}
