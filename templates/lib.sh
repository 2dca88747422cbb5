# The words that every stage speaks: ask, act, verify. Plain bash, no Jinja; the frame (stage.sh.j2) sets
# nonce, check, app, root and who before this runs.

went_back='' # in a rollback, from when the database is changed until the older release serves: what became of it
went_on='' # from when migrations are applied until their release serves: which, and the way back
stage='' doing='' cuttable_pid='' beside_pid='' stopping='' touched='' locked='' before_end='' state=/var/lib/roadie known_format=1
release='' release_dir='' work_dir='' venv_dir='' # of the release that the stages work on, once they know it
declare -A modes=() services=()
declare -A pid_files=([nginx]=/run/nginx.pid [supervisor]=/run/supervisord.pid [mariadb]=/run/mysqld/mysqld.pid [mysql]=/run/mysqld/mysqld.pid)

# ---- Saying ---------------------------------------------------------------------------------------------------

say() { # VERB WHAT [DETAIL]: into the log, also from where the output goes elsewhere
  local what=${2//\\/\\\\} detail=${3-}
  detail=${detail//\\/\\\\} what=${what//$'\t'/\\t} detail=${detail//$'\t'/\\t}
  printf '%s\t%s\t%s\t%s\t%s\n' "${nonce}" "$1" "${stage}" "${what//$'\n'/\\n}" "${detail//$'\n'/\\n}" >>"${log:-/dev/stdout}"
}

fail() { # WHAT WHY [CODE]
  trap - ERR
  local why=$2 code=${3:-6}
  disk_is_full && why="${why}; ${disk_full}"
  [[ -z ${went_on} ]] || why="${why}; ${went_on}"
  # The release that serves is not what it was, on a database that is behind it.
  [[ -z ${went_back} ]] || why="${why}; ${went_back}" code=7
  say failed "$1" "${why}"
  note_failure "$1"
  end_in_order
  # From a subshell the code says that the failure is told already; see on_error.
  ((BASH_SUBSHELL == 0)) || exit $((200 + code))
  exit "${code}"
}

note_failure() { # WHAT: for the list of releases
  [[ -d ${release_dir} && ! -e ${release_dir}/switched ]] || return 0
  printf '%s: %s\n' "${stage}" "$1" >"${release_dir}/failed" || :
}

end_in_order() { # what a stage named in before_end is done once, before a run ends early
  local last=${before_end}
  before_end=''
  [[ -z ${beside_pid} ]] || kill -KILL -- "-${beside_pid}" 2>/dev/null || :
  [[ -z ${last} ]] || "${last}" || :
}

run_output() { # prints all that was said so far
  cat -- "${log}" 2>/dev/null
}

step_output() { # prints what the running step's programs have said so far
  local begin
  begin=$(grep -abF -- "${nonce}"$'\tdoing\t' "${log}" 2>/dev/null | tail -n 1) || :
  begin=${begin%%:*}
  tail -c "+$((${begin:-0} + 1))" -- "${log}" 2>/dev/null | tail -n +2
}

cause() { # PATTERN [OUTPUT]: what they said last that matches, as one line
  "${2:-step_output}" | grep -aE -- "$1" | tail -n 5 |
    awk '!seen[$0]++ { gsub(/^[ \t]+|[ \t]+$/, ""); printf "%s%s", separator, $0; separator = "; " }' || :
}

disk_is_full() { # sets disk_full to the sentence that says which
  local where avail inodes
  disk_full=''
  while read -r where avail inodes; do
    [[ ${avail} == 0 || ${avail} == [1-9] || ${avail} == [1-9][0-9] ]] && disk_full="the disk of ${where} is full (${avail} KB free)"
    [[ ${inodes} == 0 ]] && disk_full="the disk of ${where} has no inode left"
  done < <(df -k --output=target,avail,iavail / /var /srv /tmp 2>/dev/null | tail -n +2)
  [[ -n ${disk_full} ]]
}

on_error() { # CODE COMMAND
  [[ ${BASH_SUBSHELL} == 0 ]] || exit "$1"
  ((200 < $1 && $1 < 208)) && exit $(($1 - 200))
  local why="exit code $1"
  [[ $1 != 137 ]] || why='killed (exit code 137; out of memory?)'
  [[ -n ${doing} ]] || why="${2%%$'\n'*}: ${why}"
  fail "${doing:-${stage:-start}}" "${why}; its last words are above, all of them in ${log} on the host"
}

# ---- Stopping -------------------------------------------------------------------------------------------------

on_term() {
  stopping=1
  [[ -n ${cuttable_pid} ]] || return 0
  kill -TERM -- "-${cuttable_pid}" 2>/dev/null || :
  for ((i = 0; i < 20; i++)); do
    kill -0 -- "-${cuttable_pid}" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-${cuttable_pid}" 2>/dev/null || :
  stop_if_asked
}

stop_if_asked() {
  [[ -n ${stopping} ]] || return 0
  trap - ERR
  say stopped "${doing:-${stage}}"
  end_in_order
  exit 130
}

cuttable() { # COMMAND...: runs it so that a stop ends it at once
  start_group "$@"
  cuttable_pid=$!
  await_cuttable
}

start_group() { # COMMAND...: in the background, as a group of processes that one signal ends
  stop_if_asked
  set -m
  ("$@") 8>&- 9>&- </dev/null &
  set +m
}

await_cuttable() { # returns its exit code
  local code=0
  note_cuttable
  [[ -z ${stopping} ]] || on_term # it may have come before there was a process
  wait "${cuttable_pid}" || code=$?
  cuttable_pid=''
  note_cuttable
  return "${code}"
}

note_cuttable() { # for the frame, which ends them if this shell is killed
  printf '%s' "${cuttable_pid:+-${cuttable_pid} }${beside_pid:+-${beside_pid}}" >"/run/roadie/${run_id}.cut"
}

begin_beside() { # COMMAND...: what only asks and may be ended at any time, beside the steps that follow, until end_beside
  start_group "$@"
  beside_pid=$!
  note_cuttable
}

end_beside() { # waits for it as cuttable does; returns its exit code
  cuttable_pid=${beside_pid} beside_pid=''
  await_cuttable
}

# ---- Acting: change is the only verb that alters a host ----------------------------------------------------------

change() { # WHAT COMMAND...: an atomic change, let finish when a stop is asked for
  act atomic "$@"
}

change_cuttable() { # WHAT COMMAND...: one that may be ended half way and done again
  act cut "$@"
}

act() { # cut|atomic WHAT COMMAND...
  local how=$1 what=$2
  shift 2
  touched=1
  if [[ -n ${check} ]]; then
    say would "${what}" "${note-}"
    return
  fi
  stop_if_asked
  prepare_change
  doing=${what}
  say doing "${what}" "${how}"
  if [[ ${how} == cut ]]; then cuttable "$@"; else "$@"; fi
  doing=''
  say changed "${what}" "${note-}"
}

prepare_change() { # what a stage named in before_change is done once, before the first thing it changes
  local first=${before_change-}
  [[ -n ${first} ]] || return 0
  before_change=''
  "${first}"
}

ok() { # WHAT
  say ok "$1"
}

# ---- Users ------------------------------------------------------------------------------------------------------

as_user() { # USER HOME COMMAND...: nothing of ours comes along: no lock, no log file, no environment
  local user=$1 home=$2 code=0 copier
  shift 2
  {
    setpriv --reuid="${user}" --regid="${user}" --init-groups --inh-caps=-all -- \
      env -i HOME="${home}" USER="${user}" LOGNAME="${user}" LC_ALL=C.UTF-8 SHELL=/bin/sh TMPDIR="${app_tmp:-/tmp}" \
      PATH=/usr/local/bin:/usr/bin:/bin "$@" || code=$?
  } > >(exec cat 8>&- 9>&-) 2>&1 8>&- 9>&- </dev/null
  copier=$!
  # A program that the app left behind may hold the pipe for ever: what it says later is not waited for.
  for ((i = 0; i < 60; i++)); do
    kill -0 "${copier}" 2>/dev/null || break
    if ((i < 20)); then sleep 0.005; else sleep 0.05; fi
  done
  return "${code}"
}

# ---- Locks ------------------------------------------------------------------------------------------------------

take_lock() { # one run at a time for the site: held by this process, so never stale
  local lock=/run/roadie/${app}.lock waited=0 limit=${wait_for_lock:-0}
  sweep_up
  exec 9>>"${lock}"
  until flock -n 9; do
    require_no_hold
    ((waited == 0)) && say waiting lock "$(lock_holder)"
    if ! holder_is_stopping && ((waited >= limit * 2)); then
      fail lock "locked by $(lock_holder); wait for it, or run again with --wait SECONDS" 4
    fi
    stop_if_asked
    sleep 0.5
    waited=$((waited + 1))
  done
  require_no_hold
  printf '%s\t%s\t%(%F %T)T UTC\t%s\t%s\n' "${run_id}" "${who}" -1 "${command}" "${revision-}" >"/run/roadie/${app}.who"
  locked=1
}

sweep_up() { # after runs that were killed, or that a power cut ended
  local path pid
  for path in /run/roadie/*.beat; do
    read -r pid <"${path}" || continue
    [[ -d /proc/${pid} ]] || rm -f -- "${path%beat}"*
  done
  for path in "${state}"/incoming/*; do
    [[ ! -f ${path} || -e /run/roadie/${path##*/}.beat ]] || rm -f -- "${path}"
  done
}

lock_holder() {
  local id by since what of step
  IFS=$'\t' read -r id by since what of 2>/dev/null <"/run/roadie/${app}.who" || :
  step=$(cat "/run/roadie/${app}.step" 2>/dev/null) || :
  printf '%s (%s, since %s, at step %s)' "${by:-a run that is starting}" "${what:-?}${of:+ of ${of}}" "${since:-now}" "${step:-start}"
}

holder_is_stopping() { # was told to stop, or has not heard from its controller for a while, or has yet to say who it is
  local id rest age
  IFS=$'\t' read -r id rest 2>/dev/null <"/run/roadie/${app}.who" || return 0
  [[ -e /run/roadie/${id}.stop || ! -e /run/roadie/${id}.beat ]] && return 0
  age=$(($(date +%s) - $(stat -c %Y "/run/roadie/${id}.beat" 2>/dev/null || echo 0)))
  ((age > 5))
}

require_no_hold() { # after the lock is had: whoever holds the site back looks at the lock after that, so one sees the other
  local file=${state}/held-${app}
  [[ ! -e ${file} ]] || fail lock "held back on purpose $(memo_in "${file}"); fab unlock lets go" 4
}

put_memo() { # FILE MESSAGE: who did something on purpose, since when and why; in one line that outlives a reboot
  local text
  printf -v text '%s\t%(%F %T)T UTC\t%s' "${who}" -1 "$2"
  put_file "$1" 600 root:root "${text}"
  sync -- "${1%/*}"
}

memo_in() { # FILE: prints it as the end of a sentence
  local by='' since='' why=''
  IFS=$'\t' read -r by since why 2>/dev/null <"$1" || :
  printf 'by %s since %s%s' "${by:-somebody}" "${since:-?}" "${why:+: ${why}}"
}

host_lock() { # for what all sites of a host share: apt, nginx, supervisor; always after the site's own
  [[ -z ${check} ]] || return 0
  exec 8>>/run/roadie/host.lock
  flock -n 8 && return
  say waiting 'host lock' 'another site of this host is being worked on'
  cuttable_wait_for_host_lock
}

cuttable_wait_for_host_lock() {
  for ((i = 0; i < 1200; i++)); do
    stop_if_asked
    flock -w 0.5 8 && return
  done
  fail 'host lock' 'held for 10 minutes by a run for another site; see /run/roadie on the host' 4
}

host_unlock() {
  [[ -n ${check} ]] || exec 8>&-
}

# ---- Stages -----------------------------------------------------------------------------------------------------

require_supported_host() {
  local ID='' VERSION_ID='' PRETTY_NAME='' format=0
  # shellcheck source=/dev/null
  [[ ! -r /etc/os-release ]] || . /etc/os-release
  case ${ID}:${VERSION_ID%%.*} in
    debian:1[2-9] | debian: | ubuntu:2[2-9]) ;;
    *) fail host "this is ${PRETTY_NAME:-no Linux that names itself}; roadie works on Debian 12 or later and Ubuntu 22.04 or later" 3 ;;
  esac
  [[ -d /run/systemd/system ]] || fail host 'systemd does not run here as the first process; roadie needs it' 3
  [[ ! -r ${state}/format ]] || read -r format <"${state}/format"
  ((format <= known_format)) || fail host "set up by a newer roadie (format ${format}, this one knows ${known_format}); upgrade roadie" 3
}

begin_stage() { # NAME SUMMARY
  stop_if_asked
  stage=$1 doing='' touched=''
  [[ -z ${locked} ]] || printf '%s\n' "$1" >"/run/roadie/${app}.step"
  say stage "$1" "$2"
}

# ---- Ensuring: ask first, change only what differs ------------------------------------------------------------------

contents_of() { # PATH NAME: without a process; the last newline is left out, as in $(...)
  local whole_file=''
  IFS= read -r -d '' whole_file <"$1" || :
  printf -v "$2" %s "${whole_file%$'\n'}"
}

look_at() { # PATH...: their modes and owners in one go; asked one by one, most of a run in which nothing changes goes there
  local path mode
  while IFS=$'\t' read -r path mode; do
    modes["${path}"]=${mode}
  done < <(stat --printf '%n\t%a %U:%G\n' -- "$@" 2>/dev/null)
}

ask_mode() { # PATH: sets mode_now, empty if nothing is there
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
    change "directory $1" make_dir "$@"
  fi
}

make_dir() { # PATH MODE OWNER: never -p, so that a parent of unknown mode cannot come about
  unset "modes[$1]"
  [[ -d $1 ]] || mkdir -m 700 -- "$1"
  chown -h -- "$3" "$1"
  chmod -- "$2" "$1"
}

ensure_link() { # PATH TARGET
  if [[ -L $1 && ($1 -ef $2 || $(readlink -- "$1") == "$2") ]]; then
    ok "link $1"
  elif [[ -e $1 && ! -L $1 ]]; then
    fail "link $1" 'something that is no link is there; move it away'
  else
    local note="to $2"
    change "link $1" replace_link "$1" "$2"
  fi
}

replace_link() { # PATH TARGET: by rename, so that it is never missing
  ln -sfn -- "$2" "$1.roadie-new"
  mv -fT -- "$1.roadie-new" "$1"
}

ensure_absent() { # PATH
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change "no $1" rm -f -- "$1"; fi
}

ensure_forgotten() { # PATH: of a file that roadie wrote; what a person changed in it is kept and named
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change "no $1" forget_file "$1"; fi
}

forget_file() { # PATH
  [[ -L $1 ]] || keep_hand_edit "$1"
  rm -f -- "$1" "${state}/files/${1//\//%}"
}

ensure_no_tree() { # PATH [USER]: a folder of the site's own, and all below it
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change_cuttable "no $1" remove_tree "$@"; fi
}

remove_tree() { # PATH [USER]: what a user can write goes by that user's own hand; a link goes, what it leads to stays
  [[ -z ${2-} || -L $1 ]] || as_user "$2" / find "$1" -mindepth 1 -delete || :
  rm -rf --one-file-system -- "$1"
}

ensure_file() { # PATH MODE OWNER CONTENT: writes it whole; what a person changed by hand is kept and named
  local path=$1 mode=$2 owner=$3 content=${4%$'\n'} now='' there='' note='' mode_now=''
  if [[ -f ${path} && ! -L ${path} ]]; then
    ask_mode "${path}"
    there=${mode_now}
    contents_of "${path}" now
    if [[ ${now} == "${content}" && ${there} == "${mode} ${owner}" ]]; then
      [[ -n ${check}${secret-} ]] || is_remembered "${path}" "${content}" || remember_file "${path}"
      ok "file ${path}"
      return
    fi
  elif [[ -e ${path} || -L ${path} ]]; then
    fail "file ${path}" 'something that is no plain file is there; move it away'
  fi
  note=$(show_difference "${path}" "${now}" "${content}" "${there}" "${mode} ${owner}")
  change "file ${path}" write_file "${path}" "${mode}" "${owner}" "${content}"
}

ensure_secret_file() { # PATH MODE OWNER CONTENT: as ensure_file, but no content ever reaches a log
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

write_file() { # PATH MODE OWNER CONTENT
  [[ -n ${secret-} ]] || keep_hand_edit "$1"
  put_file "$@"
  [[ -n ${secret-} ]] || remember_file "$1"
}

put_file() { # PATH MODE OWNER CONTENT: whole and on disk, or not at all
  local new=$1.roadie-new
  unset "modes[$1]"
  rm -f -- "${new}"
  (umask 077 && printf '%s\n' "$4" >"${new}")
  chown -- "$3" "${new}"
  chmod -- "$2" "${new}"
  sync -- "${new}"
  mv -fT -- "${new}" "$1"
}

is_remembered() { # PATH CONTENT
  local record=${state}/files/${1//\//%} known=''
  [[ -f ${record} ]] || return 1
  contents_of "${record}" known
  [[ ${known} == "$2" ]]
}

remember_file() { # PATH: what roadie last wrote, to tell a hand-made edit from a change of settings
  local copy=${state}/files/${1//\//%}
  [[ -d ${state}/files ]] || (umask 077 && mkdir -p -- "${state}/files")
  cp -- "$1" "${copy}.new"
  mv -f -- "${copy}.new" "${copy}"
}

keep_hand_edit() { # PATH
  local copy=${state}/files/${1//\//%} kept
  [[ -f $1 ]] || return 0
  [[ -f ${copy} && $(cat -- "${copy}") == "$(cat -- "$1")" ]] && return
  printf -v kept '/var/backups/roadie%s.%(%Y%m%dT%H%M%SZ)T' "$1" -1
  (umask 077 && mkdir -p -- "${kept%/*}")
  cp -p -- "$1" "${kept}"
  chmod 600 "${kept}"
  say kept "$1" "${kept}"
}

ensure_service() { # NAME: enabled and running
  ask_service "$1"
  case ${services["$1"]-not-found} in
    'loaded active enabled') ok "service $1" ;;
    not-found*) [[ -n ${check} ]] || fail "service $1" 'there is none of this name; run: fab bootstrap' ;; # it comes, running, with its package
    *) change "service $1" start_service "$1" ;;
  esac
}

start_service() { # NAME
  unset "services[$1]"
  systemctl enable --quiet --now -- "$1" || fail "service $1" "it does not start; see: journalctl -u $1"
}

is_service_up() { # NAME: as systemd keeps its books in files, so that asking costs no process; false if that tells nothing
  local pid='' groups=''
  [[ -L /etc/systemd/system/multi-user.target.wants/$1.service && -r ${pid_files["$1"]-} ]] || return 1
  contents_of "${pid_files["$1"]}" pid
  [[ ${pid} =~ ^[0-9]+$ && -r /proc/${pid}/cgroup ]] || return 1
  contents_of "/proc/${pid}/cgroup" groups
  [[ ${groups}$'\n' == *"/system.slice/$1.service"$'\n'* ]]
}

ask_service() { # NAME: sets services[NAME], of all that roadie knows in one go
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
    esac
  done < <(systemctl show -p Id,LoadState,ActiveState,UnitFileState -- "$1" mariadb mysql supervisor nginx)
}

ensure_applied() { # WHAT COMMAND...: a reload, due from the first change of this stage until it is done, however often that is cut
  if [[ -z ${touched} && -e ${state}/applied/${1// /-} ]]; then ok "$1"; else change "$1" apply "$@"; fi
}

apply() { # WHAT COMMAND...
  local record=${state}/applied/${1// /-}
  "${@:2}"
  [[ -d ${record%/*} ]] || (umask 077 && mkdir -p -- "${record%/*}")
  : >"${record}"
}

unapply() { # WHAT: before what it stands for changes
  rm -f -- "${state}/applied/${1// /-}"
}

is_installed() { # PACKAGE
  [[ $(dpkg-query -W -f='${db:Status-Status}' -- "$1" 2>/dev/null) == installed ]]
}

run_as_app() { # SCRIPT: a stage of the user's own, run as the app's user; its exit code decides
  if [[ -n ${check} ]]; then
    say would "script of ${stage}"
    return
  fi
  doing="script of ${stage}"
  say doing "${doing}" cut
  if [[ -n ${release_dir} ]]; then
    cuttable in_release bash -euo pipefail -c "$1"
  else
    cuttable as_user "${app}" "${root}/shared/home" env -C "${root}/shared/home" bash -euo pipefail -c "$1"
  fi
  doing=''
  say ran "script of ${stage}"
}

in_release() { # COMMAND...: as the app's user, with the environment of ${release_dir}, in the folder of manage.py
  as_user "${app}" "${root}/shared/home" /usr/local/lib/roadie/launch "${release_dir}" "$@"
}
