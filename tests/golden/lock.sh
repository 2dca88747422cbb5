local message='It'"'"'s <b>new</b> \ $(id)'

hold_site() { # makes the hold with `ln`, which never replaces the hold of another person
  rm -f -- "${held_file}.mine"
  put_memo "${held_file}.mine" "${message}"
  ln -T -- "${held_file}.mine" "${held_file}" 2>/dev/null || fail lock "the site is held back already $(memo_in "${held_file}"); fab unlock lets go" 4
  drop_file "${held_file}.mine"
}

tell_run() { # warns of a run that took the lock before the hold existed
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
