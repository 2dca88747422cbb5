site_conf='# The site guestbook. From roadie, which puts this file right and keeps what was edited in it by hand.
upstream roadie_guestbook {
    # A deploy moves `live`; nginx follows it at each connect, so no reload is ever due.
    server unix:/srv/guestbook/live/sock max_fails=0;
}

# Who still sees the site while its maintenance page is shown.
geo $roadie_allowed_guestbook {
    default "";
}

server {
    listen 80;
    listen [::]:80;
    server_name guestbook.example.org;
    access_log /var/log/nginx/guestbook.access.log;
    error_log /var/log/nginx/guestbook.error.log;
    include snippets/roadie-clients.conf;
    include snippets/roadie-headers.conf;
    client_max_body_size 20m;

    # Up here, where `if` sets nothing but this variable: it is asked at each request, so no reload is ever due.
    set $roadie_closed "";
    if (-e /srv/guestbook/maintenance/on) {
        set $roadie_closed yes;
    }
    if ($roadie_allowed_guestbook) {
        set $roadie_closed "";
    }
    if (-e /srv/guestbook/maintenance/allow/$remote_addr) {
        set $roadie_closed "";
    }
    if ($uri ~ "^/\.well-known/acme-challenge/") {
        set $roadie_closed "";
    }

    location / {
        if ($roadie_closed) {
            return 470;
        }
        if (!-e /srv/guestbook/live/release) {
            return 503;
        }
        proxy_pass http://roadie_guestbook;
        include snippets/roadie-proxy.conf;
        proxy_read_timeout 120s;
        # For want of an answer only: error pages of the site itself pass through.
        error_page 470 =503 /.roadie/maintenance/page.html;
        error_page 503 /.roadie/no-release.html;
        error_page 502 =503 /.roadie/unavailable.html;
        error_page 504 /.roadie/unavailable.html;
    }

    location ^~ /static/ {
        alias /srv/guestbook/live/static/;
        disable_symlinks on from=/srv/guestbook/live/static/;
        include snippets/roadie-headers.conf;
        add_header Cache-Control $roadie_cache_control;
        # A page of the release before may still ask for a file by the name that it had there.
        error_page 404 = /.roadie/static$uri;
        log_not_found off;
    }

    location ^~ /.roadie/static/static/ {
        internal;
        alias /srv/guestbook/shared/static/;
        disable_symlinks on from=/srv/guestbook/shared/static/;
        include snippets/roadie-headers.conf;
        add_header Cache-Control $roadie_cache_control;
    }

    # Uploads come from strangers: nothing that a browser would run as a page of this site.
    location ^~ /media/ {
        alias /srv/guestbook/shared/media/;
        disable_symlinks on from=/srv/guestbook/shared/media/;
        default_type application/octet-stream;
        include snippets/roadie-headers.conf;
        add_header Content-Disposition $roadie_disposition always;
    }

    location ^~ /.roadie/maintenance/ {
        internal;
        alias /srv/guestbook/maintenance/;
        include snippets/roadie-headers.conf;
        add_header Retry-After 300 always;
        add_header Cache-Control no-store always;
    }

    location ^~ /.roadie/ {
        internal;
        alias /usr/local/share/roadie/;
        include snippets/roadie-headers.conf;
        add_header Retry-After 30 always;
        add_header Cache-Control no-store always;
    }
}
'
http_conf='# From roadie, the same for every site: what their server blocks look up. Changes nothing for servers of others.

# Headers that a site sets itself are its own word.
map $upstream_http_x_content_type_options $roadie_content_type_options {
    "" nosniff;
    default "";
}
map $upstream_http_referrer_policy $roadie_referrer_policy {
    "" strict-origin-when-cross-origin;
    default "";
}

# Names that carry a hash of the content, as Django'"'"'s manifest storages make them, never change what they hold.
map $uri $roadie_cache_control {
    "~\.[0-9a-f]{12,32}\.[A-Za-z0-9.]+$" "public, max-age=31536000, immutable";
    default "";
}

# What a browser shows but does not run; all else is saved to a file, and html, svg and xml are among that.
map $uri $roadie_disposition {
    "~*\.(avif|bmp|gif|ico|jpe?g|png|webp|mp3|m4a|oga|ogg|opus|wav|flac|mp4|m4v|mov|ogv|webm|pdf|txt)$" "";
    default attachment;
}
'
catch_all='# From roadie, the same for every site: who asks for a name that no site has gets no page, and no answer.
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    include snippets/roadie-clients.conf;
    access_log off;
    return 444;
}
'
clients_conf='# From roadie: clients that are slow, on purpose or not, hold a connection for seconds only.
client_header_timeout 10s;
client_body_timeout 15s;
send_timeout 15s;
keepalive_timeout 30s;
reset_timedout_connection on;
client_body_buffer_size 128k;
client_header_buffer_size 1k;
large_client_header_buffers 4 8k;
server_tokens off;
'
headers_conf='# From roadie. A location with an add_header of its own has to include this again: nginx inherits all of them or none.
add_header X-Content-Type-Options $roadie_content_type_options always;
add_header Referrer-Policy $roadie_referrer_policy always;
'
proxy_conf='# From roadie. Gunicorn trusts what comes over its socket, so whatever a client may claim about itself is replaced here.
proxy_set_header Host $host;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Real-IP $remote_addr;
proxy_set_header X-Forwarded-Host "";
proxy_set_header X-Forwarded-Port "";
proxy_set_header X-Forwarded-Protocol "";
proxy_set_header X-Forwarded-Ssl "";
proxy_set_header Forwarded "";
proxy_redirect off;
proxy_buffering on;
proxy_request_buffering on;
'
limits_conf='# From roadie: a file for each end of the 8192 connections of a worker.
worker_rlimit_nofile 20000;
'
no_release_page='<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>No release yet</title>
<style>body { font: 1.1em/1.5 sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em; color: #333 }</style>
<h1>No release yet</h1>
<p>This server is ready for its site. The site comes with its first release: <code>fab deploy</code></p>
</html>
'
unavailable_page='<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not available right now</title>
<style>body { font: 1.1em/1.5 sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em; color: #333 }</style>
<h1>Not available right now</h1>
<p>The site does not answer at the moment. Please try again in half a minute.</p>
</html>
'

is_debians_default() { # FILE: it is as Debian's package brought it
  local known='' here
  [[ $(readlink -f -- "$1") == /etc/nginx/sites-available/default ]] || return 1
  known=$(dpkg-query -W -f='${Conffiles}' nginx-common 2>/dev/null | awk '$1 == "/etc/nginx/sites-available/default" { print $2 }')
  read -r here _ < <(md5sum /etc/nginx/sites-available/default)
  [[ -n ${known} && ${here} == "${known}" ]]
}

find_other_default() { # sets other_default to a file of somebody else's that answers for names that no site has
  local file text line port
  other_default=''
  for file in /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*.conf; do
    [[ -f ${file} && ${file} != "${catch_all_file}" && ${file} != "${debians_default}" ]] || continue
    contents_of "${file}" text
    [[ ${text} == *default_server* || ${text} =~ server_name[[:space:]]+_ ]] || continue
    while IFS= read -r line; do
      line=${line%%#*}
      if [[ ${line} =~ server_name[[:space:]]+_[[:space:]]*\; ]]; then other_default=${file}; fi
      if [[ ${line} =~ listen[[:space:]]+([^[:space:]\;]+)[^\;]*default_server ]]; then
        port=${BASH_REMATCH[1]##*[^0-9]}
        [[ ${port:-80} != 80 ]] || other_default=${file}
      fi
    done <<<"${text}"
  done
}

ensure_no_debian_default() {
  local link=/etc/nginx/sites-enabled/default
  debians_default=${link}
  if [[ -n ${dry_run} && ! -e /etc/nginx/nginx.conf ]]; then
    change "no ${link}" : # it comes with the package
  elif [[ ! -e ${link} ]] || is_debians_default "${link}"; then
    ensure_absent "${link}"
  else
    debians_default=''
  fi
}

ensure_catch_all() {
  local other_default
  find_other_default
  if [[ -z ${other_default} ]]; then
    ensure_file "${catch_all_file}" 644 root:root "${catch_all}"
  else
    say warn 'names that no site has' "${other_default} answers for them and is left as it is; without it they would get no page"
    ensure_absent "${catch_all_file}"
  fi
}

ensure_connections() { # of Debian's own figure only: whoever chose another had a reason
  local text='' what='8192 connections a worker in /etc/nginx/nginx.conf'
  [[ ! -f /etc/nginx/nginx.conf ]] || contents_of /etc/nginx/nginx.conf text
  if [[ -z ${text} || ${text} == *'worker_connections 768;'* ]]; then
    change "${what}" sed -i 's/worker_connections 768;/worker_connections 8192;/' /etc/nginx/nginx.conf
  else
    ok "${what}"
  fi
  if [[ ${text} =~ (^|$'\n')[[:space:]]*worker_rlimit_nofile ]]; then
    ensure_absent "${limits_file}"
  else
    ensure_file "${limits_file}" 644 root:root "${limits_conf}"
  fi
}

ensure_private_log() { # FILE: nginx makes it readable for all, so for every site's user; Debian's logrotate does not
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

require_site
local before_change=start_on_nginx debians_default pages=/usr/local/share/roadie
[[ -e /proc/net/if_inet6 ]] || site_conf=${site_conf/    listen \[::\]:80;$'\n'/} catch_all=${catch_all/    listen \[::\]:80 default_server;$'\n'/}
[[ -e ${state}/applied/reload-of-nginx ]] || require_port_80

look_at "${nginx_files[@]}" "${pages}" "${pages}"/{no-release,unavailable}.html "/var/log/nginx/${app}".{access,error}.log
ensure_dir "${pages}" 755 root:root
ensure_file "${pages}/no-release.html" 644 root:root "${no_release_page}"
ensure_file "${pages}/unavailable.html" 644 root:root "${unavailable_page}"
ensure_connections
ensure_file /etc/nginx/conf.d/roadie.conf 644 root:root "${http_conf}"
ensure_file "${snippets}/roadie-clients.conf" 644 root:root "${clients_conf}"
ensure_file "${snippets}/roadie-headers.conf" 644 root:root "${headers_conf}"
ensure_file "${snippets}/roadie-proxy.conf" 644 root:root "${proxy_conf}"
ensure_no_debian_default
ensure_catch_all
ensure_private_log "/var/log/nginx/${app}.access.log"
ensure_private_log "/var/log/nginx/${app}.error.log"
ensure_file "${site_file}" 644 root:root "${site_conf}"
ensure_link "${site_link}" "${site_file}"
ensure_applied 'reload of nginx' reload_nginx
before_change=host_lock
ensure_service nginx
host_unlock
before_change=''
local name
for name in "${domains[@]}"; do
  if is_claimed "domain ${name}"; then ok "claim of ${name}"; else change "claim of ${name}" claim "domain ${name}"; fi
done
