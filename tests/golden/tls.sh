local by=off
local directory=https://acme-v02.api.letsencrypt.org/directory email=''
local own_key='' own_chain='' root_of_authority=''
local server_conf='<text of tls/server.nginx.j2>'
local profile_conf='<text of tls/profile.nginx.j2>'
local catch_all_tls='<text of tls/catch-all.nginx.j2>'
local certbot_conf='<text of tls/certbot.conf.j2>'
local certificate_tool='<text of on-host/certificate>'

ensure_authorities() { # what certbot trusts besides the authorities of Debian, and what systemd does after certbot
  local text='' file
  if [[ -n ${root_of_authority} ]]; then
    ensure_file "${authority}" 644 root:root "${root_of_authority}"
  else
    ensure_absent "${authority}"
  fi
  # Another site may have an authority of its own, so a file that is there is kept up to date.
  if [[ -n ${root_of_authority} || -e ${authorities} ]]; then
    for file in /etc/ssl/certs/ca-certificates.crt "${authorities%/*}"/*.ca; do
      [[ ! -f ${file} ]] || text+=$(<"${file}")$'\n'
    done
    ensure_secret_file "${authorities}" 644 root:root "${text}" # no secret, but too long to show
  else
    certbot_conf=$(grep -v '^Environment=' <<<"${certbot_conf}")
  fi
  ensure_unit "${certbot_drop_ins}" "${certbot_conf}"
  host_unlock # an authority may take its time
}

install_texts() { # KEY CHAIN: the tool reads files, and a file in /run is on no disk
  local place=/run/roadie/${run_id}
  (umask 077 && printf '%s\n' "$1" >"${place}.key" && printf '%s\n' "$2" >"${place}.chain")
  install_files "${place}.key" "${place}.chain"
  rm -f -- "${place}.key" "${place}.chain"
}

install_files() { # KEY CHAIN
  local said
  said=$("${tools}/certificate" "${app}" "$1" "$2" 2>&1) || fail "certificate of ${app}" "nginx cannot take it: ${said##*'[emerg] '}; $(what_goes_on)"
}

ensure_own() {
  if is_in_place "${own_key}" "${own_chain}"; then
    ok "certificate of ${app}"
  else
    change "certificate of ${app}" install_texts "${own_key}" "${own_chain}"
  fi
}

ensure_self_signed() {
  if is_self_signed "${certificate}" && is_right "${certificate}"; then
    ok "certificate of ${app}"
  else
    change "certificate of ${app}" make_self_signed
  fi
}

make_self_signed() {
  local names key='' chain=''
  names=$(printf ',DNS:%s' "${domains[@]}")
  key=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256)
  chain=$(openssl req -x509 -new -key /dev/stdin -days 3650 -subj '/CN=self-signed by roadie' -addext "subjectAltName=${names#,}" <<<"${key}")
  install_texts "${key}" "${chain}"
}

ensure_certbots() {
  ensure_dir "${acme_webroot}" 755 root:root
  ensure_authorities
  if is_of_authority "${directory}" && is_right "${lineage}/fullchain.pem"; then
    ensure_lineage_in_place
  else
    request_if_names_lead_here
  fi
  if systemctl is-active --quiet certbot.timer && systemctl is-enabled --quiet certbot.timer; then
    ok 'renewal of certificates'
  else
    change 'renewal of certificates' systemctl enable --quiet --now certbot.timer
  fi
}

ensure_lineage_in_place() { # has nginx use the certificate that certbot keeps
  local key='' chain=''
  contents_of "${lineage}/privkey.pem" key
  contents_of "${lineage}/fullchain.pem" chain
  if is_in_place "${key}" "${chain}"; then
    ok "certificate of ${app}"
  else
    change "certificate of ${app}" install_files "${lineage}/privkey.pem" "${lineage}/fullchain.pem"
  fi
}

# Asks the authority only if all names lead here: an authority allows only so many refused requests.
request_if_names_lead_here() {
  local name astray lost=''
  for name in "${domains[@]}"; do
    find_astray "${name}"
    [[ -z ${astray} ]] || lost=1
    [[ -z ${astray} ]] || say warn "certificate of ${app}" "none can be had for ${name}: ${astray}; $(what_goes_on)"
  done
  [[ -n ${lost} ]] || change_within 300 "certificate of ${app}" request_certificate "${directory}" "${email}"
}

ensure_server() { # has nginx serve the site by https; by http, as long as there is no certificate
  local other_default before_change=start_on_nginx
  look_at "${tls_file}" "${snippets}/roadie-tls.conf" "${catch_all_tls_file}"
  if [[ ! -e ${certificate} && -z ${planned["certificate of ${app} "]-} ]]; then
    ensure_absent "${tls_file}"
  else
    require_include
    fit_to_nginx server_conf
    fit_to_nginx profile_conf
    fit_to_nginx catch_all_tls
    find_other_default 443
    ensure_file "${snippets}/roadie-tls.conf" 644 root:root "${profile_conf}"
    if [[ -z ${other_default} ]]; then ensure_file "${catch_all_tls_file}" 644 root:root "${catch_all_tls}"; else ensure_absent "${catch_all_tls_file}"; fi
    ensure_file "${tls_file}" 644 root:root "${server_conf}"
  fi
  [[ ! -e ${certificate_due} ]] || touched=1
  ensure_applied 'reload of nginx' reload_to_certificate
  host_unlock
}

reload_to_certificate() {
  reload_nginx require_served
  drop_file "${certificate_due}"
}

ensure_off() { # the site answers by http
  local before_change=start_on_nginx
  ensure_absent "${tls_file}"
  ensure_applied 'reload of nginx' reload_nginx require_served
  host_unlock
  before_change=''
  ensure_absent "${certificate}"
}

require_include() { # fails unless the site's file for nginx, which may come from a template of the user's own, includes ${tls_file}
  local text=''
  [[ -z ${dry_run} ]] || return 0
  contents_of "${site_file}" text 2>/dev/null
  [[ ${text} == *"include snippets/roadie-tls-${app}.con[f];"* ]] ||
    fail "site ${app}" "nginx serves it by a file without the line 'include snippets/roadie-tls-${app}.con[f];': run fab nginx first; if nginx/site.nginx.j2 is your own, add that line to its server blocks"
}

fit_to_nginx() { # NAME: changes the text of this variable to what this nginx and this OpenSSL know
  local text=${!1} version=''
  has_ipv6 || text=$(grep -vF 'listen [::]:' <<<"${text}")
  version=$(nginx -v 2>&1) || version=''
  version=${version##*/}
  if [[ ${version} =~ ^1\.([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 25001)); then
    text=${text//$'http2 on;\n'/} text=${text//443 ssl/443 ssl http2}
  fi
  [[ $(openssl version) =~ ^OpenSSL\ ([4-9]|3\.([5-9]|[1-9][0-9])) ]] || text=${text/\?X25519MLKEM768:/}
  # An authority without OCSP, such as Let's Encrypt, names no responder in the certificate. Then stapling would only make nginx
  # warn.
  [[ -f ${certificate} && -n $(openssl x509 -in "${certificate}" -noout -ocsp_uri 2>/dev/null) ]] || text=${text/ssl_stapling on;$'\n'ssl_stapling_verify on;$'\n'/}
  printf -v "$1" %s "${text}"
}

require_site
if [[ ${by} != off ]]; then
  [[ -e ${tls_file} ]] || require_port 443
  ensure_dir "${certificate%/*}" 700 root:root
  ensure_file "${tools}/certificate" 755 root:root "${certificate_tool}"
fi
[[ ${by} == letsencrypt || ! -e ${renewal_file} && ! -e ${authority} ]] || change "no renewal by certbot" forget_lineage
case ${by} in
  letsencrypt) ensure_certbots ;;
  own) ensure_own ;;
  self-signed) ensure_self_signed ;;
  *) ensure_off ;;
esac
[[ ${by} == off ]] || ensure_server
