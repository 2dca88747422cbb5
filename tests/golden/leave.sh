
mark_left() { # LEFT REACHED LEAVES: chosen in spite of its mark, a release loses it
  local left=${root}/releases/$1
  rm -f -- "${root}/releases/$2/bad"
  [[ -z $3 || ! -d ${left} ]] || printf 'left for %s, %(%F %T)T UTC\n' "$2" -1 >"${left}/bad"
  sync -f -- "${root}/releases"
}

is_heard() { # whether the person will see that all is done; else the same command comes again, and must not go further back
  local age
  age=$(($(date +%s) - $(stat -c %Y "/run/roadie/${run_id}.beat")))
  [[ -z ${stopping} ]] && ((age < 6))
}

left='' reached='' leaves=''
[[ ! -f ${rollback_file} ]] || read -r left reached leaves <"${rollback_file}"
if [[ -n ${reached} && ${reached} == "${release}" ]]; then
  note=${leaves:+marked as left for ${reached}}
  change "release ${left}" mark_left "${left}" "${reached}" "${leaves}"
  note=''
  ! is_heard || rm -f -- "${rollback_file}"
fi
