local before
live_release before

switch_site() { # one rename moves socket, code, virtualenv and static files
  remove_if_there "${release_dir}/settled" # from the last time that it served
  [[ -z ${before} ]] || note_switched "${before}"
  # Only the first switch writes these: a rollback or a restart to this release must not change which one came before it.
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
