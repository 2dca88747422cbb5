# The words for the certificate of a site: whether it is right, where the site's names lead, and what certbot says. Plain
# bash, no Jinja.

# ---- Whether a certificate is right ----------------------------------------------------------------------------------

is_right() { # FILE: whether the certificate is for exactly the site's names, and more than a quarter of its life is left
  local names wanted name begin='' end='' now
  [[ -f $1 ]] || return 1
  names=$(openssl x509 -in "$1" -noout -ext subjectAltName 2>/dev/null | grep -oE 'DNS:[^, ]+' | sort -u) || return 1
  wanted=$(printf 'DNS:%s\n' "${domains[@]}" | sort -u)
  [[ ${names} == "${wanted}" ]] || return 1
  read_life "$1"
  printf -v now '%(%s)T' -1
  (((end - now) * 4 > end - begin))
}

read_life() { # FILE: sets begin and end to seconds
  local dates
  dates=$(openssl x509 -in "$1" -noout -startdate -enddate)
  begin=${dates#*notBefore=} begin=${begin%%$'\n'*} end=${dates#*notAfter=}
  begin=$(date -d "${begin}" +%s) end=$(date -d "${end%%$'\n'*}" +%s)
}

is_self_signed() { # FILE
  [[ -f $1 && $(openssl x509 -in "$1" -noout -issuer 2>/dev/null) == *'self-signed by roadie' ]]
}

is_of_authority() { # DIRECTORY: whether certbot renews the certificate, and asks this authority
  [[ -f ${renewal_file} && -f ${lineage}/fullchain.pem ]] || return 1
  [[ $(sed -nE 's/^server *= *//p' "${renewal_file}") == "$1" ]] && grep -qF -- "${tools}/certificate ${app}" "${renewal_file}"
}

is_in_place() { # KEY CHAIN: whether the certificate that nginx has is the one in these texts
  local text=''
  [[ -f ${certificate} ]] || return 1
  contents_of "${certificate}" text
  [[ ${text} == "$1"$'\n'"$2" ]]
}

# ---- Where the site's names lead -------------------------------------------------------------------------------------

# NAME: if DNS leads visitors of this name to another host, sets astray to what DNS says. An address that gives no answer may
# still be this host, which may be unable to reach itself through its router. Then only the authority can tell.
find_astray() {
  local address said addresses=() here
  here=$(hostname -I 2>/dev/null) || here=''
  astray=''
  # Ask only DNS: /etc/hosts may lead the host's own name to the host.
  mapfile -t addresses < <(timeout 20 getent -s dns ahosts "$1" | awk '{ print $1 }' | sort -u)
  [[ ${#addresses[@]} != 0 ]] || { astray="DNS has no address for $1" && return; }
  for address in "${addresses[@]}"; do
    [[ " ${here} " != *" ${address} "* ]] || continue
    said=$(ask_plainly 5 -s -m 5 -w '\n%{http_code}' --resolve "$1:80:${address/*:*/[${address}]}" "http://$1/.well-known/acme-challenge/roadie") || :
    [[ -n ${said} && ${said##*$'\n'} != 000 && ${said} != "$(host_mark)"$'\n'* ]] || continue
    astray="DNS leads $1 to ${address}, where another host answers; this host is ${here% }"
  done
}

# ---- certbot ---------------------------------------------------------------------------------------------------------

request_certificate() { # DIRECTORY EMAIL
  local tries words=(certonly --non-interactive --agree-tos --server "$1" --webroot --webroot-path "${acme_webroot}")
  words+=(--cert-name "roadie-${app}" --force-renewal --renew-with-new-domains --deploy-hook "${tools}/certificate ${app}")
  if [[ -n $2 ]]; then words+=(--email "$2"); else words+=(--register-unsafely-without-email); fi
  words+=("${domains[@]/#/--domain=}")
  # If certbot was cut in its first work for the site, its next certificate would get another name.
  [[ -s ${renewal_file} && -e ${lineage}/fullchain.pem && -e ${lineage}/privkey.pem ]] || rm -rf -- "${certbots[@]}"
  for ((tries = 0; tries < 20; tries++)); do
    ask_certbot "${words[@]}" && return
    [[ $(step_output) == *'Another instance of Certbot is already running'* ]] || break
    sleep 3
  done
  fail "certificate of ${app}" "$(why_certbot_failed); $(what_goes_on)"
}

ask_certbot() { # ARGUMENT...: certbot trusts the authorities of the setting `ca` too
  local trusted=()
  [[ ! -e ${authorities} ]] || trusted=("REQUESTS_CA_BUNDLE=${authorities}")
  env "${trusted[@]}" LC_ALL=C.UTF-8 certbot "$@" </dev/null
}

why_certbot_failed() {
  local said why
  said=$(step_output)
  why=$(sed -nE 's/^ +(Domain|Detail): +(.*)/\2/p' <<<"${said}" | paste -d '\t' - - | sort -u | head -n 3 | sed 's/\t/: /' | paste -sd '|' | sed 's/|/; /g')
  [[ -n ${why} ]] || why=$(sed -n '/An unexpected error occurred:/{n;p;q}' <<<"${said}")
  printf '%s' "${why:-$(grep -vE '^ *$|^Saving debug log|^Ask for help' <<<"${said}" | tail -n 1)}" | cut -c 1-600
}

what_goes_on() { # prints what visitors get meanwhile, and what to do
  local begin end what='the site goes on by http'
  if [[ -f ${certificate} ]]; then
    read_life "${certificate}"
    printf -v what 'the site goes on with its certificate, which ends %(%F)T' "${end}"
  fi
  printf '%s; put that right, and run: fab tls' "${what}"
}

forget_lineage() { # certbot renews the certificate no more
  rm -rf -- "${certbots[@]}" "${authority}"
}
