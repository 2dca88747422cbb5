message='It'"'"'s <b>new</b> \ $(id)'

hold_site() { # by a link, which never takes the place of another's
  rm -f -- "${held_file}.mine"
  put_memo "${held_file}.mine" "${message}"
  ln -T -- "${held_file}.mine" "${held_file}" 2>/dev/null || fail lock "is held already $(memo_in "${held_file}"); fab unlock lets go" 4
  rm -f -- "${held_file}.mine"
  sync -- "${state}"
}

tell_run() { # one that has the lock did not see this one
  exec 9>>"${lock_file}"
  flock -n 9 || say warn lock "a run is under way and goes on to its end: $(lock_holder)"
  exec 9>&-
}

require_site
local by='' since='' why=''
[[ ! -e ${held_file} ]] || IFS=$'\t' read -r by since why <"${held_file}" || :
if [[ ${by} == "${who}" && ${why} == "${message}" ]]; then ok lock; else change lock hold_site; fi
say fact lock "$(memo_in "${held_file}")"
tell_run
