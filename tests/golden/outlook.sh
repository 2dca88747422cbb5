local ship_root=''
local requirement_paths=(requirements.txt)

tell_requirements() { # FOLDER: tells these requirements files as the release that serves has them, without passwords
  local path text
  for path in "${requirement_paths[@]}"; do
    text=$(text_of "$1/${path#"${ship_root:+${ship_root}/}"}" | sed -E 's#://[^/@[:space:]]*@#://#g') || continue
    say fact requirements "${path}"$'\n'"${text}"
  done
}

tell_recorded() { # tells the migrations that the database records, and whether it has any table
  local applied='' kb=''
  if ask applied 'the database' applied_now; then
    say fact applied "${applied}"
  elif ask kb 'the database' database_kb; then
    [[ -n ${kb} ]] || say fact empty database
  else
    say warn "database ${app}" "$(tell_no_answer)"
  fi
}

local name
live_release name
if [[ -n ${name} ]]; then
  tell_file "${root}/releases/${name}/release.json" record
  tell_file "${root}/releases/${name}/knows" knows
  tell_requirements "${root}/releases/${name}/code"
fi
tell_recorded
