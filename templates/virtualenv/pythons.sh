# The words for the Python of a virtualenv: the distribution's if the project takes it, else one that uv brings. Plain bash, no
# Jinja.

pythons=()      # the versions that the project takes, such as 3.12; an empty list means any
takes_python='' # for messages: what says which versions the project takes
managed=''      # the version that uv has to bring, if the host has no such Python

choose_python() { # sets python and python_minor; sets managed if uv has to bring this Python
  local own number
  managed=''
  if [[ ${python} == python3 ]] && hash -- python3 2>/dev/null; then
    find_python_minor
    own=${python_minor#python3.}
    [[ ${#pythons[@]} == 0 || " ${pythons[*]} " == *" 3.${own} "* ]] || python=python$(nearest_python "${own}")
  fi
  [[ ${python} =~ ^python3\.[0-9]+$ ]] || return 0
  number=${python#python}
  python_minor=${python}
  ! hash -- "${python}" 2>/dev/null || return 0
  managed=${number}
  python=${tools}/pythons/${number}/bin/python${number}
}

nearest_python() { # MINOR: prints the version that the project takes and that is nearest to the distribution's
  local version best='' far=99 away
  for version in "${pythons[@]}"; do
    away=$((${version#3.} - $1))
    ((away >= 0)) || away=$((-away))
    ((away >= far)) || best=${version} far=${away}
  done
  printf '%s' "${best}"
}

find_python_minor() { # sets python_minor to a name such as python3.13; usually finds a file of that name, and starts no process
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

ensure_python() { # has the Python ${managed} on this host
  local note="${takes_python:+${takes_python}, and }the host has no such version, so uv brings it"
  if [[ -x ${python} ]]; then
    ok "Python ${managed}"
  else
    change_within "${build_timeout}" "Python ${managed}" fetch_python
  fi
}

remove_new_python() {
  remove_build
  rm -rf -- "${tools}/pythons/${managed}.new-${app}"
}

# The build user fetches the Python, which uv checks by the hash that it knows. No package runs meanwhile. Root keeps a copy, which
# all sites of the host share.
fetch_python() {
  local needs_tree='' python=python3 place=${tools}/pythons/${managed} new
  new=${place}.new-${app}
  trap remove_new_python EXIT
  take_cache_over
  find_settings
  find_installers
  start_afresh # its pip may have to bring uv
  ensure_uv || fail "Python ${managed}" 'this host has none, and uv, which could bring it, cannot be had; install that Python, and name its path in python:'
  renew_home
  build_in / env "UV_PYTHON_INSTALL_DIR=${build_home}/pythons" UV_NO_PROGRESS=1 UV_NO_CONFIG=1 "${uv}" python install --no-bin "${managed}" ||
    fail "Python ${managed}" "this host has none, and uv could not bring it: $(step_output | sed -nE 's/^ *(error|cause): //p' | tail -n 1); install that Python and name its path in python:, have UV_PYTHON_INSTALL_MIRROR in /etc/environment name a mirror, or name the Python of the host in python: (python3.11 on Debian 12, python3.13 on Debian 13) if the project runs on it"
  end_build_user
  keep_python "${new}" "${place}"
  remove_build
  trap - EXIT
}

keep_python() { # NEW PLACE: gives root a copy of the Python that the build user fetched, and moves the copy to its place
  local new=$1 place=$2
  install -d -m 755 -- "${tools}/pythons"
  adopt "${build_user}" "$(echo "${build_home}/pythons/cpython-${managed}".[0-9]*)" "${new}"
  find "${new}" ! -type f ! -type d ! -type l -delete
  chown -R -h -- root:root "${new}"
  chmod -R a-st,u=rwX,go=rX -- "${new}"
  "${new}/bin/python${managed}" -I -S -c '' || fail "Python ${managed}" "does not run on this host: $(cause . | tail -c 300); name another in python:"
  sync -f -- "${new}"
  rm -rf -- "${place}"
  mv -T -- "${new}" "${place}"
}
