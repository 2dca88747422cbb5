# The words for a database of MySQL or MariaDB, which is asked as root over the server's socket. database/words.sh lists
# them. Plain bash, no Jinja; the frame sets database_socket.

no_answer="root cannot log in over ${database_socket}" database_errors='^ERROR|^(mariadb-dump|mysqldump): '
database_collation=utf8mb4_unicode_ci
packet=1073741824 # larger than any row; the server's own limit is raised only while a dump is loaded
client_seconds=90 # how long a call of the client may take; a stage that asks waits less than that
pid_files+=([mariadb]=/run/mysqld/mysqld.pid [mysql]=/run/mysqld/mysqld.pid)

client() { # ARGUMENT...: runs the SQL on standard input; prints the answers as bare lines
  # MariaDB's client would use TLS over the local socket too, which takes four times as long.
  # Both clients have commands (\!, system) that run a program, here as root of the host. A dump must not be able to.
  local binary=(mariadb) options=(--skip-ssl --loose-sandbox)
  command -v mariadb >/dev/null || binary=(mysql) options=(--loose-skip-system-command)
  timeout --foreground -k 2 "${client_seconds}" "${binary[@]}" "$@" "${options[@]}" \
    --protocol=socket --socket="${database_socket}" --batch --raw --skip-column-names
}

as_root() { # SQL: over the socket, where root needs no password
  client --user=root <<<"$1"
}

has_database_server() {
  command -v mariadb mysql >/dev/null
}

database_kb() {
  as_root "SELECT CEIL(SUM(data_length + index_length) / 1024) FROM information_schema.tables
    WHERE table_schema = '${app}' HAVING COUNT(*) > 0;"
}

count_tables() {
  as_root "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = '${app}' AND table_type NOT IN ('VIEW', 'SEQUENCE');"
}

applied_now() {
  as_root "SELECT CONCAT(app, '.', name) FROM \`${app}\`.django_migrations;" 2>/dev/null | LC_ALL=C sort -u
}

say_database() {
  local binary=(mariadb-dump --skip-ssl)
  # A MySQL server with GTIDs refuses to load a dump that names transactions by their GTIDs.
  command -v mariadb-dump >/dev/null || binary=(mysqldump --set-gtid-purged=OFF)
  nice "${binary[@]}" --user=root --protocol=socket --socket="${database_socket}" --single-transaction --quick \
    --routines --triggers --events --hex-blob --default-character-set=utf8mb4 --max-allowed-packet="${packet}" "${app}"
}

tables_in_dump() {
  grep -aE '^(CREATE TABLE `|-- Dump completed)' |
    awk '/^CREATE/ { n++ } { last = $0 } END { if (last ~ /^--/) print n + 0 }'
}

empty_database() { # the server locks every table before it drops one; rights stay, as they go by the database's name
  local charset client_seconds=3600
  charset=$(database_charset) || return
  as_root "SET SESSION lock_wait_timeout = 30;
    DROP DATABASE IF EXISTS \`${app}\`;
    CREATE DATABASE \`${app}\` ${charset:-CHARACTER SET utf8mb4 COLLATE ${database_collation}};"
}

database_charset() { # prints the charset and collation of new tables
  as_root "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM information_schema.schemata WHERE schema_name = '${app}';"
}

load_dump() { # takes as long as the dump is large
  local before code=0 client_seconds=0
  before=$(as_root 'SELECT @@GLOBAL.max_allowed_packet;')
  as_root "SET GLOBAL max_allowed_packet = ${packet};"
  client --user=root --max-allowed-packet="${packet}" "${app}" || code=$?
  as_root "SET GLOBAL max_allowed_packet = ${before};"
  return "${code}"
}

database_waits() {
  local client_seconds=10
  as_root "SELECT IF(state LIKE 'Waiting for%lock', 0, 1) AS uses, CONCAT('connection ', id, ' of ', user,
      IF(state LIKE 'Waiting for%lock', ' waits for a lock', CONCAT(' uses the database (', LOWER(command), ', ', time, ' s)')))
    FROM information_schema.processlist WHERE db = '${app}' AND EXISTS (SELECT 1 FROM information_schema.processlist
      WHERE db = '${app}' AND state LIKE 'Waiting for%lock') ORDER BY uses, time DESC LIMIT 8;" 2>/dev/null |
    cut -f 2 | paste -s -d ';' | sed 's/;/; /g'
}

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
