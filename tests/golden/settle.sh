local names=(data)
local settled=data anew=''

local name was='' since=''
require_site
if [[ -n ${settled} ]]; then change "once ${settled}" note_once "${settled}" 'done'; fi
if [[ -n ${anew} ]]; then change "once ${anew}" note_once "${anew}"; fi
for name in "${names[@]}"; do
  once_is "${name}"
  say fact once "${name}"$'\t'"${was}"$'\t'"${since}"
done
