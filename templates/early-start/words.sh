# The words for a process that starts before its release is laid out, and waits until it may serve. docs/early-start.rst
# explains why. Plain bash, no Jinja.

# While a process waits: the folder of the release with whose program file it was started, and the virtualenv that it was started
# in.
loaded='' loaded_venv=''

waits() { # RELEASE_DIR: whether its program is roadie_gunicorn, which waits; a template of the user's own may start another program
  local text=''
  contents_of "$1/program.in" text 2>/dev/null
  [[ ${text} == *' -m roadie_gunicorn '* ]]
}

load_beside() { # RELEASE: starts its process before its folder is complete, with the program file of the release that serves
  local release=$1 release_dir=${root}/releases/$1
  ! waits "${root}/live/release" || load_release "${root}/live/release"
}

load_release() { # FOLDER: starts the process of ${release}, with the program file in this folder of a release
  begin_release "$1"
  loaded=$1 loaded_venv=${venv_dir}
}

# Keeps the waiting process only if its environment, program, roadie_gunicorn.py and virtualenv equal those of the release
# apart from paths. Otherwise stops it. If no process waits, starts one.
ensure_loaded() {
  if [[ -n ${loaded} ]] && ! is_as_loaded; then
    change "slot ${idle} stopped" call_off
    loaded=''
  fi
  [[ -n ${loaded} ]] || load_release "${release_dir}"
}

is_as_loaded() { # whether a process that started now would equal the waiting one, apart from paths
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

order_inspection() { # CALL [NAME=VALUE]...: has the waiting process fork for the check; answers come at descriptor 6
  local slot
  ensure_loaded
  slot=${root}/slots/${idle}
  mkfifo -m 600 -- "${slot}/answers"
  chown -- "${app}:${app}" "${slot}/answers"
  exec 6<>"${slot}/answers"
  printf '%s\n' "$@" >"${slot}/inspect.new"
  mv -T -- "${slot}/inspect.new" "${slot}/inspect"
}

start_release() { # lets the waiting process serve
  ensure_loaded
  change "start of ${release}" let_serve
  loaded=''
}

let_serve() {
  : >"${root}/slots/${idle}/serve"
}
