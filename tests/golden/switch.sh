live_release before

switch_site() { # one rename moves socket, code, virtualenv and static files
  remove_if_there "${release_dir}/settled" # of the time before
  [[ -z ${before} ]] || note_switched "${before}"
  # Of the first time only: a rollback or a restart does not change what came before a release.
  if [[ ! -e ${release_dir}/switched ]]; then
    printf '%s\n' "${before}" >"${release_dir}/previous"
    printf '%s\n' "${SECONDS}" >"${release_dir}/took"
  fi
  sync -f -- "${root}"
  point_live "${idle}"
}

# For people; before the switch, after which a run that was cut has no more to switch.
ensure_link "${root}/current" live/release
note="release ${release} in slot ${idle}"
change live switch_site
note='' went_back='' went_on=''
note_switched "${release}"
