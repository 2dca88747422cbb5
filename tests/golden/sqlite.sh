local database_url_names=(DATABASE_URL)
local password_names=()

database_url() { # the address of a file holds no secret; it stands beside those because they reach every process
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
[[ ${#password_names[@]} == 0 ]] || ensure_secret "${password_names[0]}" no_password "${password_names[@]:1}"
ensure_claim "database ${app}" "${database_claim}"
ensure_dir "${database_folder}" 700 "${app}:${app}"
[[ ! -e ${database_file} ]] || ask mode 'the database' as_owner_briefly mode || fail "database ${app}" "$(tell_no_answer)"
# Readers and a writer do not wait for each other with a log beside the file.
if [[ ${mode} == wal ]]; then ok "database ${app}"; else change "database ${app}" make_database; fi
