local of=(app nginx)
local lines=100
local since=1764406800
local pattern='it'"'"'s $(id)'
local wanted_release=''
local follow=1
local reader_py='<text of look/reader.py>'

# The reader gets what to look for by a descriptor, as everybody on the host can read a command line. It runs in the host's own time
# zone, as nginx writes its times in that zone.
read_logs() {
  env -u TZ python3 -I -S -c "${reader_py}" "${app}" "${of[@]}" \
    7< <(printf '%s\n' "${nonce}" "${stage}" "${lines}" "${since}" "${pattern}" "${wanted_release}" "${follow}" "${PPID}")
}

require_site
if [[ -n ${follow} ]]; then cuttable read_logs; else within 600 read_logs; fi
