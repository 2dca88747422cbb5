# The words for the site's database, as root over the server's socket: questions, dumps, and the way back to one. Plain bash, no Jinja.

database_socket=/run/mysqld/mysqld.sock database_collation=utf8mb4_unicode_ci
dumps=/var/backups/roadie/dumps/${app} half_restored=${state}/restoring-${app}
# One line for each migration that a run began and did not finish, and that the database could not undo: its name,
# the dump from before it, and the statement that failed. It outlives a power cut.
half_applied=${state}/migrating-${app}
packet=1073741824 # larger than any row; the server's own limit is raised only while a dump is loaded

client() { # ARGUMENT...: SQL on standard input, answers as bare lines
  # MariaDB's would speak TLS over its own socket too, which takes four times as long.
  # What either takes for a command of its own (\!, system) would run as root of the host: not from a dump.
  local binary=(mariadb) options=(--skip-ssl --loose-sandbox)
  command -v mariadb >/dev/null || binary=(mysql) options=(--loose-skip-system-command)
  "${binary[@]}" "$@" "${options[@]}" --protocol=socket --socket="${database_socket}" --batch --raw --skip-column-names
}

as_root() { # SQL: where root needs no password
  client --user=root <<<"$1"
}

applied_now() { # prints the migrations that are recorded in it, sorted; fails where there is no such record
  as_root "SELECT CONCAT(app, '.', name) FROM \`${app}\`.django_migrations;" 2>/dev/null | LC_ALL=C sort -u
}

database_kb() { # prints what its tables take; nothing if it has none
  as_root "SELECT CEIL(SUM(data_length + index_length) / 1024) FROM information_schema.tables
    WHERE table_schema = '${app}' HAVING COUNT(*) > 0;"
}

# ---- Dumps: whole and on disk, or not there ---------------------------------------------------------------------------

name_dump() { # BEFORE_WHAT: sets dump to the path of one that is made now
  printf -v dump '%s/%(%Y%m%dT%H%M%SZ)T-before-%s.sql.gz' "${dumps}" -1 "$1"
}

# In a shell of its own, so that one that is told to stop takes its half away.
dump_database() ( # FILE
  umask 077
  local new=$1.new folder=${1%/*} kb
  mkdir -p -- "${folder}"
  rm -f -- "${folder}"/*.new # of a run that was killed
  kb=$(database_kb) || refuse_dump "${new}"
  # By the size of the tables: what cannot be compressed takes that much, and a full disk would stop the database.
  require_room "$((${kb:-0} + 10240))" "dump of database ${app}" "${folder}"
  trap 'rm -f -- "${new}"; exit 143' TERM
  say_database | nice gzip -1 >"${new}" || refuse_dump "${new}"
  # Beside it, what a way back must know: the migrations it holds, and those that were half applied.
  { applied_now || :; sed 's/\t.*//; s/^/half /' -- "${half_applied}" 2>/dev/null || :; } >"${1%.sql.gz}.applied"
  sync -- "${new}" "${1%.sql.gz}.applied"
  mv -fT -- "${new}" "$1"
  sync -- "${folder}"
)

say_database() { # as of one instant, while the site goes on
  local binary=(mariadb-dump --skip-ssl)
  # Where it keeps a log of transactions, MySQL would refuse to load a dump that names them.
  command -v mariadb-dump >/dev/null || binary=(mysqldump --set-gtid-purged=OFF)
  nice "${binary[@]}" --user=root --protocol=socket --socket="${database_socket}" --single-transaction --quick \
    --routines --triggers --events --hex-blob --default-character-set=utf8mb4 --max-allowed-packet="${packet}" "${app}"
}

refuse_dump() { # NEW
  local why
  why=$(cause '^(mariadb-dump|mysqldump|gzip): |^ERROR')
  ! disk_is_full || why=''
  rm -f -- "$1"
  fail "dump of database ${app}" "${why:-it ended half way}; nothing of it is kept"
}

# ---- Back to a dump -----------------------------------------------------------------------------------------------------

restore_dump() { # FILE: afterwards the database holds what the dump holds, and nothing else
  local tables found charset
  [[ -f $1 ]] || fail "dump $1" 'there is no such file on this host'
  tables=$(count_tables_of "$1")
  [[ -n ${tables} ]] || fail "dump $1" 'it is not whole; the database was left as it is'
  put_file "${half_restored}" 600 root:root "$1"
  charset=$(database_charset) || fail "database ${app}" "root cannot log in over ${database_socket}: $(cause ERROR)"
  empty_database "${charset:-CHARACTER SET utf8mb4 COLLATE ${database_collation}}" ||
    fail "database ${app}" "it could not be emptied, and was left as it is: $(cause ERROR)"
  went_back="the database is that of ${1##*/} now${dump:+, what it was before is in ${dump}}"
  load_dump "$1" || fail "database ${app}" "only a part of $1 is back ($(cause 'ERROR|gzip')); the dump itself is whole: run the same command again" 7
  found=$(as_root "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = '${app}' AND table_type NOT IN ('VIEW', 'SEQUENCE');")
  [[ ${found} == "${tables}" ]] || fail "database ${app}" "it has ${found} tables now, and $1 holds ${tables}; look at both" 7
  rm -f -- "${half_restored}"
}

require_whole_database() { # not one that a restore was cut in, which Django would take for nearly empty
  local file
  [[ -f ${half_restored} ]] || return 0
  contents_of "${half_restored}" file
  fail "database ${app}" "it was being brought back to a dump, and that was cut; finish it first: fab migrate --restore-dump ${file}"
}

count_tables_of() { # FILE: prints how many; nothing if the dump has no end
  gzip -dc -- "$1" | grep -aE '^(CREATE TABLE `|-- Dump completed)' |
    awk '/^CREATE/ { n++ } { last = $0 } END { if (last ~ /^--/) print n + 0 }' || :
}

database_charset() { # prints what a table gets that says nothing itself
  as_root "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
    FROM information_schema.schemata WHERE schema_name = '${app}';"
}

empty_database() { # CHARSET: all of it or nothing, as the server locks every table first; rights go by its name, and stay
  as_root "SET SESSION lock_wait_timeout = 30;
    DROP DATABASE IF EXISTS \`${app}\`;
    CREATE DATABASE \`${app}\` $1;"
}

load_dump() { # FILE
  local before code=0
  before=$(as_root 'SELECT @@GLOBAL.max_allowed_packet;')
  as_root "SET GLOBAL max_allowed_packet = ${packet};"
  gzip -dc -- "$1" | client --user=root --max-allowed-packet="${packet}" "${app}" || code=$?
  as_root "SET GLOBAL max_allowed_packet = ${before};"
  return "${code}"
}
