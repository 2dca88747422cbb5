
dump_for_release() { # the release names its dump only when the dump is whole
  dump_database "${dump}"
  printf '%s\n' "${dump}" >"${release_dir}/dump"
}

# The migrations that wait get a dump of their own when their time comes. This one is for the person who must agree to them.
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
name_dump "${release}"
note=${dump}
change_dump dump_for_release
note=''
