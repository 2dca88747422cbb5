local drop_in='<text of postgresql/unit.conf.j2>'
local scheme=postgresql
local extension=''
local database_url_names=(DATABASE_URL)
local password_names=()
local web_workers=8
local threads_of_each=4
local useful_connections=$((2 * web_workers * threads_of_each + 16))

database_url() { # the query of the URL names the socket, as every parser of such URLs understands that
  printf '%s://%s@/%s?host=%s' "${scheme}" "${app}" "${app}" "${database_socket}"
}

ensure_scheme_of_url() { # the project may ask for another scheme than before
  local url
  url=$(secret_value ROADIE_DATABASE_URL)
  [[ ${url} =~ ^(postgresql|postgres|postgis)://(.*)$ && ${url} != "$(database_url)" ]] || return 0
  [[ $(database_url) != *"://${BASH_REMATCH[2]}" ]] || change 'scheme of ROADIE_DATABASE_URL' change_secret "${url}" "$(database_url)"
}

unused_password() { # for a project that insists on one
  random_hex 20
}

# Debian's unit `postgresql` stands for the units of all servers on the host. It is up even if all servers are down.
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
      server) connections=$(connections_of_site "${one}") ;;
      database)
        encoding=${one}
        [[ ${one} != UTF8 || ${two} != "${app}" || ${three} != t ]] || database_ok=1
        ;;
      user)
        [[ ${one} != true || ${two} != "${connections}" ]] || user_ok=1
        [[ ${three} == t ]] || say warn "database user ${app}" 'has more rights than its own database needs; somebody gave them by hand, so roadie leaves them'
        ;;
      *) ;;
    esac
  done <<<"${facts}"
}

refuse_taken_database() {
  [[ ! ${facts} =~ (^|$'\n')(database|user)$'\t' ]] ||
    fail postgresql "a database or a user ${app} is there already, and roadie did not make it; choose another app:, or remove it by hand"
}

make_database_user() {
  as_root "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${app}') THEN CREATE ROLE \"${app}\"; END IF; END \$\$" \
    "ALTER ROLE \"${app}\" LOGIN CONNECTION LIMIT ${connections}" || fail "database user ${app}" "$(tell_error)"
}

# With the locale C.UTF-8, texts are ordered by their code points, so no upgrade of the system can break an index. A column can have
# another order (db_collation). template0 is the only template that no user can put something into.
make_database() {
  [[ -n ${encoding} ]] || as_root "CREATE DATABASE \"${app}\" OWNER \"${app}\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'" ||
    fail "database ${app}" "$(tell_error)"
  as_root "ALTER DATABASE \"${app}\" WITH ALLOW_CONNECTIONS true" "ALTER DATABASE \"${app}\" OWNER TO \"${app}\"" \
    "REVOKE ALL ON DATABASE \"${app}\" FROM PUBLIC" || fail "database ${app}" "$(tell_error)"
}

# Only the administrator may make such an extension, and its script runs as the administrator. So roadie makes an extension only
# while nobody has made anything in the database.
ensure_extension() {
  local answer=''
  if [[ -n ${encoding} || -z ${dry_run} ]]; then
    ask answer 'the database' as_root_in_site "SELECT coalesce((SELECT 'there' FROM pg_extension WHERE extname = '${extension}'),
      (SELECT 'used' FROM (SELECT oid FROM pg_class UNION ALL SELECT oid FROM pg_proc UNION ALL SELECT oid FROM pg_operator
        UNION ALL SELECT oid FROM pg_type UNION ALL SELECT oid FROM pg_namespace UNION ALL SELECT oid FROM pg_cast) AS made
        WHERE oid >= 16384 LIMIT 1), 'new')" || fail "extension ${extension}" "$(cause "${database_errors}")"
  fi
  case ${answer} in
    there) ok "extension ${extension}" ;;
    used) fail "extension ${extension}" "the project needs it, and the database is in use without it; make it on the host: sudo -u postgres psql ${app} -c \"CREATE EXTENSION ${extension}\"" ;;
    *) change "extension ${extension}" make_extension ;;
  esac
}

make_extension() {
  as_root_in_site "CREATE EXTENSION IF NOT EXISTS ${extension} SCHEMA public" || fail "extension ${extension}" "$(cause "${database_errors}")"
}

as_root_in_site() { # SQL
  as_administrator "${app}" --command="$1"
}

require_login() {
  local answer
  ask answer 'the database' as_site 'SELECT 1' ||
    fail "database user ${app}" "cannot log in over the socket ($(cause "${database_errors}")); the file pg_hba.conf of the server must let it in by peer, as Debian's does: local all all peer"
}

require_site
ensure_unit "${postgresql_drop_ins}" "${drop_in}"
host_unlock
local facts='' encoding='' database_ok='' user_ok='' connections=''
ensure_service postgresql
ensure_secret ROADIE_DATABASE_URL database_url "${database_url_names[@]}"
ensure_scheme_of_url
[[ -n ${dry_run} || $(secret_value ROADIE_DATABASE_URL) == "$(database_url)" ]] ||
  fail 'secret ROADIE_DATABASE_URL' "its value in ${root}/shared/secrets is not as roadie wrote it; put that value back, or remove its lines"
ensure_password unused_password "${password_names[@]}"
if ! ask_as_root; then
  if has_database_server; then change_within 120 'server of PostgreSQL' start_server; fi
  [[ -n ${dry_run} ]] || ask_as_root ||
    fail postgresql "${no_answer}: $(cause "${database_errors}"); is the server running, and may the user postgres log in by peer?"
fi
if [[ -z ${facts} ]] && is_claimed "${database_claim}"; then
  return 0 # a dry run cannot ask a server that is down
fi
judge_facts
ensure_claim "database ${app}" "${database_claim}" refuse_taken_database
[[ -z ${encoding} || ${encoding} == UTF8 ]] ||
  fail "database ${app}" "its encoding is ${encoding} and must be UTF8; dump it, drop it, and run the same command again"
if [[ -n ${user_ok} ]]; then ok "database user ${app}"; else change "database user ${app}" make_database_user; fi
if [[ -n ${database_ok} ]]; then ok "database ${app}"; else change "database ${app}" make_database; fi
[[ -n ${dry_run} ]] || require_login
[[ -z ${extension} ]] || ensure_extension
