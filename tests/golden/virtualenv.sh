python=python3
digest=ab9f50d18e9db7df60d2d1ec142904e5461b397ccacb10313dedcaebe4e9a537
requirements=requirements.txt
ship_root=''
requirement_paths=(requirements.txt)
requirement_texts=('Django==5.2.19
')
pins=(gunicorn==27.0.1 mysqlclient==2.3.1)
needs_tree=''
tree=89ef456789ef456789ef456789ef456789ef4567

ask_python() { # sets python_minor to python3.13, say; without a start of Python where files tell
  local path=${python} other
  [[ ${path} == */* ]] || path=${BASH_CMDS["${python}"]}
  for other in "${path%/*}"/python3.*; do
    if [[ ${other##*/} =~ ^python3\.[0-9]+$ && ${other} -ef ${path} ]]; then
      python_minor=${other##*/}
      return
    fi
  done
  python_minor=$("${path}" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
}

is_whole() { # the mark is root's own file: the build's user cannot have made it
  local mark=${venv_dir}/.complete
  [[ -O ${venv_dir} && -f ${mark} && ! -L ${mark} && -O ${mark} ]]
}

as_builder() { # COMMAND...
  app_tmp=${cache}/tmp as_user "${build_user}" "${cache}" "$@"
}

lay_out_requirements() { # where they can be read by the build's user and no other: an index's password may be in them
  local i place text
  rm -rf -- "${desk}"
  mkdir -m 700 -- "${desk}"
  if [[ -n ${needs_tree} ]]; then
    cp -a --no-preserve=ownership -- "${release_dir}/code" "${desk}/tree"
  fi
  for i in "${!requirement_paths[@]}"; do
    place=$(on_desk "${requirement_paths[i]}") text=${requirement_texts[i]}
    [[ /${place}/ != */../* ]] || fail "${requirement_paths[i]}" 'leads out of the project'
    mkdir -p -- "${place%/*}"
    # A folder of the project is copied in, as this one goes away; what comes out of a repository stays editable.
    sed -E 's/^[[:space:]]*(-e|--editable)[[:space:]=]+(["'\'']?(\.|\/|file:|[^:]*$))/\2/' <<<"${text}" >"${place}"
  done
  printf '%s\n' "${pins[@]}" >"${desk}/pins.txt"
  chown -R -h -- "${build_user}:${build_user}" "${desk}/tree" "${desk}/pins.txt"
  chown -- "root:${build_user}" "${desk}"
  chmod 750 -- "${desk}"
}

on_desk() { # PATH of the project: where it lies there, as in a release without what is above the folder that ships
  printf '%s/tree/%s' "${desk}" "${1#"${ship_root:+${ship_root}/}"}"
}

pip_install() { # ARGUMENT...: Debian's own pip, or the one that came into the virtualenv
  local pip=(-m pip)
  [[ ! -e ${pip_wheel} ]] || pip=("${pip_wheel}/pip")
  as_builder bash -c 'mkdir -p "${TMPDIR}" && cd "$1" && shift && exec "$@"' build "${pip_folder}" \
    "${venv_dir}/bin/python" "${pip[@]}" install --no-input --disable-pip-version-check --no-warn-script-location \
    --progress-bar off "$@"
}

build() {
  local pip_wheel setuptools_wheel pip_folder file
  file=$(on_desk "${requirements}")
  pip_folder=${file%/*}
  pip_wheel=$(echo /usr/share/python-wheels/pip-*.whl) setuptools_wheel=$(echo /usr/share/python-wheels/setuptools-*.whl)
  if [[ -e ${pip_wheel} ]]; then
    as_builder "${python}" -m venv --without-pip "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
  else
    as_builder "${python}" -m venv "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
  fi
  # Up to 3.11 a virtualenv has setuptools, and older packages count on it.
  if [[ ${venv_dir##*/} =~ ^python3\.([0-9]|1[01])- && -e ${setuptools_wheel} ]]; then
    pip_install --no-index "${setuptools_wheel}"
  fi
  pip_install -r "${file}" || fail "${what}" "${requirements}: $(why_pip_failed)"
  if [[ ${#pins[@]} != 0 ]]; then
    pip_install -r "${desk}/pins.txt" || fail "${what}" "${pins[*]}, which the project lacks to run here: $(why_pip_failed)"
  fi
}

why_pip_failed() { # a build that fails has its own last words, inside of what pip shows of it
  local why built
  why=$(cause '^(ERROR:|OSError:|MemoryError)')
  why=${why#ERROR: Exception:; } # above a traceback
  built=$(step_output | awk '
    /^ *Collecting / { package = $2; sub(/@$/, "", package) }
    /^ *Building wheel for / { package = $4 }
    /\[end of output\]/ { words = package ": " last }
    NF { last = $0; gsub(/^[ \t]+/, "", last) }
    END { print words }')
  [[ -z ${built} ]] || why="${why:+${why}; }${built}; if it needs a library of Debian, name its -dev package in packages:"
  printf '%s; the virtualenvs that are there stay as they are' "${why:-$(cause . | tail -c 300)}"
}

take_over() { # by root, once no process of the builder can reach in: no special file, no special bit, no write for the site
  chown -h -- root:root "${venv_dir}"
  chmod 700 -- "${venv_dir}"
  end_build_user
  rm -rf -- "${venv_dir}/.complete"
  find "${venv_dir}" ! -type f ! -type d ! -type l -delete
  chown -R -h -- "root:${app}" "${venv_dir}"
  chmod -R a-st,u=rwX,g=rX,o= -- "${venv_dir}"
  sync -f -- "${venv_dir}"
  put_file "${venv_dir}/.complete" 640 "root:${app}" "${requirements}"
  sync -- "${venv_dir}" "${root}/venvs"
  rm -rf -- "${desk}"
}

clear_place() { # of what a build that was killed has left
  remove_build
  mkdir -m 700 -- "${venv_dir}"
  chown -- "${build_user}:${build_user}" "${venv_dir}"
}

remove_build() { # one that failed, or was cut, takes no room
  end_build_user
  as_builder rm -rf -- "${cache}/tmp" || :
  rm -rf -- "${venv_dir}" "${desk}"
}

build_virtualenv() {
  trap remove_build EXIT
  clear_place
  lay_out_requirements
  build
  trap - EXIT
}

local cache=/var/cache/roadie/${app} what="virtualenv ${digest:0:12}"
local desk=${cache}.build python_minor=''
require_site
if hash -- "${python}" 2>/dev/null && [[ ${python} != */* || -x ${python} ]]; then
  ask_python
elif [[ -z ${check} ]]; then
  fail "${what}" "there is no ${python} on this host; name another in python:, or its package in packages:"
fi
venv_dir=${root}/venvs/${python_minor}-${digest:0:16}
[[ -z ${needs_tree} ]] || venv_dir+=-${tree:0:12}
if [[ -n ${needs_tree} && -z ${tree} ]]; then
  ok "${what} (built by deploy, as the requirements need the project's own files)"
elif is_whole; then
  ok "${what}"
else
  change_cuttable "build of ${what}" build_virtualenv
  change "${what}" take_over
fi
