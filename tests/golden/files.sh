local places=(guestbook/local_settings.py .env)
local texts=('KEY = '"'"'it is $(id)'"'"'
' A=1)

tell_files() { # for a dry run: compares with the release that serves, and shows no content
  local i now
  for i in "${!places[@]}"; do
    if ! now=$(text_of "${root}/live/release/code/${places[i]}"); then
      say fact file "added ${places[i]}"
    elif [[ ${now} != "$(printf '%s' "${texts[i]}")" ]]; then
      say fact file "changed ${places[i]}"
    fi
  done
}

write_files() {
  local i
  for i in "${!places[@]}"; do
    lay_over "${places[i]}"
    put_file "${release_dir}/code/${places[i]}" 640 "root:${app}" "${texts[i]%$'\n'}"
  done
}

if [[ -n ${dry_run} ]]; then tell_files; fi
change "files of ${release}" write_files
