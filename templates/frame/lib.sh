# The words that every stage speaks: to report, to fail, and to change the host. Plain bash, no Jinja. The frame
# (frame/stage.sh.j2) sets nonce, dry_run, app and who before this runs.

# During a rollback, after the database was changed: what `fail` must add about the database. Empty once the older
# release serves.
went_back=''
# After migrations were applied: what `fail` must add about them, and how to undo them. Empty once their release serves.
went_on=''
stage='' doing='' touched='' # the running stage, its running step, and whether it has changed anything
# For the next changes of a stage. `note` is the detail that `change` says. The others name functions that run once:
# before the first change, and when the run ends early.
note='' before_change='' before_end=''
declare -A planned=() # the changes that a dry run has told: a later stage would find them made
locked='' known_format=1 # whether this run holds the site's lock; the newest ${state}/format
disk_full='' disk_locked='' # sentences that name such a disk, once disk_is_full and disk_is_locked have looked
release='' release_dir='' work_dir='' venv_dir='' # the release that the stages work on, once a stage has chosen it
base_python=python3 # the Python that the virtualenv was made with. Root never runs the virtualenv's own: a package can replace it
declare -A modes=() services=() # what look_at and ask_service have found
declare -A pid_files=([nginx]=/run/nginx.pid [supervisor]=/run/supervisord.pid) # the library of a database adds its own

# ---- Saying ---------------------------------------------------------------------------------------------------

say() { # VERB WHAT [DETAIL]: writes an event into the log, also where stdout is redirected
  local what=${2//\\/\\\\} detail=${3-}
  detail=${detail//\\/\\\\} what=${what//$'\t'/\\t} detail=${detail//$'\t'/\\t}
  printf '%s\t%s\t%s\t%s\t%s\n' "${nonce}" "$1" "${stage}" "${what//$'\n'/\\n}" "${detail//$'\n'/\\n}" >>"${log:-/proc/$$/fd/1}"
}

fail() { # WHAT WHY [CODE]
  trap - ERR
  local why=$2 code=${3:-6}
  ! disk_is_full || why="${why}; ${disk_full}"
  ! disk_is_locked || why="${why}; ${disk_locked}"
  [[ -z ${went_on} ]] || why="${why}; ${went_on}"
  # The newer release still serves, but its database was taken back. So something is half done: exit code 7.
  [[ -z ${went_back} ]] || why="${why}; ${went_back}" code=7
  say failed "$1" "${why}"
  end_cuttable
  note_failure "$1" "$2"
  end_whole
  end_in_order
  # A subshell exits with 200 + code, so that on_error knows that the failure is reported already.
  ((BASH_SUBSHELL == 0)) || exit $((200 + code))
  exit "${code}"
}

note_failure() { # WHAT WHY: records the failure in a release that never served, for `fab releases` and `fab status`
  [[ -d ${release_dir} && ! -e ${release_dir}/switched ]] || return 0
  local what="$1: " why=${2%%$'\n'*}
  [[ $1 != *"${release_dir##*/}"* ]] || what='' # the release is named beside these words
  # What to do next follows the first semicolon.
  printf '%s: %s%s\n' "${stage}" "${what}" "${why%%; *}" >"${release_dir}/failed" || :
}

end_in_order() { # before a run ends early: calls the function that a stage named in before_end, once
  local last=${before_end}
  before_end=''
  [[ -z ${last} ]] || "${last}" || :
}

run_output() { # prints the whole log so far
  cat -- "${log}" 2>/dev/null
}

step_output() { # prints the log since the running step began
  local begin
  # Everybody on the host can read the words of a command in /proc, so the nonce goes to grep as a file.
  begin=$(grep -abF -f <(printf '%s\tdoing\t\n' "${nonce}") -- "${log}" 2>/dev/null | tail -n 1) || :
  begin=${begin%%:*}
  tail -c "+$((${begin:-0} + 1))" -- "${log}" 2>/dev/null | tail -n +2
}

cause() { # PATTERN [OUTPUT]: prints the last matching lines of OUTPUT (default: step_output) as one line
  "${2:-step_output}" | grep -aE -- "$1" | tail -n 5 |
    awk '!seen[$0]++ { gsub(/^[ \t]+|[ \t]+$/, ""); printf "%s%s", separator, $0; separator = "; " }' || :
}

disk_is_full() { # sets disk_full to a sentence that names the full disk
  local where avail inodes
  disk_full=''
  while read -r where avail inodes; do
    [[ ${avail} == 0 || ${avail} == [1-9] || ${avail} == [1-9][0-9] ]] && disk_full="the disk of ${where} is full (${avail} KB free)"
    [[ ${inodes} == 0 ]] && disk_full="the disk of ${where} has no inode left"
  done < <(df -k --output=target,avail,iavail / /var /srv /tmp /run 2>/dev/null | tail -n +2)
  [[ -n ${disk_full} ]]
}

disk_is_locked() { # sets disk_locked to a sentence that names the disk that nobody can write to
  local where
  disk_locked=''
  for where in / /var /srv "${root}" /tmp; do
    [[ ! -d ${where} || -w ${where} ]] || disk_locked="the disk of ${where} is mounted read-only; dmesg may say why; mount it for writing and run again"
  done
  [[ -n ${disk_locked} ]]
}

on_error() { # CODE COMMAND
  [[ ${BASH_SUBSHELL} == "${stage_depth}" ]] || exit "$1"
  ((200 < $1 && $1 < 208)) && exit $((stage_depth ? $1 : $1 - 200))
  local why="exit code $1"
  [[ $1 != 137 ]] || why='killed (exit code 137; out of memory?)'
  [[ -n ${doing} ]] || why="${2%%$'\n'*}: ${why}"
  fail "${doing:-${stage:-start}}" "${why}; its last words are above${log:+, all of them in ${log} on the host}"
}

# ---- Acting: change is the only verb that alters a host ----------------------------------------------------------

change() { # WHAT COMMAND...: makes an atomic change; a stop gives the change ten seconds to finish
  act atomic "$@"
}

change_whole() { # WHAT COMMAND...: makes a change that must never end half way; a stop waits as long as the change takes
  act whole "$@"
}

change_cuttable() { # WHAT COMMAND...: makes a change that a stop may end half way, because the next run can repeat it
  change_within 7200 "$@"
}

change_within() { # SECONDS WHAT COMMAND...: like change_cuttable, but fails if the change has not ended after so many seconds
  local limit=$1 grows=''
  act cut "${@:2}"
}

# FILE SECONDS WHAT COMMAND...: like change_cuttable, but fails if FILE has not grown for so many seconds
change_while_it_grows() {
  local grows=$1 limit=$2
  act cut "${@:3}"
}

act() { # cut|atomic|whole WHAT COMMAND...
  local how=$1 what=$2
  shift 2
  touched=1
  if [[ -n ${dry_run} ]]; then
    if [[ -n ${planned["${what} ${note}"]-} ]]; then ok "${what}"; else say would "${what}" "${note}"; fi
    planned["${what} ${note}"]=1
    return
  fi
  prepare_change
  begin_step "${what}" "${how}"
  if [[ ${how} == cut ]]; then cuttable "$@"; else "$@"; fi
  end_whole
  doing=''
  say changed "${what}" "${note}"
}

# WHAT cut|atomic|whole: ends the run here if it was told to stop; else reports the step. The caller ends a whole step by end_whole,
# and then every step by doing=''.
begin_step() {
  stop_if_asked
  doing=$1
  [[ $2 != whole ]] || printf '%s' "$$" >"/run/roadie/${run_id}.whole"
  say doing "$1" "${2/#whole/whole $$}"
}

end_whole() {
  [[ ! -e /run/roadie/${run_id}.whole ]] || rm -f -- "/run/roadie/${run_id}.whole"
}

prepare_change() { # before the first change of a stage: calls the function that the stage named in before_change, once
  local first=${before_change}
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
    *) fail host "this is ${PRETTY_NAME:-an unknown system}; roadie works on Debian 12 or later and Ubuntu 22.04 or later" 3 ;;
  esac
  [[ -d /run/systemd/system ]] || fail host 'systemd does not run here as the first process; roadie needs it' 3
  [[ ! -r ${state}/format ]] || read -r format <"${state}/format"
  local kb
  read -r _ kb _ </proc/meminfo
  say fact host "${ID^} ${VERSION_ID}, $(nproc) cores, $(((kb + 524288) / 1048576)) GB"
  ((format <= known_format)) || fail host "set up by a newer roadie (format ${format}, this one knows ${known_format}); upgrade roadie" 3
}

begin_stage() { # NAME SUMMARY
  stop_if_asked
  stage=$1 doing='' touched=''
  [[ -z ${locked} ]] || printf '%s\n' "$1" >"${step_file}"
  say stage "$1" "$2"
}

# ---- Time ------------------------------------------------------------------------------------------------------

clock=0 clock_ms=0 # set by read_clock

# Sets clock to the seconds since the host's boot, and clock_ms to the milliseconds. Use these to wait: SECONDS and EPOCHREALTIME
# jump when somebody, or a time server, sets the time of day.
read_clock() {
  local up
  read -r up _ </proc/uptime
  clock=${up%.*} clock_ms=${up/./}0
}

read_clock
run_began=${clock} # when the run began, by that clock

# ---- Files -----------------------------------------------------------------------------------------------------

# PATH NAME: reads a file into the variable NAME, without a process and without the last newline. Never fails: of a file that
# cannot be read, NAME gets nothing.
contents_of() {
  local whole_file=''
  IFS= read -r -d '' whole_file <"$1" || :
  printf -v "$2" %s "${whole_file%$'\n'}"
}

# A power cut may undo every change that no `sync` has brought to the disk, and keep later ones. The words below sync. Use them
# for a change that must not be lost, or that must be there before the next step begins.

put_file() { # PATH MODE OWNER CONTENT: replaces a file by one rename, so that a power cut leaves the old or the new one
  local new=$1.roadie-new
  unset "modes[$1]"
  rm -f -- "${new}"
  (umask 077 && printf '%s\n' "$4" >"${new}")
  chown -- "$3" "${new}"
  chmod -- "$2" "${new}"
  move_over "${new}" "$1"
}

move_over() { # NEW PATH: replaces a file by the file NEW of the same folder
  sync -- "$1"
  mv -fT -- "$1" "$2"
  sync -- "${2%/*}" # else the rename itself may be lost
}

replace_link() { # PATH TARGET: replaces the link by a rename, so that the path always exists
  ln -sfn -- "$2" "$1.roadie-new"
  mv -fT -- "$1.roadie-new" "$1"
  sync -- "${1%/*}"
}

drop_file() { # PATH...: removes files and links of one folder
  rm -f -- "$@"
  sync -- "${1%/*}"
}

remove_if_there() { # PATH...: if no path exists, as is usual, starts no process
  local one doomed=()
  for one in "$@"; do
    [[ ! -e ${one} && ! -L ${one} ]] || doomed+=("${one}")
  done
  [[ ${#doomed[@]} == 0 ]] || rm -rf -- "${doomed[@]}"
}

free_kb() { # FOLDER: prints the free space of its file system
  echo $(($(stat -f -c '%a * %S / 1024' -- "$1")))
}

require_room() { # KB WHAT_FOR [FOLDER]: fails if FOLDER (default: the site's) has less free space; call it before you write
  local avail folder=${3:-${root}}
  avail=$(free_kb "${folder}")
  ((avail >= $1)) || fail "$2" "needs about $((($1 + 1023) / 1024)) MB, ${folder} has $((avail / 1024)) MB free; make room and run again"
}

text_of() { # FILE: prints at most 1 MB of a regular file that others can write; waits for no FIFO and follows no link
  [[ -f $1 && ! -L $1 ]] || return 1
  timeout 10 dd if="$1" iflag=nofollow,nonblock,fullblock bs=1M count=1 status=none 2>/dev/null
}
