local drop_in='<text of postgresql/unit.conf.j2>'
local database_url_names=(DATABASE_URL)
local password_names=()
local web_workers=8
local threads_of_each=4

database_url() { # the query, not the address, names the socket: each parser of such URLs understands that
  printf 'postgresql://%s@/%s?host=%s' "${app}" "${app}" "${database_socket}"
}

unused_password() { # for a project that insists on one
  random_hex 20
}

# Debian's unit `postgresql` stands for those of all servers of the host, and is up when they are down.
start_server() {
  local version='' name='' port rest
  while read -r version name port rest; do
    [[ ${port} != 5432 ]] || break
  done < <(pg_lsclusters --no-header)
  [[ ${port-} == 5432 ]] || fail 'server of PostgreSQL' 'none of this host listens at port 5432; see pg_lsclusters; pg_createcluster makes one'
  systemctl start "postgresql@${version}-${name}" || fail 'server of PostgreSQL' "it does not start; see: journalctl -u postgresql@${version}-${name}"
}

ask_as_root() { # sets facts to what the server says of the database and of its user
  facts=''
  compgen -G '/usr/lib/postgresql/*/bin/psql' >/dev/null || return 1
  ask facts 'the database' as_root "SELECT 'server', current_setting('max_connections'), '', true
    UNION ALL SELECT 'database', pg_encoding_to_char(encoding), pg_get_userbyid(datdba), datallowconn AND NOT EXISTS (
      SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0) FROM pg_database WHERE datname = '${app}'
    UNION ALL SELECT 'user', rolcanlogin::text, rolconnlimit::text, NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
      FROM pg_roles WHERE rolname = '${app}'"
}

judge_facts() { # sets encoding, database_ok, user_ok, and how many connections the user is to have
  local what one two three
  while IFS=$'\t' read -r what one two three; do
    case ${what} in
      server) connections=$(connections_of_site "${one}" "${useful}") ;;
      database)
        encoding=${one}
        [[ ${one} != UTF8 || ${two} != "${app}" || ${three} != t ]] || database_ok=1
        ;;
      user)
        [[ ${one} != true || ${two} != "${connections}" ]] || user_ok=1
        [[ ${three} == t ]] || say warn "database user ${app}" 'has more rights than its own database needs; given by hand, so left alone'
        ;;
      *) ;;
    esac
  done <<<"${facts}"
}

make_database_user() {
  as_root "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${app}') THEN CREATE ROLE \"${app}\"; END IF; END \$\$" \
    "ALTER ROLE \"${app}\" LOGIN CONNECTION LIMIT ${connections}" || fail "database user ${app}" "$(cause "${database_errors}")"
}

# The order of texts is that of their code points, upon which no upgrade of the system can break an index. A column can have
# another one (db_collation). template0 is the one template that no user can put something into.
make_database() {
  [[ -n ${encoding} ]] || as_root "CREATE DATABASE \"${app}\" OWNER \"${app}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'" ||
    fail "database ${app}" "$(cause "${database_errors}")"
  as_root "ALTER DATABASE \"${app}\" WITH ALLOW_CONNECTIONS true" "ALTER DATABASE \"${app}\" OWNER TO \"${app}\"" \
    "REVOKE ALL ON DATABASE \"${app}\" FROM PUBLIC" || fail "database ${app}" "$(cause "${database_errors}")"
}

require_login() {
  local answer
  ask answer 'the database' as_site 'SELECT 1' ||
    fail "database user ${app}" "cannot log in over the socket ($(cause "${database_errors}")); the file pg_hba.conf of the server must let it in by peer, as Debian's does: local all all peer"
}

require_site
ensure_unit "${postgresql_drop_ins}" "${drop_in}"
host_unlock
local useful=$((2 * web_workers * threads_of_each + 16)) facts='' encoding='' database_ok='' user_ok='' connections=''
ensure_service postgresql
ensure_secret ROADIE_DATABASE_URL database_url "${database_url_names[@]}"
[[ -n ${dry_run} || $(secret_value ROADIE_DATABASE_URL) == "$(database_url)" ]] ||
  fail 'secret ROADIE_DATABASE_URL' "its value in ${root}/shared/secrets is not as roadie wrote it; put that value back, or remove its lines"
[[ ${#password_names[@]} == 0 ]] || ensure_secret "${password_names[0]}" unused_password "${password_names[@]:1}"
if ! ask_as_root; then
  if has_database_server; then change_within 120 'server of PostgreSQL' start_server; fi
  [[ -n ${dry_run} ]] || ask_as_root ||
    fail postgresql "${no_answer}: $(cause "${database_errors}"); is the server running, and may the user postgres log in by peer?"
fi
if [[ -z ${facts} ]] && is_claimed "${database_claim}"; then
  return 0 # a dry run cannot ask a server that is down
fi
judge_facts
if is_claimed "${database_claim}"; then
  ok "claim of database ${app}"
else
  [[ ! ${facts} =~ (^|$'\n')(database|user)$'\t' ]] ||
    fail postgresql "a database or a user ${app} is there already, and roadie did not make it; choose another app:, or take it away by hand"
  change "claim of database ${app}" claim "${database_claim}"
fi
[[ -z ${encoding} || ${encoding} == UTF8 ]] ||
  fail "database ${app}" "its encoding is ${encoding} and must be UTF8; dump it, drop it, and run the same command again"
if [[ -n ${user_ok} ]]; then ok "database user ${app}"; else change "database user ${app}" make_database_user; fi
if [[ -n ${database_ok} ]]; then ok "database ${app}"; else change "database ${app}" make_database; fi
[[ -n ${dry_run} ]] || require_login
