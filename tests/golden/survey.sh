tell_trees() { # the newest first: a pack tells differences best from what is nearest
  local tree
  [[ -d ${store} ]] || return 0
  while read -r tree; do
    say fact tree "${tree}"
  done < <(repo_git for-each-ref --sort=-refname --format='%(objectname)' refs/roadie/trees)
}

tell_live() {
  local name='' text='' slot=''
  live_release name
  [[ -n ${name} ]] || return 0
  say fact live "${name}"
  contents_of "${root}/releases/${name}/fingerprint" text 2>/dev/null
  say fact fingerprint "${text}"
  live_slot slot
  if listens "${slot}"; then say fact running yes; else say fact running no; fi
  tell_pending "${root}/releases/${name}/pending"
  # Else a run was cut after the switch: the slot before is still to be stopped, or what is old to be removed.
  slot=${other_slot[${slot}]}
  if [[ -e ${program_files[${slot}]} || ! -e ${root}/releases/${name}/settled ]] || listens "${slot}"; then
    say fact settled no
  else
    say fact settled yes
  fi
}

tell_pending() { # FILE: migrations that the release that serves goes without
  local one
  [[ -e $1 ]] || return 0
  while read -r one; do
    say fact pending "${one}"
  done <"$1"
}

tell_nginx() { # what the site's file there is, to tell one that other settings made
  local sum=''
  read -r sum _ < <(sha256sum -- "/etc/nginx/sites-available/${app}.conf" 2>/dev/null) || :
  say fact nginx "${sum}"
}

local trees
require_no_hold
require_whole_site
tell_trees &
trees=$!
tell_live
tell_nginx
tell_maintenance
wait "${trees}"
