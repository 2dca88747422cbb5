message='It'"'"'s <b>new</b> \ $(id)'

hold_site() { # by a link, which never takes the place of another's
  rm -f -- "${hold}.mine"
  put_memo "${hold}.mine" "${message}"
  ln -T -- "${hold}.mine" "${hold}" 2>/dev/null || fail lock "is held already $(memo_in "${hold}"); fab unlock lets go" 4
  rm -f -- "${hold}.mine"
  sync -- "${hold%/*}"
}

tell_run() { # one that has the lock did not see this one
  exec 9>>"/run/roadie/${app}.lock"
  flock -n 9 || say warn lock "a run is under way and goes on to its end: $(lock_holder)"
  exec 9>&-
}

require_site
local hold=${state}/held-${app} by='' since='' why=''
[[ ! -e ${hold} ]] || IFS=$'\t' read -r by since why <"${hold}" || :
if [[ ${by} == "${who}" && ${why} == "${message}" ]]; then ok lock; else change lock hold_site; fi
say fact lock "$(memo_in "${hold}")"
tell_run
