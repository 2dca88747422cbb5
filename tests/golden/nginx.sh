local site_conf='<text of nginx/site.nginx.j2>'
local http_conf='<text of nginx/http.nginx.j2>'
local catch_all='<text of nginx/catch-all.nginx.j2>'
local clients_conf='<text of nginx/clients.nginx.j2>'
local headers_conf='<text of nginx/headers.nginx.j2>'
local compression_conf='<text of nginx/compression.nginx.j2>'
local proxy_conf='<text of nginx/proxy.nginx.j2>'
local certificates_by=off acme_conf='<text of tls/acme.nginx.j2>'
local limits_conf='<text of nginx/limits.nginx.j2>'
local no_release_page='<text of nginx/no-release.html.j2>'
local unavailable_page='<text of nginx/unavailable.html.j2>'
local too_many_page='<text of nginx/too-many.html.j2>'

is_debians_default() { # FILE: whether it is the default site of Debian's package, unchanged
  local known='' here
  [[ $(readlink -f -- "$1") == /etc/nginx/sites-available/default ]] || return 1
  known=$(dpkg-query -W -f='${Conffiles}' nginx-common 2>/dev/null | awk '$1 == "/etc/nginx/sites-available/default" { print $2 }')
  read -r here _ < <(md5sum /etc/nginx/sites-available/default)
  [[ -n ${known} && ${here} == "${known}" ]]
}

is_bucket_size_set() { # whether a file of somebody else sets it already; nginx refuses the directive twice
  local file text
  for file in /etc/nginx/nginx.conf /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*.conf; do
    [[ -f ${file} && ${file} != "${http_file}" ]] || continue
    contents_of "${file}" text
    [[ ! ${text} =~ (^|$'\n')[^#$'\n']*server_names_hash_bucket_size ]] || return 0
  done
  return 1
}

leave_out_known_types() { # changes http_conf: nginx warns of a kind of file that two lists have
  local known='' line
  [[ ! -f /etc/nginx/mime.types ]] || contents_of /etc/nginx/mime.types known
  for line in '    text/javascript mjs;' '    application/manifest+json webmanifest;'; do
    [[ ! ${known} =~ [[:space:]]"${line##* }" ]] || http_conf=${http_conf/"${line}"$'\n'/}
  done
}

ensure_no_debian_default() {
  local link=/etc/nginx/sites-enabled/default
  debians_default=${link}
  if [[ -n ${dry_run} && ! -e /etc/nginx/nginx.conf ]]; then
    change "no ${link}" : # the package, not installed yet, brings this link
  elif [[ ! -e ${link} ]] || is_debians_default "${link}"; then
    ensure_absent "${link}"
  else
    debians_default=''
  fi
}

ensure_catch_all() {
  local other_default
  find_other_default 80 "${debians_default}"
  if [[ -z ${other_default} ]]; then
    ensure_file "${catch_all_file}" 644 root:root "${catch_all}"
  else
    say warn 'names that no site has' "${other_default} answers for them, so roadie leaves that file as it is; without that file they would get no page"
    ensure_absent "${catch_all_file}"
  fi
}

ensure_connections() { # replaces only Debian's own figure: a person who set another figure had a reason
  local text='' what='8192 connections a worker in /etc/nginx/nginx.conf'
  [[ ! -f /etc/nginx/nginx.conf ]] || contents_of /etc/nginx/nginx.conf text
  if [[ ${text} == *'worker_connections 768;'* || -n ${dry_run} && -z ${text} ]]; then
    change "${what}" put_file /etc/nginx/nginx.conf 644 root:root "${text//'worker_connections 768;'/'worker_connections 8192;'}"
  else
    ok "${what}"
  fi
  if [[ ${text} =~ (^|$'\n')[[:space:]]*worker_rlimit_nofile ]]; then
    ensure_absent "${limits_file}"
  else
    ensure_file "${limits_file}" 644 root:root "${limits_conf}"
  fi
}

# nginx creates a log that every user can read, also the users of other sites. Debian's logrotate makes it private only at the first
# rotation.
ensure_private_log() { # FILE
  local mode_now=''
  ask_mode "$1"
  if [[ ${mode_now} == *0\ * ]]; then
    ok "log $1"
  else
    local note='readable for www-data and adm only'
    change "log $1" make_private_log "$1"
  fi
}

make_private_log() { # FILE
  unset "modes[$1]"
  (umask 077 && : >>"$1")
  chown -h -- www-data:adm "$1"
  chmod 640 -- "$1"
}

note_given() { # CONTENT: records two sums for tell_nginx: of the file that the settings made, and of the file on this host
  local given written known=''
  read -r given _ < <(printf '%s\n' "${1%$'\n'}" | sha256sum)
  read -r written _ < <(sha256sum -- "${site_file}")
  [[ ! -f ${nginx_given} ]] || contents_of "${nginx_given}" known
  [[ ${known} == "${given} ${written}" ]] || put_file "${nginx_given}" 600 root:root "${given} ${written}"
}

require_site
local before_change=start_on_nginx debians_default mark given=${site_conf}
has_ipv6 || site_conf=${site_conf//    listen \[::\]:80;$'\n'/} catch_all=${catch_all/    listen \[::\]:80 default_server;$'\n'/}
[[ -e ${state}/applied/reload-of-nginx ]] || require_port 80

look_at "${nginx_files[@]}" "${pages}" "${pages}"/{no-release,unavailable,too-many}.html "${access_log}" "${error_log}"
ensure_dir "${pages}" 755 root:root
ensure_file "${pages}/no-release.html" 644 root:root "${no_release_page}"
ensure_file "${pages}/unavailable.html" 644 root:root "${unavailable_page}"
ensure_file "${pages}/too-many.html" 644 root:root "${too_many_page}"
ensure_connections
! is_bucket_size_set || http_conf=${http_conf/server_names_hash_bucket_size 512;$'\n'/}
leave_out_known_types
ensure_file "${http_file}" 644 root:root "${http_conf}"
ensure_file "${snippets}/roadie-clients.conf" 644 root:root "${clients_conf}"
ensure_file "${snippets}/roadie-headers.conf" 644 root:root "${headers_conf}"
ensure_file "${snippets}/roadie-compression.conf" 644 root:root "${compression_conf}"
ensure_file "${snippets}/roadie-proxy.conf" 644 root:root "${proxy_conf}"
if [[ ${certificates_by} == letsencrypt ]]; then
  mark=$(host_mark)
  ensure_file "${snippets}/roadie-acme.conf" 644 root:root "${acme_conf/@HOST@/${mark}}"
fi
ensure_no_debian_default
ensure_catch_all
ensure_private_log "${access_log}"
ensure_private_log "${error_log}"
ensure_file "${site_file}" 644 root:root "${site_conf}"
ensure_link "${site_link}" "${site_file}"
ensure_applied 'reload of nginx' reload_nginx require_served
[[ -n ${dry_run} ]] || note_given "${given}"
before_change=host_lock
ensure_service nginx
host_unlock
before_change=''
local name
for name in "${domains[@]}"; do
  ensure_claim "${name}" "domain ${name}"
done
