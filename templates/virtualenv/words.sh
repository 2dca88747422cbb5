# The words for virtualenvs and for what installs packages into them: uv where it can be had, else pip. Plain bash, no Jinja.
# Building a package runs code of that package, so every installer here runs as the build's user.

# The build's user owns the cache: it holds uv, and what uv and pip keep. On the desk lie the requirements of one build.
# What a build finds out; file_options are the options within the requirements that it installs at the moment.
pip_folder='' pip_wheel='' setuptools_wheel='' file_options=() with_uv_py='' uv_pin='' uv=''

is_whole() { # VIRTUALENV: it bears root's mark, which the build's user cannot have made
  local mark=$1/.complete
  [[ -O $1 && -f ${mark} && ! -L ${mark} && -O ${mark} ]]
}

mark_whole() { # VIRTUALENV TEXT: once all of it is on disk
  sync -f -- "$1"
  put_file "$1/.complete" 600 "root:${app}" "$2"
  sync -- "$1" "${1%/*}"
}

as_builder() { # COMMAND...
  app_tmp=${cache}/tmp as_user "${build_user}" "${cache}" "$@"
}

build_in() { # FOLDER COMMAND...: paths in requirements start there
  as_builder bash -c 'mkdir -p "${TMPDIR}" && cd "$1" && shift && exec "$@"' build "$@"
}

find_installers() { # Debian's wheels, and the folder for this version of uv
  pip_wheel=$(echo /usr/share/python-wheels/pip-*.whl)
  # Up to Python 3.11 a virtualenv has setuptools, and older packages count on that.
  [[ ! ${venv_dir##*/} =~ ^python3\.([0-9]|1[01])- ]] || setuptools_wheel=$(echo /usr/share/python-wheels/setuptools-*.whl)
  [[ -e ${setuptools_wheel} ]] || setuptools_wheel=''
  uv=${cache}/uv-${uv_pin##*=}
}

# ---- pip ----------------------------------------------------------------------------------------------------------------

with_pip() { # ARGUMENT...: Debian's own pip, or the one that came into the virtualenv
  local pip=(-m pip)
  [[ ! -e ${pip_wheel} ]] || pip=("${pip_wheel}/pip")
  build_in "${pip_folder}" "${venv_dir}/bin/python" "${pip[@]}" install --no-input --disable-pip-version-check \
    --no-warn-script-location --progress-bar off "$@"
}

why_pip_failed() { # prints it; where a package could not be built, its own last words are within those of pip
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

# ---- uv -----------------------------------------------------------------------------------------------------------------

with_uv() { # ARGUMENT...
  local options
  printf -v options '%s,' "${file_options[@]}"
  build_in "${pip_folder}" "${venv_dir}/bin/python" -I -S -c "${with_uv_py}" "${uv}/bin/uv" "${options}" "$@"
}

ensure_uv() { # fetches it once; that it cannot be had is remembered for a week
  local without=${cache}/no-${uv##*/}
  [[ ! -x ${uv}/bin/uv ]] || return 0
  # uv unpacks what it keeps; pip needs less room.
  (($(free_kb /var/cache) > 1000000)) && [[ -z $(find "${without}" -mtime -7 2>/dev/null) ]] || return 1
  fetch_uv && return
  as_builder touch -- "${without}"
  return 1
}

fetch_uv() { # puts it in its place once it has run: a host may have no such wheel, or run no programs here
  local new=${cache}/tmp/uv
  as_builder rm -rf -- "${new}" &&
    with_pip --only-binary :all: --no-deps --no-compile --no-cache-dir --target "${new}" "${uv_pin}" &&
    as_builder "${new}/bin/uv" --version &&
    build_in "${cache}" bash -c 'sync -- "$1/bin/uv" && rm -rf -- ./uv-* ./no-uv-* && mv -T -- "$1" "$2"' uv "${new}" "${uv}"
}
