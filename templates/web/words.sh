# The words for the two slots of a site and the processes in them. Plain bash, no Jinja.

is_slot_in_use() { # SLOT: whether it has a program file, or a program without one still runs
  local groups
  find_groups "${app}-$1"
  [[ ! -e ${program_files[$1]} && ! -L ${program_files[$1]} && ${#groups[@]} == 0 ]] || return 0
  ask_program "${app}-$1"
  [[ -n ${program_state} ]]
}

retire_slot() { # SLOT: removes the program file first: else the program would start again after a crash in between
  drop_file "${program_files[$1]}"
  stop_program "${app}-$1"
}

drain_and_stop() { # SLOT SECONDS
  begin_step "drain of slot $1" cut
  drain_slot "$1" "$2"
  doing=''
  change "slot $1 stopped" retire_slot "$1"
}

# SLOT: has Supervisor run the slot that serves. A Supervisor that was started anew just before the switch may know only the
# previous slot. Then no Supervisor watches the processes that serve, and new ones take over from them (see enclose).
keep_slot() {
  if [[ -L ${program_files[$1]} ]]; then
    ask_program "${app}-$1"
    [[ -z ${program_state} ]] || return 0
  fi
  host_lock
  change "program ${app}-$1" run_again "$1"
  host_unlock
}

run_again() { # SLOT
  start_in "$1"
  sync -- "${program_files[$1]%/*}"
}

start_in() { # SLOT: has Supervisor run the program of this slot
  ln -sfn -- "${root}/slots/$1/program.conf" "${program_files[$1]}"
  start_at_once "${app}-$1" && return
  # A Supervisor that was just killed may have come back after the link was made, and removed the link (see reconcile).
  ln -sfn -- "${root}/slots/$1/program.conf" "${program_files[$1]}"
  start_program "${app}-$1"
}

discard_slot() { # SLOT: ends at once all that runs in a slot that no visitor has reached
  drop_file "${program_files[$1]}"
  # If Supervisor does not tell the PID, use the PID of the start: the processes must end in any case.
  hear_program "$(ask_supervisor getProcessInfo "${app}-$1" || :)"
  # Gunicorn would wait for its workers, so it is killed. Supervisor is told to stop it first, and so does not restart it.
  ask_supervisor stopProcessGroup "${app}-$1" false >/dev/null || :
  kill -KILL -- "-${program_pid:-${slot_pid:-none}}" 2>/dev/null || :
  end_groups "${app}-$1" now
  stop_program "${app}-$1"
}

busy_connections() { # SLOT: prints how many connections are accepted or still queued; a listener, in state 01, is no connection
  awk -v sock="${socket_dir}/$1.sock" 'index($NF, sock) == 1 && $6 != "01" { n++ } END { print n + 0 }' /proc/net/unix
}

drain_slot() { # SLOT SECONDS: waits until no connection was busy three times in a row, or until the seconds are over
  local idle=0 tries
  { : >"${root}/slots/$1/leave"; } 2>/dev/null || : # websockets and event streams end by this: see in-project/front.py
  for ((tries = 0; tries < $2 * 10; tries++)); do
    if [[ $(busy_connections "$1") == 0 ]]; then idle=$((idle + 1)); else idle=0; fi
    ((idle < 3)) || return 0
    stop_if_asked
    sleep 0.1
  done
  say warn "slot $1" "still $(busy_connections "$1") requests after $2 seconds; those that were accepted may finish, queued ones are lost"
}

# ---- Processes that no program owns --------------------------------------------------------------------------------

# SLOT: sets strays to the processes of the site's user that no program owns while this slot serves. A program owns all processes
# in its control group. Another process is a stray if Supervisor or a login has left it behind, so that process 1 is its parent. A
# process that systemd runs for the user is no stray.
find_strays() {
  local uid line orphan='' pid group
  strays=()
  uid=$(id -u -- "${app}")
  while IFS= read -r line; do
    pid=${line#/proc/} pid=${pid%%/*}
    if [[ ${line} == *PPid:* ]]; then orphan=${pid}; fi
    [[ ${line} == *Uid:* && ${orphan} == "${pid}" ]] || continue
    contents_of "/proc/${pid}/cgroup" group 2>/dev/null
    if [[ ${group} =~ /supervisor\.service(/|$'\n'|$) ]]; then
      [[ ! ${group} =~ /supervisor\.service/("${app}-$1"|"${app}"\.[^./]+)\.[0-9]+\.[0-9]+($'\n'|$) ]] || continue
    elif [[ ! ${group} =~ :/(user\.slice/|system\.slice/sshd?\.service) || ${group} == */user@* ]]; then
      continue
    fi
    strays+=("${pid}")
  done < <(grep -sHE "^(PPid:[[:space:]]+1$|Uid:[[:space:]]+${uid}[[:space:]])" /proc/[0-9]*/status)
}

end_strays() { # SLOT: sends TERM, and five seconds later KILL
  local tries signal=TERM
  for ((tries = 0; tries < 100 && ${#strays[@]} != 0; tries++)); do
    ((tries < 50)) || signal=KILL
    kill "-${signal}" "${strays[@]}" 2>/dev/null || :
    sleep 0.1
    find_strays "$1"
  done
}

retired='' # whether this run has made sure that no process of the release before lives

# ---- Starting a release in the idle slot -----------------------------------------------------------------------------

idle='' program='' program_log='' log_start=0 slot_pid='' # of the slot that the stages work on
workers=2        # how many workers run there: as its program file says, until the workers' own answers say another number
started_ahead='' # not empty when a rollback has started its release before changing the database

begin_release() { # FOLDER: starts the release's process in the idle slot, with the program file in this release's folder
  local live
  live_slot live
  idle=${other_slot[${live:-green}]}
  program=${app}-${idle} program_log=${log_dir}/web-${idle}.log
  clear_idle_slot
  local note="for release ${release}"
  change "slot ${idle}" fill_slot "$1"
  note=''
  host_lock
  change "program ${program}" start_slot
  host_unlock
  # Until a stage is sure that the process is needed, a run that ends early stops it.
  before_end=call_off
}

call_off() { # stops the process that the run has begun in the idle slot
  started_ahead='' before_end=''
  discard_slot "${idle}"
}

has_died() { # whether the process that the run started has ended; Supervisor may have started another one since
  [[ ! -d /proc/${slot_pid:-none} ]]
}

# Ends what a cut run left in the idle slot.
clear_idle_slot() {
  local groups
  find_groups "${app}-${idle}"
  [[ -e ${program_files[${idle}]} || -L ${program_files[${idle}]} || ${#groups[@]} != 0 ]] || return 0
  # If the run was cut after its switch, the slot may still serve visitors or hold some in its queue.
  if [[ -e ${root}/slots/${idle}/release/switched ]]; then
    drain_slot "${idle}" 30
    change "idle slot ${idle}" retire_slot "${idle}"
  else
    change "idle slot ${idle}" discard_slot "${idle}"
  fi
}

fill_slot() { # FOLDER: makes the files of the idle slot, which nothing uses now; a half filled slot is filled again
  local slot=${root}/slots/${idle} text control='' program_text
  [[ -L ${slot}/sock && -L ${slot}/venv && -L ${slot}/static ]] || lay_out_slot "${slot}"
  remove_if_there "${slot}"/{serve,leave,inspect,inspect.new,answers} # left by the previous release
  ln -sfn -- "../../releases/${release}" "${slot}/release"
  contents_of "$1/program.in" text
  text=${text//@COLOUR@/${idle}} text=${text//@RELEASE_DIR@/${release_dir}} text=${text//@VENV_DIR@/${venv_dir}}
  workers=2
  [[ ${text} != *@WORKERS@* ]] || find_workers "${text}"
  find_control_option
  text=${text//@WORKERS@/${workers}} text=${text//@CONTROL@/${control}}
  [[ ! ${text} =~ \ --workers\ ([0-9]+) ]] || workers=${BASH_REMATCH[1]}
  text=${text//@THREADS@/$((workers == 1 ? 8 : 4))}
  require_enclosure
  enclose_text "${text}"
  require_inherited_socket
  printf '%s\n' "${program_text}" >"${slot}/program.conf" # the switch syncs it to disk
}

# Fails if a server other than Gunicorn would make a socket itself. Gunicorn takes the socket that it inherits, whatever its
# --bind says.
require_inherited_socket() {
  [[ ${program_text} == *gunicorn* || ${program_text} != *[:\ =]"${socket_dir}/"* ]] ||
    fail "program ${program}" "its template has it listen below ${socket_dir}, where only root can; have it take the socket of descriptor 3 (uvicorn --fd 3, say)"
}

lay_out_slot() { # FOLDER: makes the links that are the same for every release; fills FOLDER.new, then renames it
  remove_if_there "$1.new"
  mkdir -m 751 -- "$1.new"
  ln -s -t "$1.new" -- release/venv release/static
  ln -s -- "${socket_dir}/${idle}.sock" "$1.new/sock"
  rm -rf -- "$1"
  mv -T -- "$1.new" "$1"
}

# Sets control to the option that forbids a control socket, for Gunicorn 25.1 and later. Older versions open none, and do not know
# the option.
find_control_option() {
  local found
  for found in "${venv_dir}"/lib/python3*/site-packages/gunicorn-*.dist-info; do
    [[ ${found##*/} =~ ^gunicorn-([0-9]+)\.([0-9]+) ]] || continue
    ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 25001)) || control=--no-control-socket
  done
}

start_slot() {
  # The socket of a killed release may be there. Only the new release may answer at this path.
  remove_if_there "${socket_dir}/${idle}.sock"
  log_start=$(stat -c %s -- "${program_log}" 2>/dev/null) || log_start=0
  start_in "${idle}"
  slot_pid=${program_pid}
}

# PROGRAM: sets workers to one for each core, from 2 to 8: one blocked worker must not stop the site. There is at most one
# for each 350 MB of the host, which is twice what a worker needs.
find_workers() {
  local cores kb
  cores=$(nproc)
  read -r _ kb _ </proc/meminfo
  workers=$((cores < 2 ? 2 : cores > 8 ? 8 : cores))
  # A sync worker answers one request at a time.
  [[ $1 != *' --worker-class sync '* ]] || workers=$((workers * 2 + 1))
  ((workers * 350000 <= kb)) || workers=$((kb / 350000))
  workers=$((workers < 1 ? 1 : workers))
}
