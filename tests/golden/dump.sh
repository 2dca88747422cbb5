
dump_for_release() { # FILE: the release names its dump only when the dump is whole
  dump_database "$1"
  printf '%s\n' "$1" >"${release_dir}/dump"
}

# The migrations that wait get a dump of their own, right before they are applied. For the person who must agree to them first,
# there is a dump now too.
[[ ${#pending[@]} != 0 || ${#postponed[@]} != 0 && ! -f ${release_dir}/postponed ]] || return 0
local kb
warn_without_dump
[[ -z ${no_dump} ]] || return 0
ask_size "dump of database ${app}"
if [[ -z ${kb} ]]; then
  [[ ${history:-0} == 0 ]] ||
    fail "dump of database ${app}" "the database ${app} of this host is empty, but the site has applied migrations in another database; set dump_before_migrate: false, and dump that database yourself"
  ok "no table to dump in database ${app}"
  return
fi
make_dump "${release}" dump_for_release
