find_database() { # sets answer to what the server has of the site's own
  answer=$(as_root "SELECT CONCAT('database ', schema_name) FROM information_schema.schemata WHERE schema_name = '${app}'
    UNION SELECT CONCAT('user ', user) FROM mysql.user WHERE user = '${app}' AND host = 'localhost';") ||
    fail "database ${app}" "root cannot log in over ${database_socket}: $(cause ERROR); start the server, and run the same command again"
}

drop_database() { # one that still works on a table is waited for, but not for ever
  as_root "SET SESSION lock_wait_timeout = 60;
    DROP DATABASE IF EXISTS \`${app}\`;
    DROP USER IF EXISTS '${app}'@'localhost';" || fail "database ${app}" "$(cause ERROR)"
}

is_claimed database || return 0
local answer
if ! command -v mariadb mysql >/dev/null; then
  say warn "database ${app}" 'there is no database server on this host any more; its files, if there are some, are not touched'
  return 0
fi
find_database
if [[ -z ${answer} ]]; then ok "no database ${app}"; else change "no database ${app}" drop_database; fi
