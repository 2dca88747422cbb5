tell_file() { # FILE NAME
  local text=''
  [[ ! -f $1 ]] || contents_of "$1" text
  say fact "$2" "${text}"
}

require_site
local folder name part dump applied slot
for folder in "${root}"/releases/*/; do
  name=${folder%/} name=${name##*/}
  # A folder without this record is a release that is half made or half removed.
  [[ ${name} != *.* && -f ${folder}release.json ]] || continue
  say fact release "${name}"
  for part in release.json switched took previous bad failed migrations knows; do
    tell_file "${folder}${part}" "${part}"
  done
done
for dump in "${dumps}"/*.sql.gz; do
  [[ -f ${dump%.sql.gz}.applied ]] || continue
  say fact dumps "${dump}"
  tell_file "${dump%.sql.gz}.applied" dumped
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
# An earlier roadie had no link there. What it started may serve until the next deploy.
if [[ -n ${name} && ( -L ${socket_dir}/${slot}.sock || ! -S ${socket_dir}/${slot}.sock ) ]] && ! listens "${slot}"; then
  say fact down "${name}"
fi
tell_file "${rollback_file}" rollback
