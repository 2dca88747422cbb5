local file=20261123T120000Z-before-20261123T115900Z-0123abcd.sql.gz

[[ ${file} == */* ]] || file=${dumps}/${file}
[[ -f ${file} ]] || fail "dump ${file}" "there is no such dump on this host; there are: $(cd "${dumps}" 2>/dev/null && printf '%s ' *".${dump_ending}")"
local kb one path
warn_without_dump
[[ -z ${no_dump} ]] || fail "dump ${file}" "cannot be loaded: ${no_dump}"
ask_size "database ${app}"
[[ -z ${kb} ]] || make_dump restore
note="from ${file}"
change_whole "database ${app}" restore_dump "${file}"
note=''
# A release that was started before may keep what it has read from the replaced database. It starts again later.
[[ -z ${started_ahead} ]] || change "slot ${idle} stopped" call_off
note_pending
read_half_applied
for one in "${!begun[@]}"; do # the dump undoes each migration that began after it
  path=${begun["${one}"]%%$'\t'*}
  [[ -n ${path} && ${file##*/} > ${path##*/} ]] || forget_begun "${one}"
done
