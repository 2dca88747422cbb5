allow_conf='# Who still sees the site guestbook while its maintenance page is shown. From roadie.
'

require_site
local text='' before_change=start_on_nginx
contents_of "${site_file}" text 2>/dev/null || :
[[ ${text} == *"${maintenance}/on"* && -e ${allow_file} ]] ||
  fail "maintenance of ${app}" "${site_file} knows of no such page; run fab nginx, and bring a site.nginx.j2 of your own up to date"
ensure_file "${allow_file}" 644 root:root "${allow_conf}"
ensure_applied 'reload of nginx' reload_nginx
host_unlock
