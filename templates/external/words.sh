# The words for a database elsewhere, of any kind that Django knows. database/words.sh lists them, and says who asks for what.
# Plain bash, no Jinja; the frame sets database_py, which is ask.py.
#
# The site's user asks, through the Django of the release that serves: it has the driver, the address and the TLS options. roadie
# makes no database there, no user and no dump, and drops none.

no_answer="no answer from the external database" database_errors='^([A-Za-z_.]+(Error|Exception|Warning): |external: )'
loads_whole=1 # nothing is loaded

# WORD: through pipes, as another process of the site could take a file of root's from this one, and write into it later.
as_release() {
  local release_dir=${release_dir}
  [[ -n ${release_dir} ]] || release_dir=$(readlink -e -- "${root}/live/release") || return
  { as_user_plainly "${app}" "${root}/shared/home" "${tools}/launch" "${release_dir}" python -c "${database_py}" "$1" </dev/null 2>&1 >&3 3>&- |
    tail -c 10000 >&2; } 3>&1 | head -c 1000000
}

not_here() {
  printf 'external: %s\n' 'roadie neither dumps nor loads an external database; its own server does' >&2
  return 1
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

say_database() {
  not_here
}

tables_in_dump() {
  not_here
}

vet_dump() {
  not_here
}

empty_database() {
  not_here
}

load_dump() {
  not_here
}

database_waits() {
  :
}

database_remains() { # what is elsewhere stays there
  :
}

drop_database() {
  not_here
}
