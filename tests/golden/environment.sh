settings_module=roadie_settings
health=()
python=python3
environment=()
allowed_hosts_names=(ALLOWED_HOSTS DJANGO_ALLOWED_HOSTS)
csrf_trusted_origins_names=(CSRF_TRUSTED_ORIGINS DJANGO_CSRF_TRUSTED_ORIGINS)
debug_names=(DEBUG DJANGO_DEBUG)
static_root_names=()
media_root_names=()
db_name_names=()
db_user_names=()
db_socket_names=()
secret_names=(SECRET_KEY DJANGO_SECRET_KEY DATABASE_URL )
settings_py='<text of in-project/settings.py.j2>'
overlay_py='<text of in-project/overlay.py>'
site_py='<text of in-project/site.py.j2>'
guard_py='<text of in-project/guard.py>'
release_py='<text of in-project/release.py>'
migrations_py='<text of in-project/migrations.py>'
lint_py='<text of in-project/lint.py>'
start_py='<text of in-project/start.py>'
gunicorn_py='<text of early-start/gunicorn.py>'
serving_py='<text of in-project/serving.py>'
served_module=roadie_wsgi
served_py='<text of in-project/application.py.j2>'
program_in='<text of web/program.supervisor.j2>'
programs_conf='<text of programs/programs.supervisor.j2>'

set_value() { # VALUE NAME...
  local name
  for name in "${@:2}"; do
    env_text+="${name}=${1@Q}"$'\n'
  done
}

write_environment() { # what the user gave in env: comes last and wins, but for roadie's own
  local env_text='' origins i
  set_value "${root}/shared/home" HOME
  set_value "${venv_dir}/bin:/usr/local/bin:/usr/bin:/bin" PATH
  set_value "${venv_dir}" VIRTUAL_ENV
  set_value C.UTF-8 LC_ALL
  set_value 1 PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED
  set_value False "${debug_names[@]}"
  set_value "$(joined "${domains[@]}")" "${allowed_hosts_names[@]}"
  origins=("${domains[@]/#/https://}" "${domains[@]/#/http://}")
  set_value "$(joined "${origins[@]}")" "${csrf_trusted_origins_names[@]}"
  set_value "${release_dir}/static" "${static_root_names[@]}"
  set_value "${root}/shared/media" "${media_root_names[@]}"
  set_value "${app}" "${db_name_names[@]}" "${db_user_names[@]}"
  set_value "${database_socket}" "${db_socket_names[@]}"
  for ((i = 0; i < ${#environment[@]}; i += 2)); do
    set_value "${environment[i + 1]}" "${environment[i]}"
  done
  set_value "${settings_module}" DJANGO_SETTINGS_MODULE
  set_value "${release_dir}/overlay" PYTHONPATH
  set_value "${work_dir}" ROADIE_WORK_DIR
  set_value "${release_dir}/static" ROADIE_STATIC_ROOT
  set_value "${root}/shared/media" ROADIE_MEDIA_ROOT
  printf '%s' "${env_text}" >"${release_dir}/env.new"
}

joined() { # WORD...: with commas between
  local IFS=,
  printf '%s' "$*"
}

write_health() { # the pages that this release is asked for, also when it comes back
  printf '%s\n' "${health[@]}" >"${release_dir}/health"
}

write_modules() { # with bytecode for the Python that first met them; mostly they are those of the release that serves
  local -A modules=(
    [roadie_overlay]=${overlay_py} [roadie_site]=${site_py} [roadie_guard]=${guard_py} [roadie_release]=${release_py}
    [roadie_migrations]=${migrations_py} [roadie_lint]=${lint_py} [roadie_start]=${start_py} [roadie_gunicorn]=${gunicorn_py}
    [roadie_serving]=${serving_py} ["${served_module}"]=${served_py}
  )
  [[ ${settings_module} != roadie_settings ]] || modules[roadie_settings]=${settings_py}
  remove_if_there "${release_dir}/overlay"
  if serve_already; then
    cp -al -- "${root}/live/release/overlay" "${release_dir}/overlay"
  else
    write_modules_anew
  fi
}

serve_already() {
  local name text files=("${root}/live/release/overlay"/*.py)
  [[ ${#files[@]} == "${#modules[@]}" ]] || return 1
  for name in "${!modules[@]}"; do
    contents_of "${root}/live/release/overlay/${name}.py" text 2>/dev/null
    [[ ${text} == "${modules[${name}]%$'\n'}" ]] || return 1
  done
}

write_modules_anew() {
  local name
  mkdir -- "${release_dir}/overlay"
  for name in "${!modules[@]}"; do
    printf '%s\n' "${modules[${name}]%$'\n'}" >"${release_dir}/overlay/${name}.py"
  done
  "${python}" -I -S -c "${compile_py}" "${release_dir}"/overlay/*.py
}

require_secrets() { # of these names, which may be new in the settings
  local name text=''
  contents_of "${root}/shared/secrets" text
  for name in "${secret_names[@]}"; do
    [[ $'\n'${text} == *$'\n'"${name}="* ]] ||
      fail "secret ${name}" "${root}/shared/secrets does not have it by this name of env_names; run fab bootstrap, then deploy again"
  done
}

write_program() { # what the project's own gunicorn.conf.py sets is its word: a flag would win over it
  local text=${program_in} own=${work_dir}/gunicorn.conf.py setting
  for setting in workers worker_class threads timeout worker_tmp_dir; do
    [[ -e ${own} ]] || break
    grep -qsE "^${setting}[[:space:]]*=" -- "${own}" || continue
    [[ ! ${text} =~ \ --${setting//_/-}\ [^\ ]+ ]] || text=${text/"${BASH_REMATCH[0]}"/}
  done
  printf '%s\n' "${text}" >"${release_dir}/program.in"
}

write_programs() { # of the site besides the web process; a release without any has no such file
  remove_if_there "${release_dir}/programs.conf"
  [[ -z ${programs_conf} ]] || printf '%s\n' "${programs_conf//@RELEASE_DIR@/${release_dir}}" >"${release_dir}/programs.conf"
}

lay_out_settings() {
  umask 027
  write_environment
  write_health
  write_modules
  write_program
  write_programs
  ln -sfn -- "../../venvs/${venv_dir##*/}" "${release_dir}/venv"
  umask 022
  chown -R -- "root:${app}" "${release_dir}/env.new" "${release_dir}/overlay" "${release_dir}/program.in"
  mv -T -- "${release_dir}/env.new" "${release_dir}/env" # last: a process that begins meanwhile goes by whether it is there
}

require_secrets
change "settings of ${release}" lay_out_settings
