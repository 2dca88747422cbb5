# The words that ensure a state: they look first, and change only what differs. Plain bash, no Jinja.

# PATH...: sets modes[PATH] to the mode and owner of each, with one process. Without this, a run that changes nothing would spend
# most of its time on a process for each path.
look_at() {
  local path mode
  while IFS=$'\t' read -r path mode; do
    modes["${path}"]=${mode}
  done < <(stat --printf '%n\t%a %U:%G\n' -- "$@" 2>/dev/null)
}

ask_mode() { # PATH: sets mode_now to the mode and owner; empty if the path does not exist
  [[ -n ${modes["$1"]-} ]] || look_at "$1"
  mode_now=${modes["$1"]-}
}

ensure_dir() { # PATH MODE OWNER
  local mode_now=''
  ask_mode "$1"
  if [[ -d $1 && ! -L $1 && ${mode_now} == "$2 $3" ]]; then
    ok "directory $1"
  elif [[ -e $1 && ! -d $1 || -L $1 ]]; then
    fail "directory $1" 'something else is there; move it away'
  else
    local note="mode $2, owner $3"
    [[ -z ${mode_now} ]] || note="mode and owner ${mode_now}, should be $2 $3"
    change "directory $1" make_dir "$@"
  fi
}

make_dir() { # PATH MODE OWNER: without -p, which would make parents with a mode that nobody chose
  unset "modes[$1]"
  [[ -d $1 ]] || mkdir -m 700 -- "$1"
  chown -h -- "$3" "$1"
  chmod -- "$2" "$1"
}

# WHAT FOLDER PATH: clears this path in a folder of root's, and makes the folders above it. The project or a package may have a link
# among those folders, and root follows no link.
clear_place() {
  local parent=$2 rest=$3
  while [[ ${rest} == */* ]]; do
    parent+=/${rest%%/*} rest=${rest#*/}
    [[ ! -L ${parent} ]] && [[ -d ${parent} || ! -e ${parent} ]] ||
      fail "$1" "$3 cannot be there, as ${parent#"$2/"} is no plain folder; choose another path"
    [[ -d ${parent} ]] || make_dir "${parent}" 750 "root:${app}"
  done
  rm -rf -- "${2:?}/$3"
}

ensure_link() { # PATH TARGET
  if [[ -L $1 && ($1 -ef $2 || $(readlink -- "$1") == "$2") ]]; then
    ok "link $1"
  elif [[ -e $1 && ! -L $1 ]]; then
    fail "link $1" 'something that is no link is there; move it away'
  else
    local note="to $2"
    [[ ! -L $1 ]] || note="leads to $(readlink -- "$1"), should lead to $2"
    change "link $1" replace_link "$1" "$2"
  fi
}

ensure_absent() { # PATH
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change "no $1" drop_file "$1"; fi
}

ensure_file() { # PATH MODE OWNER CONTENT: replaces the whole file; saves and names a version that was edited by hand
  local path=$1 mode=$2 owner=$3 content=${4%$'\n'} now='' there='' note='' mode_now=''
  if [[ -f ${path} && ! -L ${path} ]]; then
    ask_mode "${path}"
    there=${mode_now}
    contents_of "${path}" now
    if [[ ${now} == "${content}" && ${there} == "${mode} ${owner}" ]]; then
      [[ -n ${dry_run}${secret-} ]] || is_remembered "${path}" "${content}" || remember_file "${path}"
      ok "file ${path}"
      return
    fi
  elif [[ -e ${path} || -L ${path} ]]; then
    fail "file ${path}" 'something that is no plain file is there; move it away'
  fi
  note=$(show_difference "${path}" "${now}" "${content}" "${there}" "${mode} ${owner}")
  [[ -z ${dry_run} ]] || ! is_hand_edit "${path}" "${now}" || note="edited by hand"$'\n'"${note}"
  change "file ${path}" write_file "${path}" "${mode}" "${owner}" "${content}"
}

ensure_secret_file() { # PATH MODE OWNER CONTENT: like ensure_file, but logs and copies no content
  local secret=1
  ensure_file "$@"
}

show_difference() { # PATH NOW CONTENT MODE_NOW MODE
  [[ -z $4 || $4 == "$5" ]] || printf 'mode and owner %s, should be %s\n' "$4" "$5"
  [[ "$2" != "$3" ]] || return 0
  if [[ -n ${secret-} ]]; then
    printf 'content differs (not shown)'
  else
    diff -u --label "$1 (now)" --label "$1" <(printf '%s' "${2:+$2$'\n'}") <(printf '%s\n' "$3") || :
  fi
}

# OLD NEW: for a dry run: tells which variables differ between two texts with lines NAME=VALUE. It tells only names, as the values
# may be secrets.
tell_variables() {
  local -A before=() after=()
  local line name
  while IFS= read -r line; do [[ ${line} != [A-Za-z_]*=* ]] || before["${line%%=*}"]=${line#*=}; done <<<"$1"
  while IFS= read -r line; do [[ ${line} != [A-Za-z_]*=* ]] || after["${line%%=*}"]=${line#*=}; done <<<"$2"
  for name in "${!after[@]}"; do
    if [[ -z ${before["${name}"]+known} ]]; then
      say fact variable "added ${name}"
    elif [[ ${before["${name}"]} != "${after["${name}"]}" ]]; then
      say fact variable "changed ${name}"
    fi
  done
  for name in "${!before[@]}"; do
    [[ -n ${after["${name}"]+known} ]] || say fact variable "removed ${name}"
  done
}

write_file() { # PATH MODE OWNER CONTENT
  [[ -n ${secret-} ]] || keep_hand_edit "$1"
  put_file "$@"
  [[ -n ${secret-} ]] || remember_file "$1"
}

is_hand_edit() { # PATH CONTENT: the file is there, and somebody else than roadie wrote its content
  [[ -f $1 && -z ${secret-} ]] && ! is_remembered "$1" "$2"
}

is_remembered() { # PATH CONTENT
  local record=${state}/files/${1//\//%} known=''
  [[ -f ${record} ]] || return 1
  contents_of "${record}" known
  [[ ${known} == "$2" ]]
}

remember_file() { # PATH: keeps a copy of what roadie wrote, to tell an edit by hand from a change of settings
  local copy=${state}/files/${1//\//%}
  [[ -d ${state}/files ]] || (umask 077 && mkdir -p -- "${state}/files")
  cp -- "$1" "${copy}.new"
  move_over "${copy}.new" "${copy}"
}

keep_hand_edit() { # PATH: saves the file, and names the copy, if somebody else than roadie wrote it
  local now='' kept
  [[ -f $1 ]] || return 0
  contents_of "$1" now
  ! is_remembered "$1" "${now}" || return 0
  printf -v kept '%s%s.%(%Y%m%dT%H%M%SZ)T' "${backups}" "$1" -1
  (umask 077 && mkdir -p -- "${kept%/*}")
  cp -p -- "$1" "${kept}"
  chmod 600 "${kept}"
  sync -- "${kept}" "${kept%/*}" # before the edit itself is replaced
  say kept "$1" "${kept}"
}

ensure_service() { # NAME: has the service enabled and running
  ask_service "$1"
  case ${services["$1"]-not-found} in
    'loaded active enabled') ok "service $1" ;;
    not-found*) [[ -n ${dry_run} ]] || fail "service $1" 'there is none of this name; run: fab bootstrap' ;; # in a dry run its package may still be missing
    *) change_within 120 "service $1" start_service "$1" ;;
  esac
}

start_service() { # NAME
  unset "services[$1]"
  systemctl enable --quiet --now -- "$1" || fail "service $1" "it does not start; see: journalctl -u $1"
}

# NAME: whether the files of systemd, read without a process, show that the service is enabled and running. False may also mean that
# they do not show it.
is_service_up() {
  local pid='' groups=''
  [[ -L /etc/systemd/system/multi-user.target.wants/$1.service && -r ${pid_files["$1"]-} ]] || return 1
  contents_of "${pid_files["$1"]}" pid
  [[ ${pid} =~ ^[0-9]+$ && -r /proc/${pid}/cgroup ]] || return 1
  contents_of "/proc/${pid}/cgroup" groups
  [[ ${groups}$'\n' == *"/system.slice/$1.service"$'\n'* ]]
}

ask_service() { # NAME: sets services[NAME]; if systemctl must be asked, sets all services that roadie knows in one call
  local key value id=''
  [[ -z ${services["$1"]-} ]] || return 0
  if is_service_up "$1"; then
    services["$1"]='loaded active enabled'
    return
  fi
  while IFS='=' read -r key value; do
    case ${key} in
      Id) id=${value%.service} ;;
      LoadState) services["${id}"]=${value} ;;
      ActiveState | UnitFileState) services["${id}"]+=" ${value}" ;;
      *) ;;
    esac
  done < <(systemctl show -p Id,LoadState,ActiveState,UnitFileState -- "$1" "${!pid_files[@]}")
}

# WHAT COMMAND...: for a reload. The reload is due from the first change of the stage until it has succeeded, also if runs are cut
# in between. For that, the stage calls `unapply`, which deletes the record of success, before its first change.
ensure_applied() {
  if [[ -z ${touched} && -e ${state}/applied/${1// /-} ]]; then ok "$1"; else change "$1" apply "$@"; fi
}

apply() { # WHAT COMMAND...: runs the command, then records its success
  local record=${state}/applied/${1// /-}
  "${@:2}"
  [[ -d ${record%/*} ]] || (umask 077 && mkdir -p -- "${record%/*}")
  : >"${record}"
}

unapply() { # WHAT: makes the reload due; call this before you change the files that it applies
  [[ ! -d ${state}/applied ]] || drop_file "${state}/applied/${1// /-}"
}

# FOLDER SETTINGS: has systemd run a service with these settings of roadie's. systemd reads them now, and restarts nothing.
ensure_unit() {
  local before_change=begin_unit
  look_at "$1" "$1/roadie.conf"
  ensure_dir "$1" 755 root:root
  ensure_file "$1/roadie.conf" 644 root:root "$2"
  ensure_applied 'reload of systemd' systemctl daemon-reload
}

begin_unit() {
  host_lock
  unapply 'reload of systemd'
}

is_installed() { # PACKAGE
  [[ $(dpkg-query -W -f='${db:Status-Status}' -- "$1" 2>/dev/null) == installed ]]
}
