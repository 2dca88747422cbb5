local settings_module=roadie_settings
local health=()
local secret_key_names=(SECRET_KEY DJANGO_SECRET_KEY)
local database_url_names=(DATABASE_URL)
local import_places=()
local makes_database=1
local db_password_names=()
local -A modules=( # roadie's Python modules for the project
  [roadie_settings]='<text of in-project/settings.py.j2>'
  [roadie_overlay]='<text of in-project/overlay.py>'
  [roadie_site]='<text of in-project/site.py.j2>'
  [roadie_guard]='<text of in-project/guard.py>'
  [roadie_release]='<text of in-project/release.py>'
  [roadie_migrations]='<text of in-project/migrations.py>'
  [roadie_lint]='<text of in-project/lint.py>'
  [roadie_phases]='<text of in-project/phases.py>'
  [roadie_locks]='<text of in-project/locks.py>'
  [roadie_start]='<text of in-project/start.py>'
  [roadie_gunicorn]='<text of early-start/gunicorn.py>'
  [roadie_serving]='<text of in-project/serving.py>'
  [roadie_front]='<text of in-project/front.py>'
  [roadie_wsgi]='<text of in-project/application.py.j2>'
  [roadie_celery]='<text of in-project/celery.py>'
  [roadie_worker]='<text of in-project/worker.py>'
)
local program_in='<text of web/program.supervisor.j2>'
local jobs=(sessions '*-*-* 4:0:00
python
manage.py
clearsessions')
local programs_conf='<text of programs/programs.supervisor.j2>'

# Of two lines with the same name the later wins: the project's environment overrides the lines above, and roadie's own
# variables override that environment.
compose_environment() { # sets env_text
  env_text=''
  set_value "${root}/shared/home" HOME
  set_value "${venv_dir}/bin:/usr/local/bin:/usr/bin:/bin" PATH
  set_value "${venv_dir}" VIRTUAL_ENV
  set_value C.UTF-8 LC_ALL
  set_value 1 PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED
  add_project_environment
  set_value "${settings_module}" DJANGO_SETTINGS_MODULE
  add_import_path overlay "${import_places[@]}"
  set_value "${work_dir}" ROADIE_WORK_DIR
  set_value "${release_dir}/static" ROADIE_STATIC_ROOT
  set_value "${root}/shared/media" ROADIE_MEDIA_ROOT
}

tell_environment() { # for a dry run: compares with the release that serves, as if its folders were this release's
  local name now='' venv=''
  live_release name
  compose_environment
  [[ -z ${name} ]] || contents_of "${root}/releases/${name}/env" now 2>/dev/null
  [[ -z ${name} ]] || venv=$(readlink -f -- "${root}/releases/${name}/venv") || :
  now=${now//"${root}/releases/${name:-none}/"/"${release_dir}/"}
  tell_variables "${now//"${venv:-none}"/"${venv_dir}"}" "${env_text}"
}

# A release keeps its own list of health pages. A rollback asks these pages, not the pages of today's settings.
write_health() {
  printf '%s\n' "${health[@]}" >"${release_dir}/health"
}

# Usually the release that serves has the same modules. Then this release gets hard links to them and to their bytecode. Otherwise
# the modules are written, and compiled by the Python that the release's virtualenv was made with.
write_modules() {
  remove_if_there "${release_dir}/overlay"
  if serve_already; then
    cp -al -- "${root}/live/release/overlay" "${release_dir}/overlay"
  else
    write_modules_anew
  fi
}

serve_already() { # whether the release that serves has exactly these modules
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
  "${base_python}" -I -S -c "${compile_py}" "${release_dir}"/overlay/*.py
}

name_secrets() { # stores the secrets under names of env_names: that are newer than the last bootstrap
  ensure_secret ROADIE_SECRET_KEY lost_secret "${secret_key_names[@]}"
  [[ -n ${makes_database} ]] || return 0
  ensure_secret ROADIE_DATABASE_URL lost_secret "${database_url_names[@]}"
  ensure_password some_password "${db_password_names[@]}"
}

some_password() { # prints the password of the database; if the database has none, a new one, as the project may insist on one
  local password
  password=$(recorded_password)
  printf %s "${password:-$(random_hex 20)}"
}

lost_secret() {
  fail 'secrets' "${root}/shared/secrets lacks one that bootstrap made; run fab bootstrap, then deploy again"
}

# Drops each option that the project's gunicorn.conf.py sets: on the command line the option would override that file.
write_program() {
  local text=${program_in} own='' setting
  # The project may have a link there, which leads anywhere.
  [[ ! -e ${work_dir}/gunicorn.conf.py ]] || own=$(text_of "$(realpath -e -- "${work_dir}/gunicorn.conf.py")") || :
  for setting in workers worker_class threads timeout worker_tmp_dir; do
    [[ $'\n'${own} =~ $'\n'"${setting}"[[:space:]]*= ]] || continue
    [[ ! ${text} =~ \ --${setting//_/-}\ [^\ ]+ ]] || text=${text/"${BASH_REMATCH[0]}"/}
  done
  printf '%s\n' "${text}" >"${release_dir}/program.in"
}

write_programs() { # the site's programs besides the web process; without any there is no programs.conf
  remove_if_there "${release_dir}/programs.conf"
  [[ -z ${programs_conf} ]] || printf '%s\n' "${programs_conf//@RELEASE_DIR@/${release_dir}}" >"${release_dir}/programs.conf"
}

write_jobs() { # writes a file for each periodic command, with its time and its words; see cron/words.sh
  local i
  remove_if_there "${release_dir}/cron"
  mkdir -m 750 -- "${release_dir}/cron"
  for ((i = 0; i < ${#jobs[@]}; i += 2)); do
    printf '%s\n' "${jobs[i + 1]}" >"${release_dir}/cron/${jobs[i]}"
  done
}

lay_out_settings() {
  umask 027
  compose_environment
  printf '%s' "${env_text}" >"${release_dir}/env.new"
  write_health
  write_modules
  write_program
  write_programs
  write_jobs
  ln -sfn -- "../../venvs/${venv_dir##*/}" "${release_dir}/venv"
  umask 022
  chown -R -- "root:${app}" "${release_dir}/env.new" "${release_dir}/overlay" "${release_dir}/program.in" "${release_dir}/cron"
  # Last: while the release has no `env`, `launch` starts its process with the environment of the release that serves.
  mv -T -- "${release_dir}/env.new" "${release_dir}/env"
}

name_secrets
if [[ -n ${dry_run} ]]; then tell_environment; fi
change "settings of ${release}" lay_out_settings
