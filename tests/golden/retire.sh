local drain_seconds=30

# The switch is on disk. Only now may the previous slot lose its program.
local live old
live_slot live
keep_slot "${live}"
old=${other_slot[${live}]}
if is_slot_in_use "${old}"; then
  drain_and_stop "${old}" "${drain_seconds}"
fi
ensure_dir "${socket_dir}" 711 root:root # an earlier roadie gave this folder to the site's user
retired=1
local strays
find_strays "${live}"
if [[ ${#strays[@]} != 0 ]]; then
  note=$(tr '\0' ' ' 2>/dev/null <"/proc/${strays[0]}/cmdline") || :
  note="that no program of the site owns: ${strays[*]} (${note:0:100})"
  change 'end of processes' end_strays "${live}"
  note=''
fi
