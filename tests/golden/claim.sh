local purge=1

find_mount() { # sets mount to a mount point at or below the site's folder; empty if there is none
  local path
  mount=''
  while read -r _ _ _ _ path _; do
    [[ ${path} != "${root}" && ${path} != "${root}"/* ]] || mount=${path}
  done </proc/self/mountinfo
}

find_program_of_another() { # sets program and its_user to a file for Supervisor that roadie did not write and that needs a user of the site
  local file text
  program='' its_user=''
  for file in /etc/supervisor/supervisord.conf /etc/supervisor/conf.d/*.conf; do
    [[ -f ${file} && " ${program_files[*]} ${programs_link} " != *" ${file} "* ]] || continue
    contents_of "${file}" text
    [[ ${text} =~ (^|$'\n')[[:blank:]]*user[[:blank:]]*[=:][[:blank:]]*(${app}|${build_user})[[:space:]]*($|[;$'\n']) ]] || continue
    program=${file} its_user=${BASH_REMATCH[2]}
  done
}

local taken mount program its_user
if is_claimed site; then
  [[ ! -L ${root} ]] || fail "site ${app}" "${root} is a link, which roadie did not make; make it a folder again by hand"
  find_mount
  [[ -z ${purge} || -z ${mount} ]] || fail "site ${app}" "something is mounted at ${mount}, and roadie does not delete what is on it; unmount it and run again"
  find_program_of_another
  [[ -z ${purge} || -z ${program} ]] || fail "site ${app}" "${program} has Supervisor run a program as ${its_user}; without that user Supervisor would start no program of any site; take that file out, run supervisorctl update, and run again"
  ok "claim of ${app}"
else
  find_taken
  [[ -z ${taken} ]] || fail "site ${app}" "${taken} is there, but roadie did not make it on this host; nothing was touched"
  ok "no site ${app}"
  exit 0
fi
