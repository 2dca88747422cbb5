# Tests of power cuts put this into the frame, before the run begins: a run waits at the door after each command that renames,
# links, copies, makes or removes files, and after each change, until a test lets it on or cuts the power there.
door=/var/lib/cuts
for verb in mv ln cp rm mkdir touch tar sed; do
  eval "${verb}() { command ${verb} \"\$@\" || return; knock ${verb} \"\${@: -1}\"; }"
done
eval "say_aloud() $(declare -f say | tail -n +2)"

say() { # VERB WHAT [DETAIL]
  say_aloud "$@"
  [[ $1 != changed ]] || knock changed "$2"
}

knock() { # VERB WHAT: waits at the door, if the command has changed something that outlives a boot
  case $2 in
    *.roadie-new | */answers | /run/* | /dev/*) return 0 ;; # no record, or it runs beside the script
    /srv/* | /etc/* | /usr/* | /var/*) ;;
    *) [[ $1 == changed ]] || return 0 ;;
  esac
  [[ -d ${door} ]] || return 0
  printf '%s\t%s\t%s %s\tpower' "${run_id}" "${stage}" "$1" "$2" >"${door}/new"
  command mv -- "${door}/new" "${door}/here"
  while [[ -e ${door}/here ]]; do sleep 0.01; done
}
