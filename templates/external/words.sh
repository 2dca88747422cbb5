# The words for a database elsewhere, of any kind that Django knows. database/words.sh lists them, and says who asks for what.
# Plain bash, no Jinja; the frame sets database_py, which is speak.py.
#
# The site's user asks, through the Django of a release, which has the driver, the address and the TLS options. For dumps, it
# starts the database's own programs. roadie makes no database there and no user, and drops none.

no_answer="no answer from the external database" database_errors='^([A-Za-z_.]*(Error|Exception|Warning)|[a-z_-]+(:[^ ]*)?): |^ERROR '
database_log='at the log of its server'
loads_whole='' # some servers make and drop tables one by one

as_release() { # WORD: has speak.py, in a release, do what WORD says
  local release_dir=${release_dir}
  [[ -n ${release_dir} ]] || release_dir=$(readlink -e -- "${root}/live/release") || return
  through_pipes as_user_plainly "${app}" "${root}/shared/home" "${tools}/launch" "${release_dir}" python -c "${database_py}" "$1"
}

# WORD: like as_release, but without input, and with 1 MB of output at most: the site's tables may be views that answer without end.
as_release_briefly() {
  as_release "$1" </dev/null | head -c 1000000
}

has_database_server() {
  [[ -e ${root}/live/release ]]
}

server_version() {
  :
}

database_kb() {
  as_release_briefly kb
}

count_tables() {
  as_release_briefly tables
}

applied_now() {
  as_release_briefly applied 2>/dev/null | LC_ALL=C sort -u
}

cannot_dump() {
  as_release_briefly cannot_dump
}

say_database() {
  as_release dump </dev/null
}

tables_in_dump() {
  as_release tables_in_dump
}

vet_dump() { # whatever the dump has the database run, runs as the site's user
  cat >/dev/null
}

empty_database() {
  : # load_dump empties the database itself
}

load_dump() {
  as_release load
}

database_waits() {
  :
}

database_remains() { # what is elsewhere stays there
  :
}

drop_database() {
  printf 'external: %s\n' 'roadie drops no external database' >&2
  return 1
}
