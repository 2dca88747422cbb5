# The words for a database in a file, of SQLite. database/words.sh lists them, and says who asks for what. Plain bash, no
# Jinja; the frame sets database_py, which is file.py.
#
# The folder is the site's own, so anything may stand in the file's place: a link, a FIFO, a database of terabytes. Only the
# site's user opens a file there, with Debian's Python, and root gets what comes through a pipe. There is no server and no
# password.

database_folder=${root}/shared/database database_file=${root}/shared/database/db.sqlite3
no_answer="${app} cannot read ${database_file}" database_errors='^sqlite: '
database_log="at ${database_folder} and the free room of its disk"
loads_whole=1 # load_dump is one transaction

as_owner() { # WORD: has file.py, as the site's user, do what WORD says
  through_pipes as_user_plainly "${app}" / python3 -I -S -c "${database_py}" "$1" "${database_file}"
}

# WORD: like as_owner, but without input, and with 1 MB of output at most: the site's tables may be views that answer without end.
as_owner_briefly() {
  as_owner "$1" </dev/null | head -c 1000000
}

has_database_server() {
  command -v python3 >/dev/null
}

server_version() { # each Python has its own SQLite; the distribution's Python may not be installed yet
  local version
  if version=$("${base_python}" -I -S -c 'import sqlite3; print(sqlite3.sqlite_version)' 2>/dev/null); then
    printf 'SQLite %s' "${version}"
  elif [[ ${base_python} == python3 ]]; then
    by_distribution 'debian:12=SQLite 3.40.1' 'debian:13=SQLite 3.46.1' 'ubuntu:22.04=SQLite 3.37.2' 'ubuntu:24.04=SQLite 3.45.1'
  fi
}

database_kb() {
  as_owner_briefly kb
}

count_tables() {
  as_owner_briefly tables
}

applied_now() {
  as_owner_briefly applied 2>/dev/null | LC_ALL=C sort -u
}

cannot_dump() {
  :
}

say_database() {
  as_owner dump </dev/null
}

tables_in_dump() {
  as_owner tables_in_dump
}

vet_dump() { # whatever the dump has SQLite run, runs as the site's user
  cat >/dev/null
}

empty_database() {
  : # load_dump empties the database itself, in the same transaction
}

load_dump() {
  as_owner load
}

database_waits() { # SQLite does not tell who holds its lock
  :
}

database_remains() {
  [[ ! -e ${database_file} && ! -L ${database_file} ]] || printf 'database %s\n' "${database_file}"
}

drop_database() {
  as_owner drop </dev/null
}
