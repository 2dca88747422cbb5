local names=(MAIL_PASSWORD)
local values=('it'"'"'s; $(id) `id` "x"')

local i line given='# Secrets of the settings. Written by each deploy.'
for i in "${!names[@]}"; do
  printf -v line '%s=%q' "${names[i]}" "${values[i]}"
  given+=$'\n'${line}
done
ensure_secret_file "${root}/shared/secrets.given" 640 "root:${app}" "${given}"
