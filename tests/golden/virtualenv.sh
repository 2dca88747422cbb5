local python=python3
local digest=ab9f50d18e9db7df60d2d1ec142904e5461b397ccacb10313dedcaebe4e9a537
local requirements=requirements.txt
local ship_root=''
local requirement_paths=(requirements.txt)
local requirement_texts=('Django==5.2.19
')
local requirement_options=()
local pins=(gunicorn==27.0.1 mysqlclient==2.3.1)
local installer=uv
local uv_pin=uv==0.13.9
local with_uv_py='<text of virtualenv/with_uv.py>'
local pip_dir=''
local needs_tree=''
local tree=''
local coming=20261123T120000Z-0123abcd

find_python_minor() { # sets python_minor to a name such as python3.13; mostly a file of that name tells, without a process
  local path=${python} other
  [[ ${python} == */* ]] || path=${BASH_CMDS["${python}"]}
  for other in "${path%/*}"/python3.*; do
    if [[ ${other##*/} =~ ^python3\.[0-9]+$ && ${other} -ef ${path} ]]; then
      python_minor=${other##*/}
      return
    fi
  done
  python_minor=$("${path}" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
}

build_virtualenv() { # if uv fails, pip tries again from the start, because people know pip's messages
  local installing=''
  refuse_traps
  trap remove_build EXIT
  find_installers
  start_afresh
  if [[ ${installer} != uv ]] || ! ensure_uv || ! install_all with_uv; then
    [[ -z ${installing} ]] || start_afresh
    install_all with_pip || fail "${what}" "${installing}: $(why_pip_failed)"
  fi
  take_over_virtualenv
  trap - EXIT
}

remove_build() { # removes a build that failed or was cut, so that it takes no room
  end_build_user
  [[ ! -e ${cache}/tmp ]] || as_builder rm -rf -- "${cache}/tmp" || :
  rm -rf -- "${venv_dir}" "${desk}"
}

start_afresh() {
  local pip=()
  remove_build
  mkdir -m 700 -- "${venv_dir}"
  chown -- "${build_user}:${build_user}" "${venv_dir}"
  lay_out_requirements
  [[ ! -e ${pip_wheel} ]] || pip=(--without-pip)
  as_builder "${python}" -m venv "${pip[@]}" "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
}

lay_out_requirements() { # only the build user can read the files, as they may contain the password of a package index
  local i place text
  mkdir -m 700 -- "${desk}"
  [[ -z ${needs_tree} ]] || cp -a --no-preserve=ownership -- "${release_dir}/code/." "${desk}"
  for i in "${!requirement_paths[@]}"; do
    place=$(on_desk "${requirement_paths[i]}") text=${requirement_texts[i]}
    [[ /${place}/ != */../* ]] || fail "${requirement_paths[i]}" 'leads out of the project'
    mkdir -p -- "${place%/*}"
    # ${desk} is deleted later. So remove -e from folders of the project, to install a copy. Repositories stay editable.
    sed -E 's/^[[:space:]]*(-e|--editable)[[:space:]=]+(["'\'']?(\.|\/|file:|[^:]*$))/\2/' <<<"${text}" >"${place}"
  done
  pip_folder=$(on_desk "${pip_dir:+${pip_dir}/}.")
  mkdir -p -- "${pip_folder}"
  chown -R -h -- "${build_user}:${build_user}" "${desk}"
}

on_desk() { # PATH: prints the place below ${desk} of a path in the project; as in a release, paths start at ship_root
  printf '%s/%s' "${desk}" "${1#"${ship_root:+${ship_root}/}"}"
}

install_all() { # INSTALLER: sets installing to what is being installed, for the message of a failure
  local file_options=()
  if [[ -n ${setuptools_wheel} ]]; then
    installing=setuptools
    "$1" --no-index "${setuptools_wheel}" || return
  fi
  installing=${requirements} file_options=("${requirement_options[@]}")
  "$1" -r "$(on_desk "${requirements}")" || return
  [[ ${#pins[@]} != 0 ]] || return 0
  installing="${pins[*]}, which the project lacks to run here" file_options=()
  "$1" "${pins[@]}"
}

# Gives the virtualenv to root. First the build user loses access, and its processes are ended. Then special files and
# special mode bits are removed, and the site's user may read but not write.
take_over_virtualenv() {
  chown -h -- root:root "${venv_dir}"
  chmod 700 -- "${venv_dir}"
  end_build_user
  rm -rf -- "${desk}" "${venv_dir}"/.{complete,lock}
  find "${venv_dir}" ! -type f ! -type d ! -type l -delete
  chown -R -h -- "root:${app}" "${venv_dir}"
  chmod -R a-st,u=rwX,g=rX,o= -- "${venv_dir}"
}

local what="virtualenv ${digest:0:12}" python_minor=''
require_site
if hash -- "${python}" 2>/dev/null && [[ ${python} != */* || -x ${python} ]]; then
  find_python_minor
elif [[ -z ${dry_run} ]]; then
  fail "${what}" "there is no ${python} on this host; name another in python:, or its package in packages:"
fi
venv_dir=${root}/venvs/${python_minor}-${digest:0:16}
[[ -z ${needs_tree} ]] || venv_dir+=-${tree:0:12}
if [[ -n ${needs_tree} && -z ${tree} ]]; then
  ok "${what} (built by deploy, as the requirements need the project's own files)"
elif is_whole "${venv_dir}"; then
  ok "${what}"
else
  change_within "${build_timeout}" "build of ${what}" build_virtualenv
  # The build user can no longer write here. So the release's process may start while the virtualenv is synced to disk.
  [[ -n ${dry_run} || -z ${coming} ]] || load_beside "${coming}"
  change "${what}" mark_whole "${venv_dir}" "${requirements}"
fi
