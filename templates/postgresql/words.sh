# The words for a database of PostgreSQL. database/words.sh lists them, and says who asks for what. Plain bash, no Jinja; the
# frame sets database_socket.
#
# Nobody has a password. The server asks the kernel which user of the host is at the other end of the socket (`peer`), and
# lets in the user of the server with the same name. So the programs that speak for the site run as the site's user of the
# host, too. Whatever an answer or a dump makes such a program do, the site could do by itself.

no_answer="no answer over ${database_socket}" database_errors='^(psql|pg_dump)[^ ]*: |^(ERROR|FATAL): '
database_log='into /var/log/postgresql'
loads_whole=1
client_seconds=90 # how long a call of a program may take; a stage that asks waits less than that

# ---- Who asks -----------------------------------------------------------------------------------------------------------

# USER DATABASE OPTIONS PROGRAM ARGUMENT...: runs a program of PostgreSQL as a user of the host and of the server. OPTIONS are
# settings of the session. Nobody can overrule them: neither the settings of a user or a database, nor a file in a HOME.
speak_as() {
  local found=(/usr/lib/postgresql/*/bin/"$4")
  timeout --foreground -k 2 "${client_seconds}" setpriv --reuid="$1" --regid="$1" --init-groups --inh-caps=-all -- \
    env -i -C / HOME=/nonexistent LC_ALL=C.UTF-8 PGHOST="${database_socket}" PGUSER="$1" PGDATABASE="$2" PGOPTIONS="$3" \
    PGCLIENTENCODING=UTF8 PGCONNECT_TIMEOUT=20 "${found[-1]}" "${@:5}" 6>&- 8>&- 9>&-
}

psql_options=(--no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --no-password) # of every call of psql

# DATABASE OPTION...: runs psql as the server's administrator. Users may make functions and operators in the schemas of a database,
# before PostgreSQL 15 also in `public` of the database `postgres`. So names in the SQL lead to pg_catalog only.
as_administrator() {
  speak_as postgres "$1" '-c search_path=pg_catalog -c statement_timeout=60s -c lock_timeout=30s' psql "${psql_options[@]}" "${@:2}" </dev/null
}

as_root() { # SQL...: each in a transaction of its own, in the database `postgres`; prints the answers as lines with tabs
  local one asked=()
  for one in "$@"; do asked+=(--command="${one}"); done
  as_administrator postgres --field-separator=$'\t' "${asked[@]}"
}

# As the site does. The site decides how much its tables, which may be views, answer. So psql fetches only some rows at a
# time, and 1 MB is enough.
as_site() { # SQL
  speak_as "${app}" "${app}" '-c statement_timeout=20s' \
    psql "${psql_options[@]}" --set=FETCH_COUNT=500 --command="$1" </dev/null | head -c 1000000
}

# ---- What the database holds ------------------------------------------------------------------------------------------

has_database_server() {
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

server_version() { # of the server that the site would use
  local file version=''
  for file in /etc/postgresql/*/*/postgresql.conf; do
    ! grep -qsE '^port *= *5432\b' -- "${file}" || version=${file#/etc/postgresql/}
  done
  if [[ -n ${version} ]]; then
    printf 'PostgreSQL %s' "${version%%/*}"
  else
    by_distribution 'debian:12=PostgreSQL 15' 'debian:13=PostgreSQL 17' 'ubuntu:22.04=PostgreSQL 14' 'ubuntu:24.04=PostgreSQL 16'
  fi
}

# The tables of the site: not those of the server, and not those that belong to an extension.
tables_of_site="FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objid = c.oid AND d.deptype = 'e')"

number_of() { # SQL: prints the number that the database answers, or nothing; fails if the answer is no number
  local answer
  answer=$(as_site "$1") || return
  [[ ${answer} =~ ^[0-9]{0,15}$ ]] || return
  printf '%s' "${answer}"
}

database_kb() {
  number_of "SELECT pg_catalog.ceil(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)) / 1024) ${tables_of_site} HAVING count(*) > 0"
}

count_tables() {
  number_of "SELECT count(*) ${tables_of_site}"
}

applied_now() {
  as_site "SELECT pg_catalog.left(app, 255) || '.' || pg_catalog.left(name, 255) FROM django_migrations LIMIT 20000" 2>/dev/null |
    LC_ALL=C sort -u
}

# ---- Dumps --------------------------------------------------------------------------------------------------------------

# An extension of the administrator keeps rows, such as those of spatial_ref_sys. They stay while a dump is loaded, and the site may
# not write them. So no dump holds them.
skip_rows_of_extensions() { # sets options to the options of pg_dump for that
  mapfile -t options < <(as_site "SELECT pg_catalog.format('--exclude-table-data=%I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_class c ON c.oid = ANY (e.extconfig)
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE pg_catalog.pg_get_userbyid(e.extowner) <> current_user")
}

cannot_dump() {
  :
}

# A dump waits for whoever changes a table, and every later change of the table waits for the dump. So the dump gives up after 30
# seconds.
say_database() (
  client_seconds=0
  local options=()
  skip_rows_of_extensions
  renice -n 10 -p "${BASHPID}" >/dev/null
  speak_as "${app}" "${app}" '' pg_dump --no-owner --no-privileges --no-subscriptions --no-tablespaces \
    --lock-wait-timeout=30000 --encoding=UTF8 --no-password "${options[@]}" </dev/null
)

# A dump is SQL. The rows of a table stand between a line COPY and a line `\.`, and may look like anything. These lines of awk skip
# the rows, so that the lines of awk after them judge only the SQL.
rows_in_dump='rows { if (keep) print; rows = ($0 != "\\."); next } /^COPY .* FROM stdin;$/ { rows = 1 }'

tables_in_dump() {
  LC_ALL=C awk "${rows_in_dump}"'
    /^CREATE (UNLOGGED )?TABLE / { n++ }
    !/^(--|\\unrestrict |$)/ { whole = 0 }
    /^-- PostgreSQL database dump complete$/ { whole = 1 }
    END { if (whole) print n + 0 }'
}

vet_dump() {
  local owners
  owners=$(LC_ALL=C awk "${rows_in_dump}"' /^ALTER .* OWNER TO .*;$/ { sub(/.* OWNER TO /, ""); sub(/;$/, ""); gsub(/"/, ""); print }' |
    head -c 10000 | grep -vxF -e "${app}" | sort -u || :)
  [[ -z ${owners} ]] ||
    fail "database ${app}" "this dump gives what is in it to ${owners//$'\n'/, }, and only ${app} has this database; the database was left as it is; dump it again there with pg_dump --no-owner --no-privileges"
}

empty_database() {
  : # load_dump empties the database itself, in the same transaction
}

# One transaction holds all of it, so that another session sees the old database or the new one. After \restrict, psql ends at the
# first command that begins with a backslash (\!, \copy, \o). pg_dump writes such a pair of lines itself, so they are left out. What
# an administrator has put into the database, such as an extension, is not the site's, and stays with its comment.
load_dump() {
  local client_seconds=0 key
  key=$(random_hex 16)
  {
    printf '%s\n' "\\restrict ${key}" "SET lock_timeout = '30s';" 'DROP OWNED BY CURRENT_USER CASCADE;' 'SET lock_timeout = 0;'
    LC_ALL=C awk -v keep=1 "${rows_in_dump}"' /^\\(un)?restrict [A-Za-z0-9]+$/ || /^COMMENT ON EXTENSION / { next } { print }'
  } | speak_as "${app}" "${app}" '-c statement_timeout=0 -c client_min_messages=warning' \
    psql "${psql_options[@]}" --single-transaction --output=/dev/null --file=-
}

database_waits() { # the administrator sees all sessions in a table of the server's own
  local client_seconds=10
  as_root "SELECT 'connection ' || pid || ' of ' || usename || CASE WHEN wait_event_type = 'Lock' THEN ' waits for a lock'
      ELSE ' uses the database (' || coalesce(state, '-') || ', ' || coalesce(extract(epoch FROM now() - state_change)::int, 0) || ' s)' END
    FROM pg_stat_activity WHERE datname = '${app}' AND EXISTS (SELECT FROM pg_stat_activity
      WHERE datname = '${app}' AND wait_event_type = 'Lock')
    ORDER BY wait_event_type = 'Lock' DESC NULLS LAST, state_change LIMIT 8" 2>/dev/null |
    paste -s -d ';' | sed 's/;/; /g'
}

# ---- The database and its user as a whole -----------------------------------------------------------------------------

database_remains() {
  as_root "SELECT 'database ' || datname FROM pg_database WHERE datname = '${app}'
    UNION ALL SELECT 'user ' || rolname FROM pg_roles WHERE rolname = '${app}'"
}

drop_database() { # ends sessions that still use the database
  as_root "DROP DATABASE IF EXISTS \"${app}\" WITH (FORCE)" "DROP ROLE IF EXISTS \"${app}\""
}
