python=python3

tell_trees() { # the newest first: a pack tells differences best from what is nearest
  local tree
  [[ -d ${store} ]] || return 0
  while read -r tree; do
    say fact tree "${tree}"
  done < <(repo_git for-each-ref --sort=-refname --format='%(objectname)' refs/roadie/trees)
}

tell_live() {
  local name text slot old
  name=$(live_release)
  [[ -n ${name} ]] || return 0
  say fact live "${name}"
  contents_of "${root}/releases/${name}/fingerprint" text 2>/dev/null
  say fact fingerprint "${text}"
  slot=$(live_slot)
  old=$(other_slot "${slot}")
  say fact running "$(listens "${slot}")"
  tell_pending "${root}/releases/${name}/pending"
  # Else a run was cut after the switch: the slot before is still to be stopped, or what is old to be removed.
  if [[ -e $(program_file "${old}") || $(listens "${old}") == yes || ! -e ${root}/releases/${name}/settled ]]; then
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

listens() { # SLOT: whether its socket has a listener (a stream in state 01)
  if grep -qE " 0001 01 +[0-9]+ /run/${app}/$1\.sock\$" /proc/net/unix; then printf yes; else printf no; fi
}

tell_python() { # what python3 leads to says which one it is; asking it would take 15 ms
  local path
  path=$(readlink -f -- "$(command -v -- "${python}")") || return 0
  [[ ${path##*/} =~ ^python(3\.[0-9]+)$ ]] || path=python$("${path}" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  say fact python "${path##*/python}"
}

tell_nginx() { # what the site's file there is, to tell one that other settings made
  local sum=''
  read -r sum _ < <(sha256sum -- "/etc/nginx/sites-available/${app}.conf" 2>/dev/null) || :
  say fact nginx "${sum}"
}

tell_machine() {
  local avail kb
  avail=$(df -k --output=avail -- "${root}" | tail -n 1)
  say fact free "${avail// /}"
  read -r _ kb _ </proc/meminfo
  say fact memory "${kb}"
  say fact cores "$(nproc)"
}

require_no_hold
require_site
[[ -d ${root}/releases ]] || fail "site ${app}" 'is not wholly set up on this host; run: fab bootstrap'
contents_of "${state}/format" format
say fact format "${format}"
tell_trees
tell_live
tell_python
tell_nginx
tell_maintenance
tell_machine
