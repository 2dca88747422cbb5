local purge=1

find_mount() { # sets mount to a mount point at or below the site's folder; empty if there is none
  local path
  mount=''
  while read -r _ _ _ _ path _; do
    [[ ${path} != "${root}" && ${path} != "${root}"/* ]] || mount=${path}
  done </proc/self/mountinfo
}

local taken mount others_file='' its_user=''
if is_claimed site; then
  [[ ! -L ${root} ]] || fail "site ${app}" "${root} is a link, which roadie did not make; make it a folder again by hand"
  find_mount
  [[ -z ${purge} || -z ${mount} ]] || fail "site ${app}" "something is mounted at ${mount}, and roadie does not delete what is on it; unmount it and run again"
  find_program_of_another
  [[ -z ${purge} || -z ${others_file} ]] || fail "site ${app}" "${others_file} has Supervisor run a program as ${its_user}; without that user Supervisor would start no program of any site; remove that file, run supervisorctl update, and run again"
  ok "claim of ${app}"
else
  find_taken
  [[ -z ${taken} ]] || fail "site ${app}" "${taken} is there, but roadie did not make it on this host; nothing was touched"
  ok "no site ${app}"
  exit 0
fi
