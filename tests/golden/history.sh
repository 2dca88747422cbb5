require_site
local folder name part dump applied slot
for folder in "${root}"/releases/*/; do
  is_release "${folder}" || continue
  name=${folder%/} name=${name##*/}
  say fact release "${name}"
  for part in release.json switched took previous bad failed migrations knows replaces; do
    tell_file "${folder}${part}" "${part}"
  done
done
for dump in "${dumps}"/*".${dump_ending}"; do
  [[ -f ${dump%".${dump_ending}"}.applied ]] || continue
  say fact dumps "${dump}"
  tell_file "${dump%".${dump_ending}"}.applied" dumped
done
local applied='' kb
if ask applied 'the database' applied_now; then
  say fact applied "${applied}"
elif ! ask kb 'the database' database_kb; then
  say warn "database ${app}" "$(tell_no_answer)"
fi
live_release name
say fact live "${name}"
live_slot slot
if [[ -n ${name} ]] && is_down "${slot}"; then say fact down "${name}"; fi
tell_file "${rollback_file}" rollback
