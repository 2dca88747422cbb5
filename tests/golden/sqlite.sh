local database_url_names=(DATABASE_URL)
local password_names=()

database_url() { # this URL holds no secret; it stands among the secrets because they reach every process
  printf 'sqlite:///%s' "${database_file}"
}

no_password() {
  :
}

make_database() {
  as_owner make </dev/null || fail "database ${app}" "$(tell_error)"
}

require_site
local mode=''
ensure_secret ROADIE_DATABASE_URL database_url "${database_url_names[@]}"
ensure_password no_password "${password_names[@]}"
ensure_claim "database ${app}" "${database_claim}"
ensure_dir "${database_folder}" 700 "${app}:${app}"
[[ ! -e ${database_file} ]] || ask mode 'the database' as_owner_briefly mode || fail "database ${app}" "$(tell_no_answer)"
# With a write-ahead log beside the file, readers and a writer do not wait for each other.
if [[ ${mode} == wal ]]; then ok "database ${app}"; else change "database ${app}" make_database; fi
