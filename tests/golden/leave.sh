
mark_left() { # LEFT REACHED LEAVES: marks LEFT, if LEAVES is not empty; removes the mark of REACHED
  local left=${root}/releases/$1
  rm -f -- "${root}/releases/$2/bad"
  [[ -z $3 || ! -d ${left} ]] || printf 'left for %s, %(%F %T)T UTC\n' "$2" -1 >"${left}/bad"
  sync -f -- "${root}/releases"
}

# Whether the controller still sends its heartbeat, so that the person sees the end of this run. If not, the person may repeat the
# command. Then the record must still be there, so that the command does not go back one release more.
is_heard() {
  local age
  age=$(($(date +%s) - $(stat -c %Y "/run/roadie/${run_id}.beat")))
  [[ -z ${stopping} ]] && ((age < 6))
}

local left='' reached='' leaves=''
[[ ! -f ${rollback_file} ]] || read -r left reached leaves <"${rollback_file}"
if [[ -n ${reached} && ${reached} == "${release}" ]]; then
  note=${leaves:+marked as left for ${reached}}
  change "release ${left}" mark_left "${left}" "${reached}" "${leaves}"
  note=''
  ! is_heard || drop_file "${rollback_file}"
fi
