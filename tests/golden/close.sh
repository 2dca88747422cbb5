local message='It'"'"'s <b>new</b> \ $(id)'
local addresses=(203.0.113.7)
local networks=()
local page='<text of maintenance/page.html.j2>'

require_page() { # fails if the site's nginx file, which may be older than the settings, has no maintenance page
  local text='' network
  contents_of "${site_file}" text 2>/dev/null
  [[ ${text} == *"${maintenance}/on"* ]] ||
    fail "maintenance of ${app}" "${site_file} has no maintenance page; run fab nginx; if you have your own site.nginx.j2, bring it up to date first"
  for network in "${networks[@]}"; do
    [[ ${text} == *" ${network} yes;"* ]] || say warn "network ${network}" 'nginx does not let it in yet; run fab nginx'
  done
}

ensure_allowed() { # lets in exactly the addresses of this call; each is an empty file, named as nginx writes the address
  local wanted
  ensure_dir "${maintenance}/allow" 755 root:root
  wanted=$([[ ${#addresses[@]} == 0 ]] || printf '%s\n' "${addresses[@]}" | sort)
  if [[ ${wanted} == "$(ls -- "${maintenance}/allow")" ]]; then ok 'addresses let in'; else change 'addresses let in' let_in; fi
}

let_in() {
  local address
  rm -f -- "${maintenance}/allow"/*
  for address in "${addresses[@]}"; do : >"${maintenance}/allow/${address}"; done
}

require_site
local by='' since='' why=''
require_page
ensure_dir "${maintenance}" 755 root:root
ensure_allowed
ensure_file "${maintenance}/page.html" 644 root:root "${page}"
[[ ! -e ${maintenance}/on ]] || IFS=$'\t' read -r by since why <"${maintenance}/on" || :
if [[ -n ${by} && ${why} == "${message}" ]]; then ok 'maintenance page'; else change 'maintenance page' put_memo "${maintenance}/on" "${message}"; fi
tell_maintenance
