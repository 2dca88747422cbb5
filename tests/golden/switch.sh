before=$(readlink -- "${root}/live/release" 2>/dev/null) || before=''
before=${before##*/}

switch_site() { # one rename moves socket, code, virtualenv and static files; the fsync makes it last
  rm -f -- "${release_dir}/settled" # of the time before, should it have served already
  printf '%s\n' "${before}" >"${release_dir}/previous"
  printf '%(%F %T)T UTC\n' -1 >"${release_dir}/switched"
  sync -f -- "${root}"
  ln -sfn -- "slots/${idle}" "${root}/live.new"
  mv -fT -- "${root}/live.new" "${root}/live"
  sync -- "${root}"
}

# For people; before the switch, after which a run that was cut has no more to switch.
ensure_link "${root}/current" live/release
note="release ${release} in slot ${idle}"
change live switch_site
note=''
