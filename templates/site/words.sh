# The words for what a site has on its host: what it claims as its own, and whether visitors see it. Plain bash, no Jinja.

# ---- Claims: a name that roadie did not take is somebody else's ------------------------------------------------------

is_claimed() { # THING
  local text=''
  [[ -f ${claim_file} ]] || return 1
  contents_of "${claim_file}" text
  [[ $'\n'${text}$'\n' == *$'\n'"$1"$'\n'* ]]
}

claim() { # THING: on disk before the thing is made, so that a rerun after a cut knows its own
  local text=''
  [[ ! -f ${claim_file} ]] || contents_of "${claim_file}" text
  put_file "${claim_file}" 600 root:root "${text}${text:+$'\n'}$1"
  sync -- "${claim_file%/*}"
}

require_same_site() { # two projects of one name would take each other's code, domain and data
  local text='' line name known=' '
  [[ ! -f ${claim_file} ]] || contents_of "${claim_file}" text
  while IFS= read -r line; do
    [[ ${line} != 'domain '* ]] || known+="${line#domain } "
  done <<<"${text}"
  for name in "${domains[@]}"; do
    [[ ${known} != ' ' && ${known} != *" ${name} "* ]] || return 0
  done
  fail "site ${app}" "on this host that is the site of${known% }, and this project is for ${domains[*]}; choose another app:, or, if it is the same site, let domain: hold an old name too until it has moved"
}

find_taken() { # sets taken to what has the site's name already: a user, a group, or the first of its places that is there
  local name place path
  taken=''
  for name in "${app}" "${build_user}"; do
    ! getent passwd "${name}" >/dev/null || { taken="a user ${name}" && return; }
    ! getent group "${name}" >/dev/null || { taken="a group ${name}" && return; }
  done
  for place in "${root}" "${others_program}" "${made_again[@]}" "${kept_until_purge[@]}"; do
    path=$(compgen -G "${place% *}") || continue
    # In roadie's own folders nobody else has anything.
    [[ ${path} == */roadie/* ]] || { taken=${path%%$'\n'*} && return; }
  done
}

require_site() { # for a stage that is run alone
  is_claimed site || [[ -n ${dry_run} ]] || fail "site ${app}" 'is not set up on this host; run: fab bootstrap'
}

require_whole_site() { # for a release
  require_site
  [[ -d ${root}/releases ]] || fail "site ${app}" 'is not wholly set up on this host; run: fab bootstrap'
}

# ---- Maintenance: a page for all visitors, shown exactly while the file `on` is there ---------------------------------

tell_maintenance() {
  [[ ! -e ${maintenance}/on ]] || say fact maintenance "$(memo_in "${maintenance}/on")"
}

tell_nginx() { # the sum of the site's file as the settings made it; of the file as it is, if it is not what roadie wrote
  local sum='' given='' written=''
  [[ ! -f ${nginx_given} ]] || read -r given written <"${nginx_given}"
  # An earlier roadie left no record. Where it wrote less than the settings made, the file alone tells nothing.
  [[ -n ${written} ]] || has_ipv6 || return 0
  read -r sum _ < <(sha256sum -- "${site_file}" 2>/dev/null) || :
  [[ ${sum} != "${written}" ]] || sum=${given}
  say fact nginx "${sum}"
}

has_ipv6() { # else nginx takes no configuration that listens there
  [[ -e /proc/net/if_inet6 ]]
}
