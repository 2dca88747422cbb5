# The words for the environment of a release. Plain bash, no Jinja.

env_text='' # lines NAME='value'; of two lines with the same name the later wins

set_value() { # VALUE NAME...: adds lines to env_text
  local name
  for name in "${@:2}"; do
    env_text+="${name}=${1@Q}"$'\n'
  done
}

add_import_path() { # FOLDER...: has Python find modules in these folders of the release
  local IFS=:
  [[ $# == 0 ]] || set_value "${*/#/"${release_dir}/"}" PYTHONPATH
}

# Adds to env_text the variables, but no secrets, that the project's settings may look for. The setting `env` overrides roadie's
# values.
add_project_environment() {
  local origins i
  set_value False "${debug_names[@]}"
  set_value "$(joined "${domains[@]#'*'}")" "${allowed_hosts_names[@]}"
  origins=("${domains[@]/#/https://}" "${domains[@]/#/http://}")
  set_value "$(joined "${origins[@]}")" "${csrf_trusted_origins_names[@]}"
  set_value "${release_dir}/static" "${static_root_names[@]}"
  set_value "${root}/shared/media" "${media_root_names[@]}"
  set_value "${database_name}" "${db_name_names[@]}"
  set_value "${database_user}" "${db_user_names[@]}"
  set_value "${database_socket}" "${db_socket_names[@]}"
  [[ -z ${has_redis} ]] || set_redis
  for ((i = 0; i < ${#environment[@]}; i += 2)); do
    set_value "${environment[i + 1]}" "${environment[i]}"
  done
}

# The cache (database 0), the queue (1) and REDIS_URL (2) each have a database of their own, so that nobody who empties the cache
# empties the queue. Celery has a form of its own for the address of a socket. Libraries that read CACHE_URL take a redis:// URL
# without a host as the address of a socket.
set_redis() {
  set_value "redis://${redis_socket}" "${cache_url_names[@]}"
  set_value "redis+socket://${redis_socket}?virtual_host=1" "${celery_broker_url_names[@]}"
  set_value "unix://${redis_socket}?db=2" "${redis_url_names[@]}"
}

joined() { # WORD...: prints the words with commas between them
  local IFS=,
  printf '%s' "$*"
}
