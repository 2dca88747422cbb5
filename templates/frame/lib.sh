# The words that every stage speaks: ask, act, verify. Plain bash, no Jinja; the frame (frame/stage.sh.j2) sets
# nonce, dry_run, app and who before this runs.

went_back='' # in a rollback, from when the database is changed until the older release serves: what became of it
went_on='' # from when migrations are applied until their release serves: which, and the way back
stage='' stage_depth=0 doing='' cuttable_pid='' apart_pid='' stopping='' touched='' locked='' before_end='' known_format=1
release='' release_dir='' work_dir='' venv_dir='' # of the release that the stages work on, once they know it
declare -A modes=() services=()
declare -A pid_files=([nginx]=/run/nginx.pid [supervisor]=/run/supervisord.pid) # a kind of database adds its own

# ---- Saying ---------------------------------------------------------------------------------------------------

say() { # VERB WHAT [DETAIL]: into the log, also from where the output goes elsewhere
  local what=${2//\\/\\\\} detail=${3-}
  detail=${detail//\\/\\\\} what=${what//$'\t'/\\t} detail=${detail//$'\t'/\\t}
  printf '%s\t%s\t%s\t%s\t%s\n' "${nonce}" "$1" "${stage}" "${what//$'\n'/\\n}" "${detail//$'\n'/\\n}" >>"${log:-/proc/$$/fd/1}"
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
  [[ ${BASH_SUBSHELL} == "${stage_depth}" ]] || exit "$1"
  ((200 < $1 && $1 < 208)) && exit $((stage_depth ? $1 : $1 - 200))
  local why="exit code $1"
  [[ $1 != 137 ]] || why='killed (exit code 137; out of memory?)'
  [[ -n ${doing} ]] || why="${2%%$'\n'*}: ${why}"
  fail "${doing:-${stage:-start}}" "${why}; its last words are above${log:+, all of them in ${log} on the host}"
}

# ---- Stopping -------------------------------------------------------------------------------------------------

on_term() {
  stopping=1
  [[ -z ${apart_pid} ]] || kill -TERM "${apart_pid}" 2>/dev/null || :
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

cuttable() { # COMMAND...: runs it, as a group of processes, so that a stop ends it at once; returns its exit code
  local code=0
  stop_if_asked
  set -m
  ("$@") 8>&- 9>&- </dev/null &
  set +m
  cuttable_pid=$!
  note_cuttable
  [[ -z ${stopping} ]] || on_term # it may have come before there was a process
  wait "${cuttable_pid}" || code=$?
  cuttable_pid=''
  note_cuttable
  return "${code}"
}

run_apart() { # FUNCTION: in a process of its own, with which its functions and variables end; it hears of a stop too
  local code=0
  apart "$1" &
  apart_pid=$!
  [[ -z ${stopping} ]] || on_term # it may have come before there was a process
  wait "${apart_pid}" || code=$?
  # A signal ends the wait, and not the process.
  while kill -0 "${apart_pid}" 2>/dev/null; do
    code=0
    wait "${apart_pid}" || code=$?
  done
  apart_pid=''
  stop_if_asked
  [[ ${code} == 0 ]] || on_error "${code}" "$1"
}

apart() { # FUNCTION
  stage_depth=${BASH_SUBSHELL} # what fails here is told here, where it is known
  trap on_term TERM
  "$1"
}

note_cuttable() { # for the frame, which ends it if this shell is killed
  printf '%s' "${cuttable_pid:+-${cuttable_pid}}" >"/run/roadie/${run_id}.cut"
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
  if [[ -n ${dry_run} ]]; then
    say would "${what}" "${note-}"
    return
  fi
  prepare_change
  begin_step "${what}" "${how}"
  if [[ ${how} == cut ]]; then cuttable "$@"; else "$@"; fi
  doing=''
  say changed "${what}" "${note-}"
}

begin_step() { # WHAT cut|atomic: unless the run is to stop; it is over when doing is empty again
  stop_if_asked
  doing=$1
  say doing "$1" "$2"
}

prepare_change() { # what a stage named in before_change is done once, before the first thing it changes
  local first=${before_change-}
  [[ -n ${first} ]] || return 0
  stop_if_asked
  before_change=''
  "${first}"
}

ok() { # WHAT
  say ok "$1"
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
  [[ -z ${locked} ]] || printf '%s\n' "$1" >"${step_file}"
  say stage "$1" "$2"
}

# ---- Files -----------------------------------------------------------------------------------------------------

contents_of() { # PATH NAME: without a process; the last newline is left out, as in $(...)
  local whole_file=''
  IFS= read -r -d '' whole_file <"$1" || :
  printf -v "$2" %s "${whole_file%$'\n'}"
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

remove_if_there() { # PATH...: most often it is not, which costs no process
  local one doomed=()
  for one in "$@"; do
    [[ ! -e ${one} && ! -L ${one} ]] || doomed+=("${one}")
  done
  [[ ${#doomed[@]} == 0 ]] || rm -rf -- "${doomed[@]}"
}

free_kb() { # FOLDER: prints the room below it
  echo $(($(stat -f -c '%a * %S / 1024' -- "$1")))
}

require_room() { # KB WHAT_FOR [FOLDER]: room below /srv or that folder, judged before anything is written
  local avail folder=${3:-${root}}
  avail=$(free_kb "${folder}")
  ((avail >= $1)) || fail "$2" "needs about $((($1 + 1023) / 1024)) MB, ${folder} has $((avail / 1024)) MB free; make room and run again"
}

replace_link() { # PATH TARGET: by rename, so that it is never missing
  ln -sfn -- "$2" "$1.roadie-new"
  mv -fT -- "$1.roadie-new" "$1"
}
