way=${state}/rollback-${app}

mark_left() { # LEFT REACHED LEAVES: chosen in spite of its mark, a release loses it
  local left=${root}/releases/$1
  rm -f -- "${root}/releases/$2/bad"
  [[ -z $3 || ! -d ${left} ]] || printf 'left for %s, %(%F %T)T UTC\n' "$2" -1 >"${left}/bad"
  sync -f -- "${root}/releases"
  rm -f -- "${way}"
}

if [[ -f ${way} ]]; then
  contents_of "${way}" text
  read -r left reached leaves <<<"${text}"
  note=${leaves:+marked as left for ${reached}}
  change "release ${left}" mark_left "${left}" "${reached}" "${leaves}"
  note=''
fi
