remove_database() {
  drop_database || fail "database ${app}" "$(tell_error)"
}

is_claimed "${database_claim}" || return 0
local remains
if ! has_database_server; then
  say warn "database ${app}" 'this host has no database server any more; if it left files of the database, roadie does not touch them'
  return 0
fi
ask remains 'the database' database_remains ||
  fail "database ${app}" "${no_answer}: $(cause "${database_errors}"); start the server, and run the same command again"
if [[ -z ${remains} ]]; then ok "no database ${app}"; else change "no database ${app}" remove_database; fi
