# The words for what installs requirements into a virtualenv: uv where it can be had, else pip. Plain bash, no Jinja.
# Whatever runs here runs as the build's user: building a package runs its code.

cache=/var/cache/roadie/${app} desk=${cache}.build # what the builder has, and what it is given to read
# Of the virtualenv that is built:
python_path='' python_minor='' site_packages='' pip_folder='' pip_wheel='' setuptools_wheel='' file_options=()
with_uv_py='' uv_pin='' uv='' # uv's own folder, named by its version
made_with='' # a hash of what decides where packages come from, beside the requirements

as_builder() { # COMMAND...
  app_tmp=${cache}/tmp as_user "${build_user}" "${cache}" "$@"
}

build_in() { # FOLDER COMMAND...: paths in requirements start there
  as_builder bash -c 'mkdir -p "${TMPDIR}" && cd "$1" && shift && exec "$@"' build "$@"
}

with_pip() { # ARGUMENT...: Debian's own pip, or the one that came into the virtualenv
  local pip=(-m pip)
  [[ ! -e ${pip_wheel} ]] || pip=("${pip_wheel}/pip")
  build_in "${pip_folder}" "${venv_dir}/bin/python" "${pip[@]}" install --no-input --disable-pip-version-check \
    --no-warn-script-location --progress-bar off "$@"
}

with_uv() { # ARGUMENT...: without bytecode, which uv would look for anew in each call
  ask_uv "${venv_dir}/bin/python" install "$@"
}

ask_uv() { # PYTHON COMMAND ARGUMENT...: how pip is configured is told in uv's terms once, for the builder to keep
  local options
  printf -v options '%s,' "${file_options[@]}"
  build_in "${pip_folder}" bash -c '
    { read -r of; } 2>/dev/null <"$1" && [[ ${of} == "# $2" ]] || (
      umask 077
      rm -f -- "${1%-*}"-*
      { printf "# %s\n" "$2" && "$3" -I -S -c "$4" "$3" "$2" "$6"; } >"$1.new" && mv -T -- "$1.new" "$1"
    ) || exit
    . "$1" && exec "$5" pip "$6" --python "$3" "${given[@]}" "${@:7}"' \
    uv "${cache}/.uv-$2-${made_with:0:16}" "${options}" "$1" "${with_uv_py}" "${uv}/bin/uv" "${@:2}"
}

compile_packages() { # as pip does; what is for another Python than this one fails to, and does no harm
  local files=() how
  mapfile -d '' -t files < <(find "${venv_dir}/lib" -name '*.py' -print0)
  how=(-c "${compile_py}" "${files[@]}")
  ((${#files[@]} < 200)) || how=(-m compileall -qq -j 0 "${venv_dir}/lib") # which takes a while to begin
  build_in "${cache}" "${venv_dir}/bin/python" -I -S "${how[@]}" || :
}

ensure_uv() { # fetched once, as a wheel; that it cannot be had is remembered for a week
  local without=${cache}/no-${uv##*/}
  [[ ! -x ${uv}/bin/uv ]] || return 0
  has_room_for_uv && [[ -z $(find "${without}" -mtime -7 2>/dev/null) ]] || return 1
  fetch_uv && return
  as_builder touch -- "${without}"
  return 1
}

has_room_for_uv() { # which unpacks what it keeps; pip needs less
  (($(free_kb /var/cache) > 1000000))
}

fetch_uv() { # beside its place, and there once it has run: a host may have no such wheel, or run no programs here
  local new=${cache}/tmp/uv
  as_builder rm -rf -- "${new}" &&
    with_pip --only-binary :all: --no-deps --no-compile --no-cache-dir --target "${new}" "${uv_pin}" &&
    as_builder "${new}/bin/uv" --version &&
    build_in "${cache}" bash -c 'sync -- "$1/bin/uv" && rm -rf -- ./uv-* ./no-uv-* && mv -T -- "$1" "$2"' uv "${new}" "${uv}"
}
