
dump_for_release() { # the release names only what is whole
  dump_database "${dump}"
  printf '%s\n' "${dump}" >"${release_dir}/dump"
}

[[ ${#pending[@]} != 0 ]] || return 0
local kb
kb=$(database_kb) || fail "dump of database ${app}" "${no_answer}; is the database running?"
if [[ -z ${kb} ]]; then
  [[ ${history:-0} == 0 ]] ||
    fail "dump of database ${app}" "the database ${app} of this host is empty, but the site has migrations in its own: it works elsewhere; with dump_before_migrate: false it is yours to dump"
  ok "no table to dump in database ${app}"
  return
fi
name_dump "${release}"
note=${dump}
change_cuttable "dump of database ${app}" dump_for_release
note=''
