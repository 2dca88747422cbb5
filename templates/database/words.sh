# The words for dumps of the site's database, of any kind, and for loading a dump. Plain bash, no Jinja.
#
# Each kind of database defines the words below in KIND/words.sh. Stages and this library use no other word of a kind. Only
# the stage KIND/KIND.sh.j2 does, which makes the database and its user.
#
# A site decides what a name in its database means: a view that calls a function may stand in place of a table, and there are
# triggers, events, extensions, operators and a search_path. Such code can run with the rights of whoever uses the name. So each
# kind promises:
#
#   - Whatever reads, dumps, empties or fills the database logs in as the site's user. Afterwards, all that a dump brought
#     belongs to the site's user, whoever made it.
#   - The server's administrator makes and drops the database and its user, gives them rights, and asks the server's own
#     tables. It is never in the database of a site, names nothing inside of it, and runs nothing that the site defined.
#   - The program that loads a dump obeys no command in it that runs a program, or reads or writes a file of the host.
#   - The password of the site's user reaches a program by a descriptor, never by its command line or environment.
#   - If the site's user cannot log in, a word fails, and its error names the user. No word logs in as another user instead.
#   - The site's user may hold only a part of the server's connections.
#
#   no_answer            says that the database does not answer, and where roadie asked
#   database_errors      a pattern of the lines in which the programs of the database report errors
#   database_log         says where the log of the server is
#   has_database_server  whether this host has a server of this kind
#   server_version       prints the name and the version of the host's server, or of the server that the distribution would
#                        install; nothing if roadie does not know them
#   database_kb          prints the size of the tables in KB; nothing if there are none; fails if the database does not answer
#   count_tables         prints how many tables there are
#   applied_now          prints the migrations that the database records, sorted; fails if the database has no such record
#   cannot_dump          prints why no dump can be made here; nothing if a dump can be made
#   say_database         prints a dump of the database as of one instant; the site goes on meanwhile
#   tables_in_dump       prints how many tables the dump on standard input holds; nothing if the end of the dump is missing
#   vet_dump             warns of what another user made in the dump on standard input; fails, with the reason, if the
#                        site's user could not load the dump
#   loads_whole          not empty if load_dump empties the database itself, and changes nothing unless it succeeds
#   empty_database       removes all that is in the database; if this fails, removes nothing
#   load_dump            fills the empty database with the dump on standard input, as the site's own
#   database_waits       prints which connections wait for a lock in the database, and which others use the database; nothing if
#                        none waits
#   database_remains     prints which of the database and its user exist; fails if the database does not answer
#   drop_database        removes the database and its user

by_distribution() { # DISTRIBUTION=TEXT...: prints the text of this host's distribution, such as debian:12; nothing if it has none
  local ID='' VERSION_ID='' one
  # shellcheck source=/dev/null
  . /etc/os-release
  for one in "$@"; do
    [[ ${one%%=*} != "${ID}:${VERSION_ID}" ]] || printf %s "${one#*=}"
  done
}

useful_connections=0 # how many the site can use; a stage that makes a database sets this (database/connections.sh.j2)

# MAX: prints how many of the server's MAX connections the site may hold: three quarters at least, nine tenths at most, and in
# between as many as the site can use. The rest is for other sites and for root.
connections_of_site() {
  local least=$(($1 * 3 / 4)) most=$(($1 * 9 / 10))
  echo $((useful_connections < least ? least : useful_connections < most ? useful_connections : most))
}

# COMMAND...: runs the command with this function's standard input at descriptor 7. The command gets pipes only: another process of
# the site could take a file of root's from the command, and write into that file later. Of the errors, the end is passed on.
through_pipes() {
  { "$@" 7<&0 2>&1 >&3 3>&- | tail -c 10000 >&2; } 3>&1 | cat
}

no_dump='' # why no dump can be made
dump='' # the dump that this run makes, or has made, before it changes the database

warn_without_dump() { # warns if no dump can be made here; sets no_dump to the reason, or to nothing
  ask no_dump 'the database' cannot_dump || no_dump="$(cause "${database_errors}")"
  [[ -z ${no_dump} ]] || say warn "dump of database ${app}" "none is made: ${no_dump}"
}

ask_size() { # WHAT_FOR: sets kb to the size of the tables; empty if there are none; fails if the database does not answer
  ask kb 'the database' database_kb || fail "$1" "$(tell_no_answer)"
}

tell_error() { # prints what the database said, and what to do next
  printf '%s; look %s, put that right, and run the same command again' "$(cause "${database_errors}")" "${database_log}"
}

tell_no_answer() {
  printf '%s: %s; run fab bootstrap, which starts the database and sets a changed password back' "${no_answer}" "$(cause "${database_errors}")"
}

# ---- Dumps: whole and on disk, or not there ---------------------------------------------------------------------------

# BEFORE_WHAT [FUNCTION]: sets dump to the path of a new dump, and has dump_database, or FUNCTION, make it there. A dump of a large
# database takes long, but its file goes on growing.
make_dump() {
  local note late_because=database_waits
  printf -v dump '%s/%(%Y%m%dT%H%M%SZ)T-before-%s.%s' "${dumps}" -1 "$1" "${dump_ending}"
  note=${dump}
  change_while_it_grows "${dump}.new" "${dump_seconds}" "dump of database ${app}" "${2:-dump_database}" "${dump}"
}

dump_if_possible() { # BEFORE_WHAT: makes a dump, or warns; sets no_dump to why no dump can be made
  warn_without_dump
  [[ -n ${no_dump} ]] || make_dump "$1"
}

# In a subshell: when a stop ends it, its trap removes the half made dump.
dump_database() ( # FILE
  umask 077
  local new=$1.new folder=${1%/*} kb
  mkdir -p -- "${folder}"
  rm -f -- "${folder}"/*.new # of a run that was killed
  ask_size "dump of database ${app}"
  # Ask for the full size of the tables: some data cannot be compressed, and a full disk would stop the database.
  require_room "$((${kb:-0} + 10240))" "dump of database ${app}" "${folder}"
  ulimit -f "$(($(free_kb "${folder}") - 5120))" # the site could make its dump endless
  trap 'rm -f -- "${new}"; exit 143' TERM
  say_database | nice gzip -1 >"${new}" || refuse_dump "${new}"
  # For a rollback, list beside the dump the migrations that the dump holds and the ones that were half applied.
  { applied_now || :; sed 's/\t.*//; s/^/half /' -- "${half_applied}" 2>/dev/null || :; } >"${1%".${dump_ending}"}.applied"
  sync -- "${1%".${dump_ending}"}.applied"
  move_over "${new}" "$1"
)

refuse_dump() { # NEW
  local why
  why=$(cause "^gzip: |${database_errors}")
  ! disk_is_full || why=''
  rm -f -- "$1"
  fail "dump of database ${app}" "${why:-it ended half way}; nothing of it is kept"
}

# ---- Back to a dump -----------------------------------------------------------------------------------------------------

restore_dump() { # FILE: afterwards the database holds what the dump holds, and nothing else
  local tables found
  [[ -f $1 ]] || fail "dump $1" 'there is no such file on this host'
  tables=$(gzip -dc -- "$1" | tables_in_dump || :)
  [[ -n ${tables} ]] || fail "dump $1" 'it is not whole; the database was left as it is'
  gzip -dc -- "$1" | vet_dump
  [[ -n ${loads_whole} ]] || put_file "${half_restored}" 600 root:root "$1"
  empty_database || fail "database ${app}" "it could not be emptied, and is as before: $(cause "${database_errors}")"
  [[ -n ${loads_whole} ]] || tell_restored "$1"
  gzip -dc -- "$1" | load_dump || refuse_load "$1"
  tell_restored "$1"
  found=$(count_tables)
  [[ ${found} == "${tables}" ]] || fail "database ${app}" "it has ${found} tables now, and $1 holds ${tables}; look at both" 7
  drop_file "${half_restored}"
}

tell_restored() { # FILE: sets what `fail` adds until the older release serves
  went_back="the database now holds the dump ${1##*/}${dump:+; what it held before is in ${dump}}"
}

refuse_load() { # FILE
  local why
  why=$(cause "^gzip: |${database_errors}")
  [[ -z ${loads_whole} ]] || fail "database ${app}" "it did not take $1, and is as before: ${why:-no reason given}"
  fail "database ${app}" "only a part of $1 is back (${why}); the dump itself is whole: run the same command again" 7
}

# Refuses a database that a cut run left half loaded. Django would find few migrations in it, and apply the rest.
require_whole_database() {
  local file
  [[ -f ${half_restored} ]] || return 0
  contents_of "${half_restored}" file
  fail "database ${app}" "an earlier run was cut while it loaded a dump; finish that first: fab migrate --restore-dump ${file}"
}
