# The words for a process that begins before its release is there, and waits until it may serve. docs/early-start.rst
# says what it is for. Plain bash, no Jinja.

loaded='' loaded_venv='' # while one waits: the folder of the release by whose program it began, and its virtualenv

waits() { # RELEASE_DIR: whether its program is roadie's, which waits, and not one of the user's own
  local text=''
  contents_of "$1/program.in" text 2>/dev/null
  [[ ${text} == *' -m roadie_gunicorn '* ]]
}

load_beside() { # RELEASE: begin its process while the release is made still, by the program of the one that serves
  local release=$1 release_dir=${root}/releases/$1
  ! waits "${root}/live/release" || load_release "${root}/live/release"
}

load_release() { # FOLDER: begin its process, by the program that lies in that release's folder
  begin_release "$1"
  loaded=$1 loaded_venv=${venv_dir}
}

ensure_loaded() { # what waits goes on if it is, but for folders, as a process that began only now; else another begins
  if [[ -n ${loaded} ]] && ! is_as_loaded; then
    change "slot ${idle} stopped" call_off
    loaded=''
  fi
  [[ -n ${loaded} ]] || load_release "${release_dir}"
}

is_as_loaded() {
  local before='' venv_before='' file text now
  ! has_died || return 1
  find_same "${loaded}" before "${root}"/releases/*/
  find_same "${loaded}/venv" venv_before "${root}"/venvs/*/
  for file in env program.in overlay/roadie_gunicorn.py; do
    contents_of "${before}/${file}" text
    contents_of "${release_dir}/${file}" now
    text=${text//"${before}/"/"${release_dir}/"}
    [[ ${text//"${venv_before}"/"${venv_dir}"} == "${now}" ]] || return 1
  done
  [[ ${venv_dir} == "${loaded_venv}" ]]
}

order_inspection() { # CALL [NAME=VALUE]...: have what waits fork for it; its answers come by descriptor 6
  local slot
  ensure_loaded
  slot=${root}/slots/${idle}
  mkfifo -m 600 -- "${slot}/answers"
  chown -- "${app}:${app}" "${slot}/answers"
  exec 6<>"${slot}/answers"
  printf '%s\n' "$@" >"${slot}/inspect.new"
  mv -T -- "${slot}/inspect.new" "${slot}/inspect"
}

start_release() { # what waits may serve
  ensure_loaded
  change "start of ${release}" let_serve
  loaded=''
}

let_serve() {
  : >"${root}/slots/${idle}/serve"
}
