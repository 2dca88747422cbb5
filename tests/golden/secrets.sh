local names=(MAIL_PASSWORD)
local values=('it'"'"'s; $(id) `id` "x"')

tell_secrets() { # for a dry run
  local now=''
  [[ ! -f ${root}/shared/secrets.given ]] || contents_of "${root}/shared/secrets.given" now
  tell_variables "${now}" "${given}"
}

local i line given='# Secrets of the settings. Written by each deploy.'
for i in "${!names[@]}"; do
  printf -v line '%s=%q' "${names[i]}" "${values[i]}"
  given+=$'\n'${line}
done
if [[ -n ${dry_run} ]]; then tell_secrets; fi
ensure_secret_file "${root}/shared/secrets.given" 640 "root:${app}" "${given}"
