# The words for a virtualenv that starts from the last one: what stays comes as hard links to the same files,
# laid out by root. The builder makes what is new in a virtualenv that has nothing else, and never gets near
# the files of the last one. Plain bash, no Jinja.

last_venv='' links='' laying='' # the virtualenv of the release that serves; its parts anew, until they take their place
difference_py=''
shared_parts=(lib include share) # what packages bring, besides scripts

is_whole() { # VIRTUALENV: the mark is root's own file: the build's user cannot have made it
  local mark=$1/.complete
  [[ -O $1 && -f ${mark} && ! -L ${mark} && -O ${mark} ]]
}

find_last() { # sets last_venv, if it is a whole one of the same Python, with packages as they would be had today
  local marks=() part
  find_same "${root}/live/venv" last_venv "${root}"/venvs/*/
  [[ ${last_venv##*/} =~ ^${python_minor//./\\.}-[0-9a-f]{16}$ ]] && is_whole "${last_venv}" || return
  mapfile -t marks <"${last_venv}/.complete"
  [[ ${marks[1]-} == "${made_with}" ]] || return
  for part in "${last_venv}"/*; do
    [[ ' bin include lib lib64 share pyvenv.cfg ' == *" ${part##*/} "* ]] || return
    [[ ! -L ${part} || ${part} == */lib64 ]] || return
  done
  [[ ! -L ${last_venv}/${site_packages%/*} && ! -L ${last_venv}/${site_packages} ]]
}

build_on_last() { # fails where only a build from nothing will do; the rest goes on beside what the index is asked
  local venv='' drops=() scripts=() added=()
  lay_out_links &
  laying=$!
  make_bare_venv &
  venv=$!
  find_difference || { wait "${venv}"; return 1; }
  wait "${venv}" && add_packages && wait "${laying}" && seal && is_same_python && join_links && take_scripts
}

make_bare_venv() { # uv asks a new Python what it is, which takes as long; it remembers
  as_builder nice bash -c 'cd && "$1" -m venv --without-pip "$2" && UV_NO_CONFIG=1 exec "$3" pip list --quiet --python "$2"' \
    venv "${python}" "${venv_dir}" "${uv}/bin/uv"
}

lay_out_links() { # those that the last deploy has left, or anew
  local check
  is_untouched &
  check=$!
  if has_links "${last_venv}"; then
    mv -T -- "${last_venv}.links" "${links}"
  else
    link_parts "${last_venv}" "${links}"
  fi && wait "${dry_run}"
}

has_links() { # VIRTUALENV: they are laid out, and since it was made
  [[ -d $1.links && $1.links -nt $1/.complete ]]
}

link_parts() { # VIRTUALENV FOLDER: with folders of their own, for root to change
  local part
  mkdir -m 700 -- "$2" || return
  for part in "${shared_parts[@]}"; do
    [[ ! -d $1/${part} ]] || link_into "$2" "$1/${part}" || return
  done
}

is_untouched() { # by hand
  [[ -z $(nice find "${last_venv}" -mindepth 1 \( -type f -o -type d \) -newer "${last_venv}/.complete" -print -quit) ]]
}

link_into() { # FOLDER PATH: the folders below are the site's to read
  setpriv --regid="${app}" --clear-groups -- cp -rlP -- "$2" "$1/"
}

resolve() { # prints what a build from nothing would install; fails where uv may not be asked
  local file_options=("${requirement_options[@]}")
  ask_uv "${python_path}" compile --quiet --no-header --no-annotate \
    "$(on_desk "${requirements}")" "${desk}/pins.txt" "${desk}/setuptools.txt"
}

is_same_python() { # asked when no process of the builder is left: what it made are plain files and folders from here on
  local theirs='' ours=''
  [[ -d ${venv_dir}/bin && ! -L ${venv_dir}/bin && -f ${venv_dir}/pyvenv.cfg && ! -L ${venv_dir}/pyvenv.cfg ]] || return
  contents_of "${last_venv}/pyvenv.cfg" theirs
  contents_of "${venv_dir}/pyvenv.cfg" ours
  [[ ${theirs%%$'\n'command*} == "${ours%%$'\n'command*}" ]] # which comes last, and names the folder
}

find_difference() { # sets drops, scripts and added
  local lines line
  lines=$(resolve | "${python_path}" -I -S -c "${difference_py}" "${last_venv}/${site_packages}" "$(<"${desk}/setuptools.txt")") ||
    { printf '%s\n' "${lines}" && return 1; }
  while IFS= read -r line; do
    case ${line} in
      'drop '*) drops+=("${line#drop }") ;;
      'script '*) scripts+=("${line#script }") ;;
      'add '*) added+=("${line#add }") ;;
    esac
  done <<<"${lines}"
}

add_packages() {
  local file_options=()
  [[ ${#added[@]} != 0 ]] || return 0
  printf '%s\n' "${added[@]}" >"${desk}/added.txt"
  with_uv --no-deps -r "${desk}/added.txt" && compile_packages
}

join_links() { # two packages that bring the same file make it fail
  local name part
  for name in "${drops[@]}"; do
    rm -rf -- "${links:?}/${site_packages}/${name}" || return
  done
  for part in "${shared_parts[@]}"; do
    [[ -d ${links}/${part} ]] || continue
    [[ ! -e ${venv_dir}/${part} ]] || link_into "${links}" "${venv_dir}/${part}" || return
    rm -rf -- "${venv_dir:?}/${part}" && mv -T -- "${links}/${part}" "${venv_dir}/${part}" || return
  done
  rmdir -- "${links}"
}

take_scripts() { # copies: they begin with the path of their virtualenv, and that of the last is as long
  local name paths=()
  [[ ${#scripts[@]} != 0 ]] || return 0
  for name in "${scripts[@]}"; do
    [[ -f ${last_venv}/bin/${name} && ! -L ${last_venv}/bin/${name} && ! -e ${venv_dir}/bin/${name} ]] || return
    paths+=("${venv_dir}/bin/${name}")
  done
  cp -p -- "${paths[@]/#"${venv_dir}"/"${last_venv}"}" "${venv_dir}/bin/" &&
    LC_ALL=C sed -i "s|${last_venv//./\\.}/|${venv_dir}/|g" -- "${paths[@]}"
}
