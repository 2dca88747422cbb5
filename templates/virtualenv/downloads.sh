# The words for what stays between the builds of virtualenvs: what uv downloaded, and wheels that were built here. Root owns both,
# and words.sh has the rule for what may stay. Plain bash, no Jinja.

# ---- uv's downloads: root keeps them, as the step that fetches them runs no code of packages -----------------------------

# Installs with the cache of downloads. uv builds no package meanwhile, as it may not write into its folder for builds, and the
# virtualenv holds only roadie's own pins by now. So no code of the project's packages runs. A package that must be built is built
# apart, and then this tries again. False if something cannot be installed in this way.
cleanly() { # ARGUMENT...
  local code package tries wheel=''
  for ((tries = 0; tries < 30; tries++)); do
    code=0
    renew_home
    lend_downloads
    with_uv --cache-dir "${downloads}" "$@" || code=$?
    take_downloads_back
    [[ ${code} != 0 ]] || return 0
    package=$(step_output | sed -nE 's/^error: Failed to (download and )?build `([A-Za-z0-9][^` ]*==[^` ]+)`.*/\2/p' | tail -n 1)
    { [[ -n ${package} ]] && takes_kept_wheels && ! find_wheel "${package}" && build_apart "${package}"; } || return 1
  done
}

cleanly_aside() { # ARGUMENT...: only fetches, and leaves the virtualenv as it is
  cleanly --target "${build_home}/none" "$@"
}

lend_downloads() {
  mkdir -p -- "${downloads}/builds-v0"
  in_buckets "${downloads}" -type d ! -name builds-v0 -exec chown -h -- "${build_user}:${build_user}" {} +
}

take_downloads_back() {
  end_build_user
  in_buckets "${downloads}" ! -type d \( -name .git -o -name '*.lock' \) -exec rm -f -- {} + # uv would write into these again
  find "${downloads}" ! -user root -exec chown -h -- root:root {} +
}

copy_downloads() { # gives the build user a cache of uv that holds the downloads as hard links, which only root can change
  local copy=${build_home}/.cache/uv
  renew_home
  mkdir -- "${build_home}/.cache"
  if [[ -d ${downloads} ]]; then cp -al -- "${downloads}" "${copy}"; else mkdir -- "${copy}"; fi
  remove_if_there "${copy}/builds-v0"
  in_buckets "${copy}" -type d -exec chown -h -- "${build_user}:${build_user}" {} +
  chown -h -- "${build_user}:${build_user}" "${build_home}/.cache"
}

in_buckets() { # CACHE TEST...: runs find in a cache of uv, but not in the packages there
  find "$1" -path "$1/archive-v*/*" -prune -o "${@:2}"
}

# ---- Wheels that were built here: root keeps them. While one was built, no code of another package ran ---------------------

build_apart() { # NAME==VERSION: builds this package alone and keeps its wheel
  local file code=0 file_options=()
  renew_home
  chown -h -- root:root "${desk}" "${venv_dir}"
  with_hashes "$1" >"${cache}/apart.txt"
  run_uv "${build_home}" "${python}" --no-deps --target "${build_home}/none" -r "${cache}/apart.txt" &&
    end_build_user &&
    file=$(find "${build_home}"/.cache/uv/sdists-v* -name '*.whl' -type f -size -500M) &&
    keep_wheel "$1" "${file}" || code=1
  renew_home
  chown -h -- "${build_user}:${build_user}" "${desk}" "${venv_dir}"
  return "${code}"
}

keep_wheel() { # NAME==VERSION FILE: only if the file is a wheel of this package
  local file=${2##*/}
  { [[ ${file} == *.whl && $2 != *$'\n'* ]] && is_wheel_of "$1" "${file}"; } || return 1
  take_file "$2" "${wheels}/${file}.new" && move_over "${wheels}/${file}.new" "${wheels}/${file}" && write_pins
}

find_wheel() { # NAME==VERSION: sets wheel to the kept wheel of this package; false if there is none
  for wheel in "${wheels}"/*.whl; do
    ! is_wheel_of "$1" "${wheel##*/}" || return 0
  done
  return 1
}

is_wheel_of() { # NAME==VERSION FILENAME
  local wanted=$1 name version
  IFS=- read -r name version _ <<<"$2"
  name=${name}==${version}
  wanted=${wanted,,} name=${name,,}
  [[ ${name//[-_.+]/_} == "${wanted//[-_.+]/_}" ]]
}

# ---- The hashes of roadie's own pins -------------------------------------------------------------------------------------

write_pins() { # writes pins.txt for uv, and pins-with-hashes.txt for pip, which takes either no hash or hashes for all lines
  local pin wheel=''
  for pin in "${pins[@]}"; do with_hashes "${pin}"; done | grep -e --hash= >"${cache}/pins-with-hashes.txt" || :
  for pin in "${pins[@]}"; do
    # Name the hash of the kept wheel alone: with the hash of the source beside it, uv would build the source again.
    if find_wheel "${pin}"; then
      printf '%s --hash=sha256:%s\n' "${pin}" "$(sha256sum <"${wheel}" | cut -c -64)"
    else
      with_hashes "${pin}"
    fi
  done >"${cache}/pins.txt"
}

with_hashes() { # PIN: prints it as a line of a requirements file, with the hashes that roadie knows
  local line=$1 known
  for known in "${hashed_pins[@]}"; do
    [[ ${known} != "$1 "* ]] || line=${known}
  done
  printf '%s\n' "${line}"
}
