# The words for a database elsewhere, of any kind that Django knows. database/words.sh lists them, and says who asks for what.
# Plain bash, no Jinja; the frame sets database_py, which is speak.py.
#
# The site's user asks, through the Django of a release: it has the driver, the address and the TLS options. It starts the
# database's own programs for dumps, too. roadie makes no database there and no user, and drops none.

no_answer="no answer from the external database" database_errors='^([A-Za-z_.]*(Error|Exception|Warning)|[a-z_-]+(:[^ ]*)?): |^ERROR '
database_log='at the log of its server'
loads_whole='' # some servers make and drop tables one by one

as_release() { # WORD
  as_release_whole "$1" </dev/null | head -c 1000000
}

# WORD: for a dump, of which any amount goes out, or comes in at descriptor 7. Through pipes, as another process of the site could
# take a file of root's from this one, and write into it later.
as_release_whole() {
  local release_dir=${release_dir}
  [[ -n ${release_dir} ]] || release_dir=$(readlink -e -- "${root}/live/release") || return
  { as_user_plainly "${app}" "${root}/shared/home" "${tools}/launch" "${release_dir}" python -c "${database_py}" "$1" 7<&0 2>&1 >&3 3>&- |
    tail -c 10000 >&2; } 3>&1 | cat
}

has_database_server() {
  [[ -e ${root}/live/release ]]
}

server_version() {
  :
}

database_kb() {
  as_release kb
}

count_tables() {
  as_release tables
}

applied_now() {
  as_release applied 2>/dev/null | LC_ALL=C sort -u
}

cannot_dump() {
  as_release cannot
}

say_database() {
  as_release_whole dump </dev/null
}

tables_in_dump() {
  as_release_whole dumped
}

vet_dump() { # nothing in the dump runs but as the user of the database
  cat >/dev/null
}

empty_database() {
  : # load_dump does
}

load_dump() {
  as_release_whole load
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
