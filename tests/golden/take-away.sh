local wants_dump=1

[[ ${#postponed[@]} != 0 ]] || return 0
if [[ -z ${retired} && ! -e ${release_dir}/settled ]]; then
  say warn migrations "the release before may still run, so these wait: $(listed "${postponed[@]}"); fab deploy goes on"
  return
fi
if [[ -n ${wants_dump} ]]; then
  dump_if_possible "drops-of-${release}"
  [[ -n ${no_dump} ]] || printf '%s\n' "${dump}" >>"${release_dir}/dump"
fi
pending=("${postponed[@]}") postponed=()
begin_step "migrations of ${release} that take away" whole
apply_migrations
end_whole
doing=''
note_pending
keep_postponed
say changed "migrations of ${release}" "${applied_migrations[*]}"
