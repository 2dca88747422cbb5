# The words for a database of MySQL or MariaDB. database/words.sh lists them, and says who asks for what. Plain bash, no
# Jinja; the frame sets database_socket.

no_answer="no answer over ${database_socket}" database_errors='^ERROR|^(mariadb-dump|mysqldump): '
database_log='at: journalctl -u mariadb -u mysql'
loads_whole='' # the server makes and drops tables one by one
# The collation is the server's own for this charset. A connection has it too, and MySQL refuses to compare texts of two collations.
database_charset=utf8mb4
time_zones_file=${state}/mysql-time-zones # the version of the zones that the server's tables are filled with
packet=1073741824 # larger than any row; the server's own limit is raised only while a dump is loaded
client_seconds=90 # how long a call of the client may take; a stage that asks waits less than that
pid_files+=([mariadb]=/run/mysqld/mysqld.pid [mysql]=/run/mysqld/mysqld.pid)

# ---- Who asks -----------------------------------------------------------------------------------------------------------

client() { # ARGUMENT...: runs the SQL on standard input; prints the answers as bare lines
  # MariaDB's client would use TLS over the local socket too, which takes four times as long.
  # The client has commands that run a program or write a file (\!, system, tee), here as root of the host, and would send
  # the server a file of the host that LOAD DATA LOCAL names. A dump must not be able to do either.
  local program=mariadb options=(--skip-ssl)
  command -v mariadb >/dev/null || program=mysql options=()
  timeout --foreground -k 2 "${client_seconds}" "${program}" "$@" "${options[@]}" --binary-mode --local-infile=0 \
    --protocol=socket --socket="${database_socket}" --batch --raw --skip-column-names
}

# Over the socket, where root needs no password. A statement of root names the server's own tables, and the database and
# the user as a whole. It names nothing inside the database: the site could have put code there, which would run as root.
as_root() { # SQL
  client --user=root <<<"$1"
}

# As the site does. Without --user, an empty password would log root in.
# The site decides how much its tables, which may be views, answer. So the client keeps nothing in memory, and 1 MB is enough.
as_site() { # SQL
  client --defaults-file=<(site_login) --user="${app}" --quick <<<"$1" | head -c 1000000
}

site_login() { # prints an option file with the password of the site's user, so that no command line holds the password
  local site_password=''
  ask_password || :
  printf '[client]\npassword="%s"\ndefault-character-set=utf8mb4\n' "${site_password}"
}

ask_password() { # sets site_password from the recorded URL; empty if there is none; fails if roadie did not write the URL
  local url
  site_password=''
  url=$(secret_value ROADIE_DATABASE_URL)
  [[ -n ${url} ]] || return 0
  [[ ${url} =~ ^mysql://"${app}":([A-Za-z0-9-]+)@localhost/ ]] || return 1
  site_password=${BASH_REMATCH[1]}
}

# ---- What the database holds ------------------------------------------------------------------------------------------

has_database_server() {
  command -v mariadb mysql >/dev/null
}

server_version() {
  local said=''
  if hash mariadbd 2>/dev/null; then
    said=$(mariadbd --no-defaults --version)
    printf 'MariaDB %s' "$(version_said "${said}")"
  elif hash mysqld 2>/dev/null; then
    said=$(mysqld --no-defaults --version)
    printf 'MySQL %s' "$(version_said "${said}")"
  else
    by_distribution 'debian:12=MariaDB 10.11' 'debian:13=MariaDB 11.8' 'ubuntu:22.04=MySQL 8.0.36' 'ubuntu:24.04=MySQL 8.0.36'
  fi
}

version_said() { # TEXT: prints the version that follows `Ver`
  [[ ! $1 =~ Ver\ ([0-9.]+) ]] || printf %s "${BASH_REMATCH[1]}"
}

database_kb() {
  as_site "SELECT COALESCE(CEIL(SUM(data_length + index_length) / 1024), 0) FROM information_schema.tables
    WHERE table_schema = '${app}' HAVING COUNT(*) > 0;"
}

count_tables() {
  as_site "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = '${app}' AND table_type NOT IN ('VIEW', 'SEQUENCE');"
}

applied_now() {
  as_site "SELECT CONCAT(LEFT(app, 255), '.', LEFT(name, 255)) FROM \`${app}\`.django_migrations LIMIT 20000;" 2>/dev/null |
    LC_ALL=C sort -u
}

# ---- Dumps --------------------------------------------------------------------------------------------------------------

cannot_dump() {
  :
}

say_database() {
  local program=mariadb-dump options=(--skip-ssl)
  # A MySQL server with GTIDs refuses to load a dump that names transactions by their GTIDs.
  command -v mariadb-dump >/dev/null || program=mysqldump options=(--set-gtid-purged=OFF)
  # Only an administrator may ask MySQL for tablespaces. The site cannot make any.
  nice "${program}" --defaults-file=<(site_login) --user="${app}" "${options[@]}" --protocol=socket \
    --socket="${database_socket}" --single-transaction --quick --no-tablespaces --routines --triggers --events \
    --hex-blob --default-character-set=utf8mb4 --max-allowed-packet="${packet}" "${app}"
}

tables_in_dump() {
  grep -aE '^(CREATE TABLE `|-- Dump completed)' |
    awk '/^CREATE/ { n++ } { last = $0 } END { if (last ~ /^--/) print n + 0 }'
}

# How a dump begins a view, a trigger, a routine or an event. The line names the user with whose rights the object would run. No
# line with rows of a table begins so.
quoted_name='(`([^`]|``)*`|"[^"]*")'
definer_in_dump="^(CREATE |/\\*![M0-9]+ (CREATE[^*]*\\*/ /\\*![M0-9]+ )?)DEFINER=${quoted_name}@${quoted_name}"

vet_dump() {
  local found others
  found=$(LC_ALL=C grep -aoE "${definer_in_dump}.{0,40}" || :)
  others=$(sed -E "s#${definer_in_dump}.*#\\3@\\5#; s/[\`\"]//g" <<<"${found}" |
    grep -vxF -e "${app}@localhost" -e "" | sort -u || :)
  [[ -z ${others} ]] || say warn "database ${app}" "views, triggers, routines and events of ${others//$'\n'/, } in this dump become those of ${app}@localhost, and run with the rights of that user"
  if [[ ${found} =~ \ (TRIGGER|FUNCTION)\  ]] && needs_root_for_triggers; then
    fail "database ${app}" "this dump has triggers or functions, and a server with log_bin lets only its administrator make them; the database was left as it is; set log_bin_trust_function_creators = 1 in the configuration of the server, and run the same command again"
  fi
}

needs_root_for_triggers() {
  [[ $(as_site 'SELECT @@log_bin AND NOT @@log_bin_trust_function_creators;') == 1 ]]
}

empty_database() { # the server locks every table before it drops one; rights stay, as they belong to the database's name
  local charset client_seconds=3600
  charset=$(charset_and_collation) || return
  as_site "SET SESSION lock_wait_timeout = 30;
    DROP DATABASE IF EXISTS \`${app}\`;
    CREATE DATABASE \`${app}\` ${charset:-CHARACTER SET ${database_charset}};"
}

charset_and_collation() { # prints the charset and collation of new tables
  as_site "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM information_schema.schemata WHERE schema_name = '${app}';"
}

# Leaves out the definers, so that all of the dump becomes the site's own: the server lets the site make nothing in the name of
# another user. A large dump takes long.
load_dump() {
  local before code=0 client_seconds=0
  before=$(as_root 'SELECT @@GLOBAL.max_allowed_packet;')
  as_root "SET GLOBAL max_allowed_packet = ${packet};"
  LC_ALL=C sed -E "s#${definer_in_dump}#\\1#" |
    client --defaults-file=<(site_login) --user="${app}" --max-allowed-packet="${packet}" "${app}" || code=$?
  as_root "SET GLOBAL max_allowed_packet = ${before};"
  return "${code}"
}

database_waits() { # root sees all connections in a table of the server's own
  local client_seconds=10
  as_root "SELECT IF(state LIKE 'Waiting for%lock', 0, 1) AS uses, CONCAT('connection ', id, ' of ', user,
      IF(state LIKE 'Waiting for%lock', ' waits for a lock', CONCAT(' uses the database (', LOWER(command), ', ', time, ' s)')))
    FROM information_schema.processlist WHERE db = '${app}' AND EXISTS (SELECT 1 FROM information_schema.processlist
      WHERE db = '${app}' AND state LIKE 'Waiting for%lock') ORDER BY uses, time DESC LIMIT 8;" 2>/dev/null |
    cut -f 2 | paste -s -d ';' | sed 's/;/; /g'
}

# ---- The database and its user as a whole -----------------------------------------------------------------------------

database_remains() {
  as_root "SELECT CONCAT('database ', schema_name) FROM information_schema.schemata WHERE schema_name = '${app}'
    UNION SELECT CONCAT('user ', user) FROM mysql.user WHERE user = '${app}' AND host = 'localhost';"
}

drop_database() { # waits for sessions that still use a table, but no longer than 60 seconds for a lock
  local client_seconds=3600
  as_root "SET SESSION lock_wait_timeout = 60;
    DROP DATABASE IF EXISTS \`${app}\`;
    DROP USER IF EXISTS '${app}'@'localhost';"
}
