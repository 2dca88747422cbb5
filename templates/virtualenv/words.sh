# The words for virtualenvs and their installers: uv if the host can have it, else pip. Plain bash, no Jinja.
# To build a package is to run code of that package, so every installer here runs as the build user.

# The build user owns ${cache}, which holds uv and the caches of uv and pip. ${desk} holds the requirements of one build.
# A build sets these values. file_options are the options in the requirements files that are being installed.
pip_folder='' pip_wheel='' setuptools_wheel='' file_options=() with_uv_py='' uv_pin='' uv=''

is_whole() { # VIRTUALENV: root owns it and the mark in it, and the build user cannot make a file of root's
  local mark=$1/.complete
  [[ -O $1 && -f ${mark} && ! -L ${mark} && -O ${mark} ]]
}

mark_whole() { # VIRTUALENV TEXT: marks the virtualenv as complete, after all of it is on disk
  sync -f -- "$1"
  put_file "$1/.complete" 600 "root:${app}" "$2"
  sync -- "${1%/*}"
}

# Code of a package that was built earlier can have left anything there. pip and uv would read a FIFO or a huge file without end.
refuse_traps() {
  local file
  for file in "${cache}"/{.pip,.config/pip}/pip.conf "${cache}/.netrc"; do
    [[ ! -e ${file} && ! -L ${file} ]] || [[ -f ${file} && $(stat -L -c %s -- "${file}") -le 1000000 ]] ||
      fail "${file}" 'it is no plain file of at most 1 MB, and pip might read it without end; a build may have left it; remove it and run again'
  done
}

as_builder() { # COMMAND...
  app_tmp=${cache}/tmp as_user "${build_user}" "${cache}" "$@"
}

build_in() { # FOLDER COMMAND...: runs it in FOLDER, where relative paths of the requirements start
  as_builder bash -c 'mkdir -p "${TMPDIR}" && cd "$1" && shift && exec "$@"' build "$@"
}

find_installers() { # sets pip_wheel and setuptools_wheel to Debian's wheels, and uv to the folder for this version of uv
  pip_wheel=$(echo /usr/share/python-wheels/pip-*.whl)
  # Up to Python 3.11 a new virtualenv contains setuptools, and older packages rely on it.
  [[ ! ${venv_dir##*/} =~ ^python3\.([0-9]|1[01])- ]] || setuptools_wheel=$(echo /usr/share/python-wheels/setuptools-*.whl)
  [[ -e ${setuptools_wheel} ]] || setuptools_wheel=''
  uv=${cache}/uv-${uv_pin##*=}
}

# ---- pip ----------------------------------------------------------------------------------------------------------------

with_pip() { # ARGUMENT...: installs with Debian's pip if its wheel exists, else with the pip in the virtualenv
  local pip=(-m pip)
  [[ ! -e ${pip_wheel} ]] || pip=("${pip_wheel}/pip")
  build_in "${pip_folder}" "${venv_dir}/bin/python" "${pip[@]}" install --no-input --disable-pip-version-check \
    --no-warn-script-location --progress-bar off "$@"
}

why_pip_failed() { # prints the reason; if a package could not be built, also the last line of that package's build
  local why built
  why=$(cause '^(ERROR:|OSError:|MemoryError)')
  why=${why#ERROR: Exception:; } # pip's line above a traceback
  built=$(step_output | awk '
    /^ *Collecting / { package = $2; sub(/@$/, "", package) }
    /^ *Building wheel for / { package = $4 }
    /\[end of output\]/ { words = package ": " last }
    NF { last = $0; gsub(/^[ \t]+/, "", last) }
    END { print words }')
  [[ -z ${built} ]] || why="${why:+${why}; }${built}; if it needs a library of Debian, name its -dev package in packages:"
  printf '%s; the other virtualenvs are unchanged' "${why:-$(cause . | tail -c 300)}"
}

# ---- uv -----------------------------------------------------------------------------------------------------------------

with_uv() { # ARGUMENT...
  local options
  printf -v options '%s,' "${file_options[@]}"
  build_in "${pip_folder}" "${venv_dir}/bin/python" -I -S -c "${with_uv_py}" "${uv}/bin/uv" "${options}" "$@"
}

ensure_uv() { # fetches uv once; after a failure, tries again only a week later
  local without=${cache}/no-${uv##*/}
  [[ ! -x ${uv}/bin/uv ]] || return 0
  # uv needs more room than pip, as its cache holds unpacked packages.
  (($(free_kb /var/cache) > 1000000)) && [[ -z $(find "${without}" -maxdepth 0 -mtime -7 2>/dev/null) ]] || return 1
  fetch_uv && return
  as_builder touch -- "${without}"
  return 1
}

# Moves uv to its place only after `uv --version` has run: there may be no wheel for this host, or its file system may allow
# no programs.
fetch_uv() {
  local new=${cache}/tmp/uv
  as_builder rm -rf -- "${new}" &&
    with_pip --only-binary :all: --no-deps --no-compile --no-cache-dir --target "${new}" "${uv_pin}" &&
    as_builder "${new}/bin/uv" --version &&
    build_in "${cache}" bash -c 'sync -- "$1/bin/uv" && rm -rf -- ./uv-* ./no-uv-* && mv -T -- "$1" "$2"' uv "${new}" "${uv}"
}
