local before
live_release before

switch_site() { # one rename moves socket, code, virtualenv and static files
  remove_if_there "${release_dir}/settled" # of an earlier time when this release served
  [[ -z ${before} ]] || note_switched "${before}"
  # Only the first switch writes these: a rollback to this release, or its restart, must not change which release came before it.
  if [[ ! -e ${release_dir}/switched ]]; then
    printf '%s\n' "${before}" >"${release_dir}/previous"
    read_clock
    printf '%s\n' "$((clock - run_began))" >"${release_dir}/took"
  fi
  sync -f -- "${root}"
  point_live "${idle}"
}

# `current` is for people. It comes before the switch, as a deploy that follows a cut after the switch skips this stage.
ensure_link "${root}/current" live/release
note="release ${release} in slot ${idle}"
change live switch_site
note='' went_back='' went_on=''
note_switched "${release}"
