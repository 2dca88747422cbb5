# The words for virtualenvs and their installers: uv if the host can have it, else pip. Plain bash, no Jinja.
# To build a package is to run code of that package, so every installer here runs as the build user.

# One rule keeps a package from reaching a later build: a step that runs code of packages leaves nothing behind, and a step that
# leaves something behind runs no code of packages. Each build has a HOME of its own, which is removed after the build. Root owns
# uv, and all that stays in ${cache}. ${desk} holds the requirements of one build.
# A build sets these values. file_options are the options in the requirements files that are being installed.
python='' python_minor='' pip_folder='' pip_wheel='' setuptools_wheel='' file_options=() with_uv_py='' uv_pin='' uv_sums=() uv=''
written='' # if set: the file into which build_in writes the output of a command
pins=() hashed_pins=() # hashed_pins are all pins that have hashes, as lines of a requirements file
wheels=''              # the folder of the wheels that were built here for this Python
kept_settings=()            # the files and folders of ${cache} that each HOME gets a copy of

# PLACE: clears a place in the desk for a file. The project may have a link on the way there, and root follows no link. Call this
# while the whole desk belongs to root.
clear_on_desk() {
  [[ $(realpath -m -- "${1%/*}")/ == "$(realpath -- "${desk}")"/* ]] || fail "${1#"${desk}/"}" 'a link of the project leads from there out of the project; remove that link'
  mkdir -p -- "${1%/*}"
  rm -f -- "$1"
}

is_whole() { # VIRTUALENV: whether it has the mark of mark_whole; the build user cannot forge the mark, which is a file of root's
  local mark=$1/.complete
  [[ -O $1 && -f ${mark} && ! -L ${mark} && -O ${mark} ]]
}

mark_whole() { # VIRTUALENV TEXT: marks the virtualenv as complete, after all of it is on disk
  sync -f -- "$1"
  put_file "$1/.complete" 600 "root:${app}" "$2"
  sync -- "${1%/*}"
}

own_places=() own_texts=() # the files of `files:` that lie in the virtualenv; a stage fills these

put_own() { # VIRTUALENV: puts those files into this virtualenv, or into a copy
  local i path minor=${venv_dir##*/}
  for i in "${!own_places[@]}"; do
    path=${own_places[i]/#site-packages\//lib/${minor%%-*}/site-packages/}
    clear_place "virtualenv ${venv_dir##*/}" "$1" "${path}"
    put_file "$1/${path}" 640 "root:${app}" "${own_texts[i]%$'\n'}"
  done
}

as_builder() { # COMMAND...
  app_tmp=${build_home}/tmp as_user "${build_user}" "${build_home}" "$@"
}

# FOLDER COMMAND...: runs it in FOLDER, where relative paths of the requirements start, with the host's proxies. The build user's
# own shell reads the proxies, as they may hold a password. If `written` names a file, the output goes there.
build_in() {
  local into=()
  # shellcheck disable=SC2016 # the new bash expands these
  [[ -z ${written-} ]] || into=(bash -c '"${@:2}" >"$1"' into "${written}")
  as_builder bash -c "$(declare -f take_proxies take_index); take_proxies; cd \"\$1\" && shift && take_index \"\$@\"" build "$1" "${into[@]}" "${@:2}"
}

take_proxies() { # exports the proxies, and the mirror of Pythons, that /etc/environment names for every login on this host
  local line pattern="^(export +)?((http|https|all|no)_proxy|(HTTP|HTTPS|ALL|NO)_PROXY|UV_PYTHON_INSTALL_MIRROR|UV_PYTHON_DOWNLOADS_JSON_URL)=[\"']?([^\"' ]*)"
  [[ -r /etc/environment ]] || return 0
  while IFS= read -r line || [[ -n ${line} ]]; do
    [[ ! ${line} =~ ${pattern} ]] || export "${BASH_REMATCH[2]}=${BASH_REMATCH[5]}"
  done </etc/environment
}

index='' index_is_secret='' # the URL of the package index that the settings name, and whether nobody may see it

take_index() { # COMMAND...: becomes the command, which gets the index of the settings; hides a secret index in what it prints
  local url='' hidden='' line part parts=()
  [[ ! -r ${HOME}/.index ]] || { read -r url && read -r hidden || :; } <"${HOME}/.index"
  [[ -z ${url} ]] || export PIP_INDEX_URL=${url}
  [[ -n ${hidden} ]] || exec "$@"
  set -o pipefail
  IFS=/:@ read -r -a parts <<<"${url#*://}"
  "$@" 2>&1 | while IFS= read -r line || [[ -n ${line} ]]; do
    line=${line//"${url%/}"/index:}
    for part in "${parts[@]}"; do
      ((${#part} < 8)) || line=${line//"${part}"/***}
    done
    printf '%s\n' "${line}"
  done
}

renew_home() { # ends whatever the build user runs, and gives the build user a HOME with nothing but a person's settings
  remove_home
  mkdir -m 700 -- "${build_home}" "${build_home}/tmp"
  [[ ${#kept_settings[@]} == 0 ]] || cp -a -t "${build_home}" -- "${kept_settings[@]}"
  [[ -z ${index} ]] || (umask 077 && printf '%s\n%s\n' "${index}" "${index_is_secret}" >"${build_home}/.index")
  chown -R -h -- "${build_user}:${build_user}" "${build_home}"
}

# Ends whatever the build user runs, and removes its jobs of cron and at, which would run during a later build.
remove_home() {
  find /var/spool/cron -xdev -type f -user "${build_user}" -delete 2>/dev/null || :
  end_build_user
  rm -rf -- "${build_home}"
}

# An earlier roadie gave ${cache} to the build user as its HOME, so a package could leave anything there.
take_cache_over() {
  local file spare=()
  end_build_user
  make_dir "${cache}" 750 "root:${build_user}"
  for file in "${of_a_person[@]}"; do spare+=(! -name "${file}"); done
  find "${cache}" -mindepth 1 -maxdepth 1 ! -user root "${spare[@]}" -exec rm -rf -- {} +
}

of_a_person=(.config .pip .netrc .gitconfig .ssh) # the settings of pip and git that a person may lay in ${cache}

find_settings() { # sets kept_settings; only root's own files count
  local file path
  kept_settings=()
  for file in "${of_a_person[@]}"; do
    path=${cache}/${file}
    [[ -e ${path} || -L ${path} ]] || continue
    [[ -z $(find "${path}" \( ! -user root -o ! -type f ! -type d \) -printf x -quit) ]] ||
      fail "${path}" "not all of it is a plain file of root's, so a package may have left it there; look at it, then remove it, or keep it with: chown -R root: ${path}"
    kept_settings+=("${path}")
  done
}

find_installers() { # sets pip_wheel and setuptools_wheel to Debian's wheels, and uv to the path of this version of uv
  pip_wheel=$(echo /usr/share/python-wheels/pip-*.whl)
  # Up to Python 3.11 a new virtualenv contains setuptools, and older packages rely on it.
  [[ ! ${venv_dir##*/} =~ ^python3\.([0-9]|1[01])- ]] || setuptools_wheel=$(echo /usr/share/python-wheels/setuptools-*.whl)
  [[ -e ${setuptools_wheel} ]] || setuptools_wheel=''
  uv=${tools}/uv-${uv_pin##*=}
  wheels=${cache}/wheels/${python_minor}
  mkdir -p -- "${wheels}"
}

# ---- pip ----------------------------------------------------------------------------------------------------------------

with_pip() { # ARGUMENT...: installs with Debian's pip if its wheel exists, else with the pip in the virtualenv; without a cache
  local pip=(-m pip)
  [[ ! -e ${pip_wheel} ]] || pip=("${pip_wheel}/pip")
  build_in "${pip_folder}" "${venv_dir}/bin/python" "${pip[@]}" install --no-input --no-cache-dir \
    --disable-pip-version-check --no-warn-script-location --progress-bar off "$@"
}

# ---- uv -----------------------------------------------------------------------------------------------------------------

with_uv() { # ARGUMENT...: installs into the virtualenv
  run_uv "${pip_folder}" "${venv_dir}/bin/python" "$@"
}

run_uv() { # FOLDER PYTHON ARGUMENT...: runs `uv pip install` in FOLDER for this Python
  local options offered=''
  printf -v options '%s,' "${file_options[@]}"
  ! takes_kept_wheels || offered=${wheels}
  build_in "$1" "$2" -I -S -c "${with_uv_py}" "${uv}" "${offered}" "${options}" "${@:3}"
}

# Whether the requirements files leave open where a package comes from and which of its files is taken. Only then a kept wheel is
# what they ask for.
takes_kept_wheels() {
  local option
  for option in "${file_options[@]}"; do
    [[ ${option} =~ ^(-r|-c|-e|--requirement|--constraint|--editable)$ ]] || return 1
  done
}

ensure_uv() { # fetches uv once; after a failure, tries again only a week later
  local without=${cache}/no-${uv##*/}
  [[ ! -x ${uv} ]] || return 0
  # uv needs more room than pip, as its cache holds unpacked packages.
  (($(free_kb /var/cache) > 1000000)) && [[ -z $(find "${without}" -maxdepth 0 -mtime -7 2>/dev/null) ]] || return 1
  fetch_uv && return
  : >"${without}"
  return 1
}

# The build user fetches uv. Root keeps a copy whose hash roadie knows. uv moves to its place only after `uv --version` has
# run: there may be no wheel for this host, or its file system may allow no programs.
fetch_uv() {
  local new=${uv}.new-${app}
  with_pip --only-binary :all: --no-deps --no-compile --target "${build_home}/uv" "${uv_pin}" &&
    take_file "${build_home}/uv/bin/uv" "${new}" &&
    is_uv "${new}" &&
    chmod 755 -- "${new}" &&
    as_builder "${new}" --version &&
    sync -- "${new}" &&
    mv -fT -- "${new}" "${uv}" &&
    rm -f -- "${cache}"/no-uv-* &&
    find "${tools}" -name 'uv-*' ! -path "${uv}" -mtime +30 -delete # another site may still use an older one
}

is_uv() { # FILE: whether it is the uv that roadie knows
  local sum
  sum=$(sha256sum <"$1")
  [[ " ${uv_sums[*]} " == *" ${sum%% *} "* ]] && return
  rm -f -- "$1"
  printf 'uv is not used here: what %s brought is not the program that roadie knows\n' "${uv_pin}"
  return 1
}

take_file() { # PATH NEW: copies a file of at most 2 GB, with the rights of the build user, into a new file of root's
  rm -f -- "$2"
  as_user_plainly "${build_user}" / cat -- "$1" | head -c 2000000000 >"$2"
}
