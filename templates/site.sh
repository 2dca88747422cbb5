# The words for what a site has on its host: what it claims as its own, and its secrets. Plain bash, no Jinja.

# ---- Claims: a name that roadie did not take is somebody else's ------------------------------------------------------

is_claimed() { # THING
  local file=${state}/sites/${app} text=''
  [[ -f ${file} ]] || return 1
  contents_of "${file}" text
  [[ $'\n'${text}$'\n' == *$'\n'"$1"$'\n'* ]]
}

claim() { # THING: on disk before the thing is made, so that a rerun after a cut knows its own
  local file=${state}/sites/${app} text=''
  [[ ! -f ${file} ]] || contents_of "${file}" text
  put_file "${file}" 600 root:root "${text}${text:+$'\n'}$1"
  sync -- "${file%/*}"
}

require_same_site() { # two projects of one name would take each other's code, domain and data
  local file=${state}/sites/${app} text='' line name known=' '
  [[ ! -f ${file} ]] || contents_of "${file}" text
  while IFS= read -r line; do
    [[ ${line} != 'domain '* ]] || known+="${line#domain } "
  done <<<"${text}"
  for name in "${domains[@]}"; do
    [[ ${known} != ' ' && ${known} != *" ${name} "* ]] || return 0
  done
  fail "site ${app}" "on this host that is the site of${known% }, and this project is for ${domains[*]}; choose another app:, or, if it is the same site, let domain: hold an old name too until it has moved"
}

find_taken() { # sets taken to what has the site's name already: a user, a group, or the first of its files and folders
  local name path
  taken=''
  for name in "${app}" "${build_user}"; do
    ! getent passwd "${name}" >/dev/null || { taken="a user ${name}" && return; }
    ! getent group "${name}" >/dev/null || { taken="a group ${name}" && return; }
  done
  for path in "${root}" "/var/log/${app}" "/run/${app}" "/etc/tmpfiles.d/${app}.conf" \
    "/etc/nginx/sites-available/${app}.conf" "/etc/nginx/sites-enabled/${app}.conf" \
    "/etc/supervisor/conf.d/${app}"{-blue,-green,}.conf; do
    [[ ! -e ${path} && ! -L ${path} ]] || { taken=${path} && return; }
  done
}

require_site() { # for a stage that is run alone
  is_claimed site || [[ -n ${check} ]] || fail "site ${app}" 'is not set up on this host; run: fab bootstrap'
}

# ---- Maintenance: a page for all visitors, shown exactly while the file `on` is there ---------------------------------

maintenance=${root}/maintenance

tell_maintenance() {
  [[ ! -e ${maintenance}/on ]] || say fact maintenance "$(memo_in "${maintenance}/on")"
}

# ---- Secrets: made on the host, once; one line each in shared/secrets ------------------------------------------------

random_hex() { # BYTES
  od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}

secret_value() { # VARIABLE: prints what shared/secrets has for it, if anything
  local text=''
  [[ -f ${root}/shared/secrets ]] || return 0
  contents_of "${root}/shared/secrets" text
  [[ ! $'\n'${text}$'\n' =~ $'\n'"$1='"([^\']*)"'"$'\n' ]] || printf %s "${BASH_REMATCH[1]}"
}

ensure_secret() { # VARIABLE MAKER [NAME]...: under its own name and those that the project knows it by; MAKER prints a new one
  local file=${root}/shared/secrets text='' name mode_now='' missing=''
  if [[ -f ${file} ]]; then
    contents_of "${file}" text
    ask_mode "${file}"
  fi
  for name in "$1" "${@:3}"; do
    [[ $'\n'${text} == *$'\n'"${name}="* ]] || missing+=" ${name}"
  done
  if [[ -z ${missing} && ${mode_now} == "640 root:${app}" ]]; then
    ok "secret $1"
  else
    local note="${missing:+adds${missing} to }${file}, mode 640, owner root:${app}"
    change "secret $1" add_secret "$@"
  fi
}

add_secret() { # VARIABLE MAKER [NAME]...
  local file=${root}/shared/secrets text='' name value
  [[ ! -f ${file} ]] || contents_of "${file}" text
  value=$(secret_value "$1")
  [[ -n ${value} ]] || value=$("$2")
  for name in "$1" "${@:3}"; do
    [[ $'\n'${text} == *$'\n'"${name}="* ]] || text+=${text:+$'\n'}${name}="'${value}'"
  done
  put_file "${file}" 640 "root:${app}" "${text}"
  sync -- "${file%/*}"
}

# ---- Users -----------------------------------------------------------------------------------------------------------

end_build_user() {
  signal_all_of "${build_user}" KILL
}

signal_all_of() { # USER SIGNAL: whatever it still runs, all at once, so that nothing forks away
  [[ $(id -u -- "$1") != 0 ]] || fail "user $1" 'is root by another name; take it away'
  setpriv --reuid="$1" --regid="$1" --clear-groups -- bash -c "kill -$2 -1" 2>/dev/null || :
}

runs_anything() { # USER
  grep -qsE "^Uid:[[:space:]]+$(id -u -- "$1")[[:space:]]" /proc/[0-9]*/status
}

# ---- Ports -----------------------------------------------------------------------------------------------------------

require_port_80() { # nginx needs it; a program that has it is named and left alone
  local inode path pid
  inode=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" && $2 ~ /:0050$/ { print $10; exit }') || :
  [[ -n ${inode} ]] || return 0
  path=$(find /proc/[0-9]*/fd -lname "socket:\[${inode}\]" -print -quit 2>/dev/null) || :
  pid=${path#/proc/} pid=${pid%%/*}
  [[ $(cat "/proc/${pid}/comm" 2>/dev/null) != nginx ]] || return 0
  fail 'port 80' "is taken by $(cat "/proc/${pid}/comm" 2>/dev/null || echo 'some program') (process ${pid:-?}); nginx needs it: stop that program, or move it to another port, and run again"
}
