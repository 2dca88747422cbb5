local consent=''
local serving=''

applied_migrations=()
require_consent "${consent}"
if [[ ${inspected_release} != "${release}" || ${#pending[@]} != 0 || ${#unrecorded[@]} != 0 ]]; then
  begin_step "migrations of ${release}" whole
  apply_migrations
  end_whole
  doing=''
fi
remove_if_there "${release_dir}/pending"
if [[ ${#unrecorded[@]} != 0 ]]; then
  say changed "record of migrations" "${unrecorded[*]}: the database has all that it replaces"
fi
if [[ ${#applied_migrations[@]} == 0 ]]; then
  ok "migrations of ${release}"
else
  say changed "migrations of ${release}" "${applied_migrations[*]}"
  live_release serving
  [[ ${release} == "${serving}" ]] || note_applied
fi
