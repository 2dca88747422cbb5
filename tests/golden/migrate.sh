local consent=''
local serving=''

applied_migrations=()
require_consent "${consent}"
if [[ ${inspected_release} != "${release}" || ${#pending[@]} != 0 || ${#postponed[@]} != 0 || ${#unrecorded[@]} != 0 ]]; then
  begin_step "migrations of ${release}" whole
  apply_migrations
  end_whole
  doing=''
fi
keep_postponed
if [[ ${#unrecorded[@]} != 0 ]]; then
  say changed "record of migrations" "${unrecorded[*]}: the database has all that it replaces"
fi
if [[ ${#applied_migrations[@]} == 0 ]]; then
  ok "migrations of ${release}"
else
  say changed "migrations of ${release}" "${applied_migrations[*]}"
fi
live_release serving
[[ ${release} == "${serving}" ]] || note_applied
