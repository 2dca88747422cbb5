# The words for a site on its host: which names and things belong to it, and whether visitors see it. Plain bash, no Jinja.

# ---- Claims: what the claim file does not list belongs to somebody else ----------------------------------------------

is_claimed() { # THING
  local text=''
  [[ -f ${claim_file} ]] || return 1
  contents_of "${claim_file}" text
  [[ $'\n'${text}$'\n' == *$'\n'"$1"$'\n'* ]]
}

claim() { # THING: call this before you make the thing: if the run is cut, the next run knows that the thing is roadie's
  local text=''
  [[ ! -f ${claim_file} ]] || contents_of "${claim_file}" text
  put_file "${claim_file}" 600 root:root "${text}${text:+$'\n'}$1"
}

ensure_claim() { # WHAT THING [REFUSE]: claims the thing; before that, calls REFUSE, which fails if it is somebody else's
  if is_claimed "$2"; then
    ok "claim of $1"
  else
    [[ -z ${3-} ]] || "$3"
    change "claim of $1" claim "$2"
  fi
}

require_same_site() { # refuses a second project of the same name: both would use the same code, domain and data
  local text='' line name known=' '
  [[ ! -f ${claim_file} ]] || contents_of "${claim_file}" text
  while IFS= read -r line; do
    [[ ${line} != 'domain '* ]] || known+="${line#domain } "
  done <<<"${text}"
  for name in "${domains[@]}"; do
    [[ ${known} != ' ' && ${known} != *" ${name} "* ]] || return 0
  done
  fail "site ${app}" "on this host this name belongs to the site of${known% }, and this project is for ${domains[*]}; choose another app:, or, if both are the same site, keep one of its old names in domain: for the next bootstrap"
}

# Fails if the site's data is in another kind of database. The claim of the default kind does not name the kind.
require_same_database() {
  local text='' line kind
  [[ ! -f ${claim_file} ]] || contents_of "${claim_file}" text
  while IFS= read -r line; do
    [[ ${line} == database || ${line} == 'database '* ]] || continue
    [[ ${line} != "${database_claim}" ]] || return 0
    kind=${line#database} kind=${kind# }
  done <<<"${text}"
  [[ -z ${kind+known} ]] ||
    fail "database ${app}" "this site's data is in ${kind:=${default_database}} on this host, and the settings or the project now say ${database_kind}; write database: ${kind}, or move the data: see Another database in docs/how-it-works.rst" 2
}

find_taken() { # sets taken to a user, a group or a path that has the site's name already; empty if there is none
  local name place path
  taken=''
  for name in "${app}" "${build_user}"; do
    ! getent passwd "${name}" >/dev/null || { taken="a user ${name}" && return; }
    ! getent group "${name}" >/dev/null || { taken="a group ${name}" && return; }
  done
  for place in "${root}" "${others_program}" "${made_again[@]}" "${kept_until_purge[@]}"; do
    path=$(compgen -G "${place% *}") || continue
    # Only roadie writes into its own folders, so nothing there is somebody else's.
    [[ ${path} == */roadie/* ]] || { taken=${path%%$'\n'*} && return; }
  done
}

require_site() { # fails if the site was not set up on this host
  is_claimed site || [[ -n ${dry_run} ]] || fail "site ${app}" 'is not set up on this host; run: fab bootstrap'
}

require_whole_site() { # fails if the site lacks something that a release needs
  require_site
  [[ -d ${root}/releases ]] || fail "site ${app}" 'was taken off this host, or is only partly set up here; run: fab bootstrap'
  require_enclosure
}

# ---- Programs: Supervisor starts enclose as root. It makes a control group and a socket, and becomes the program -------

# FILE: has the programs of this file run by enclose, also if an earlier roadie or a template of the user's own wrote the file. A
# running program goes on as it is. Supervisor reads the file when it starts the program the next time.
ensure_enclosed() {
  local text program_text
  [[ -f $1 ]] || return 0
  contents_of "$1" text
  enclose_text "${text}"
  [[ ${program_text} == "${text}" ]] || change "program file $1" put_file "$1" 644 root:root "${program_text}"
}

require_enclosure() {
  [[ -x ${tools}/enclose ]] || fail "site ${app}" 'was set up on this host by an earlier roadie; run: fab bootstrap'
}

enclose_text() { # TEXT: sets program_text to the same programs, run by enclose
  local line name=''
  program_text=$1
  [[ $1 != *"=${tools}/enclose "* ]] || return 0
  program_text=''
  while IFS= read -r line; do
    case ${line} in
      '[program:'*) name=${line#*:} name=${name%%]*} ;;
      command*=*) line="command=${tools}/enclose ${app} ${name} 60 ${line#*=}" ;;
      user*=*) continue ;;
      *) ;;
    esac
    program_text+=${program_text:+$'\n'}${line}
  done <<<"$1"
}

# ---- What an earlier run left half done ------------------------------------------------------------------------------

tell_half_done() { # at the start of every command: names each migration that an earlier run left half done
  local name dump
  [[ -s ${half_applied} ]] || return 0
  while IFS=$'\t' read -r name dump; do
    dump=${dump%%$'\t'*}
    [[ ! -f ${dump} ]] || dump="; to load the dump from before: fab migrate --restore-dump ${dump}"
    say warn "migration ${name}" "an earlier run ended half way through it; put its tables right by hand and run fab migrate${dump}; if the code has no such migration any more: fab migrate --put-right ${name}"
  done <"${half_applied}"
}

# ---- Maintenance: nginx shows visitors a page exactly while the file `on` exists -------------------------------------

tell_maintenance() {
  [[ ! -e ${maintenance}/on ]] || say fact maintenance "$(memo_in "${maintenance}/on")"
}

# Reports the sum of the site's nginx file as the settings made it. If the file is no longer as roadie wrote it, reports the
# sum of the file itself.
tell_nginx() {
  local sum='' given='' written=''
  [[ ! -f ${nginx_given} ]] || read -r given written <"${nginx_given}"
  # An earlier roadie left no record. Without IPv6 it wrote less than the settings made, so the file's sum tells nothing.
  [[ -n ${written} ]] || has_ipv6 || return 0
  read -r sum _ < <(sha256sum -- "${site_file}" 2>/dev/null) || :
  [[ ${sum} != "${written}" ]] || sum=${given}
  say fact nginx "${sum}"
}

is_https() { # whether nginx serves the site by https; then the certificate is there
  local text=''
  [[ -e ${tls_file} ]] || return 1
  contents_of "${site_file}" text 2>/dev/null
  [[ ${text} == *"/roadie-tls-${app}.con"* ]]
}

host_mark() { # prints a mark of this host, which nginx answers, so that a name of the site is known to lead here
  local id=''
  contents_of /etc/machine-id id 2>/dev/null
  printf 'roadie of %s' "${id}" | sha256sum | cut -c 1-16
}

has_ipv6() { # without IPv6, nginx refuses a configuration that listens on [::]
  [[ -e /proc/net/if_inet6 ]]
}
