python=python3
digest=ab9f50d18e9db7df60d2d1ec142904e5461b397ccacb10313dedcaebe4e9a537
requirements=requirements.txt
ship_root=''
requirement_paths=(requirements.txt)
requirement_texts=('Django==5.2.19
')
requirement_options=()
pins=(gunicorn==27.0.1 mysqlclient==2.3.1)
installer=uv
uv_pin=uv==0.13.9
with_uv_py='<text of virtualenv/with_uv.py>'
difference_py='<text of virtualenv/difference.py>'
pip_dir=''
needs_tree=''
tree=''
coming=20261123T120000Z-0123abcd

ask_python() { # sets python_path, and python_minor to python3.13, say; without a start of Python where files tell
  local other
  python_path=${python}
  [[ ${python} == */* ]] || python_path=${BASH_CMDS["${python}"]}
  for other in "${python_path%/*}"/python3.*; do
    if [[ ${other##*/} =~ ^python3\.[0-9]+$ && ${other} -ef ${python_path} ]]; then
      python_minor=${other##*/}
      return
    fi
  done
  python_minor=$("${python_path}" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
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
  mkdir -p -- "${pip_folder}"
  printf '%s\n' "${pins[@]}" >"${desk}/pins.txt"
  printf '%s\n' "${setuptools_wheel:+setuptools @ file://${setuptools_wheel}}" >"${desk}/setuptools.txt"
  chown -R -h -- "${build_user}:${build_user}" "${desk}/tree" "${desk}/pins.txt"
  chown -- "root:${build_user}" "${desk}"
  chmod 750 -- "${desk}"
}

on_desk() { # PATH of the project: where it lies there, as in a release without what is above the folder that ships
  printf '%s/tree/%s' "${desk}" "${1#"${ship_root:+${ship_root}/}"}"
}

install_all() { # INSTALLER: sets installing to what it was about when it failed
  if [[ -n ${setuptools_wheel} ]]; then
    installing=setuptools
    "$1" --no-index "${setuptools_wheel}" || return
  fi
  installing=${requirements} file_options=("${requirement_options[@]}")
  "$1" -r "$(on_desk "${requirements}")" || return
  [[ ${#pins[@]} != 0 ]] || return 0
  installing="${pins[*]}, which the project lacks to run here" file_options=()
  "$1" -r "${desk}/pins.txt"
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

seal() { # once no process of the builder can reach in: no special file, no special bit, no write for the site
  chown -h -- root:root "${venv_dir}" &&
    chmod 700 -- "${venv_dir}" &&
    end_build_user &&
    rm -rf -- "${venv_dir}"/.{complete,lock} &&
    find "${venv_dir}" ! -type f ! -type d ! -type l -delete &&
    chown -R -h -- "root:${app}" "${venv_dir}" &&
    chmod -R a-st,u=rwX,g=rX,o= -- "${venv_dir}"
}

take_over_virtualenv() { # by root; what joined the links of the last virtualenv is sealed already
  [[ -O ${venv_dir} ]] || seal
  sync -f -- "${venv_dir}"
  put_file "${venv_dir}/.complete" 600 "root:${app}" "${requirements}"$'\n'"${made_with}"
  sync -- "${venv_dir}" "${root}/venvs"
  rm -rf -- "${desk}" "${venv_dir}"*.links || :
}

clear_ground() { # without what a build that was killed, or that failed, has left
  remove_build
  mkdir -m 700 -- "${venv_dir}"
  chown -- "${build_user}:${build_user}" "${venv_dir}"
  lay_out_requirements
}

start_afresh() {
  local pip=()
  clear_ground
  [[ ! -e ${pip_wheel} ]] || pip=(--without-pip)
  as_builder "${python}" -m venv "${pip[@]}" "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
}

remove_build() { # one that failed, or was cut, takes no room
  [[ -z ${laying} ]] || wait "${laying}" || :
  laying=''
  end_build_user
  [[ ! -e ${cache}/tmp ]] || as_builder rm -rf -- "${cache}/tmp" || :
  rm -rf -- "${venv_dir}"*.links || : # a killed run's may still grow; else prune takes them
  rm -rf -- "${venv_dir}" "${desk}"
}

build_virtualenv() {
  trap remove_build EXIT
  if can_start_from_last; then
    clear_ground
    build_on_last || build_from_nothing
  else
    build_from_nothing
  fi
  trap - EXIT
}

can_start_from_last() { # with what comes by its name from an index
  [[ ${installer} == uv && -z ${needs_tree} && ${requirement_texts[*]} != *://* ]] &&
    [[ -x ${uv}/bin/uv && -e ${pip_wheel} ]] && find_last
}

build_from_nothing() { # where uv fails, pip has the last word: its reasons are those that people know
  local installing=''
  start_afresh
  if [[ ${installer} == uv ]] && ensure_uv && install_all with_uv; then
    compile_packages
  else
    [[ -z ${installing} ]] || start_afresh
    install_all with_pip || fail "${what}" "${installing}: $(why_pip_failed)"
  fi
}

find_wheels() { # Debian's; up to 3.11 a virtualenv has setuptools, and older packages count on it
  pip_wheel=$(echo /usr/share/python-wheels/pip-*.whl) setuptools_wheel=''
  [[ ! ${python_minor} =~ ^python3\.([0-9]|1[01])$ ]] || setuptools_wheel=$(echo /usr/share/python-wheels/setuptools-*.whl)
  [[ -e ${setuptools_wheel} ]] || setuptools_wheel=''
}

find_sources() { # sets made_with; a password may be in what it is a hash of. Where the builder's own files lead, root does not go
  local file files=() certificates=''
  for file in /etc/xdg/pip/pip.conf /etc/pip.conf "${cache}"/.{pip,config/pip}/pip.conf "${python_path%/*/*}/pip.conf" "${setuptools_wheel}"; do
    [[ ! -f ${file} || ${file} == "${cache}/"* && -L ${file} ]] || files+=("${file}")
  done
  [[ ! -e /etc/ssl/certs/ca-certificates.crt ]] || certificates=1
  made_with=$(sha256sum -- - "${files[@]}" <<<"${with_uv_py}${certificates}" | sha256sum)
}

local what="virtualenv ${digest:0:12}"
require_site
if hash -- "${python}" 2>/dev/null && [[ ${python} != */* || -x ${python} ]]; then
  ask_python
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
  links=${venv_dir}.${run_id}.links site_packages=lib/${python_minor}/site-packages
  uv=${cache}/uv-${uv_pin##*=} pip_folder=$(on_desk "${pip_dir:+${pip_dir}/}.")
  find_wheels
  find_sources
  change_cuttable "build of ${what}" build_virtualenv
  # Once the builder can reach in no more.
  [[ -n ${dry_run} || -z ${coming} || ! -O ${venv_dir} ]] || load_beside "${coming}"
  change "${what}" take_over_virtualenv
fi
