# The words for the two slots of a site and what runs in them. Plain bash, no Jinja.

is_slot_in_use() { # SLOT: it has a program file, or supervisord still runs what it had
  [[ ! -e ${program_files[$1]} && ! -L ${program_files[$1]} ]] || return 0
  ask_program "${app}-$1"
  [[ -n ${program_state} ]]
}

retire_slot() { # SLOT: the file goes first, so that a crash in between leaves no program that starts again
  rm -f -- "${program_files[$1]}"
  sync -- /etc/supervisor/conf.d
  stop_program "${app}-$1"
}

discard_slot() { # SLOT: one that no visitor ever reached; ended at once, whatever hangs in it
  rm -f -- "${program_files[$1]}"
  sync -- /etc/supervisor/conf.d
  # Whatever may be wrong with Supervisor, what runs there is not to go on.
  hear_program "$(supervisor_call getProcessInfo "${app}-$1" || :)"
  # On its way to a stop it is not started again; Gunicorn would wait for its workers first.
  supervisor_call stopProcessGroup "${app}-$1" false >/dev/null
  kill -KILL -- "-${program_pid:-${slot_pid:-none}}" 2>/dev/null || :
  stop_program "${app}-$1"
}

busy_connections() { # SLOT: accepted ones and those still queued; state 01 is a listener itself, bound at the path or beside it
  awk -v sock="${socket_dir}/$1.sock" '($NF == sock || $NF == sock ".new") && $6 != "01" { n++ } END { print n + 0 }' /proc/net/unix
}

drain_slot() { # SLOT SECONDS: until it has been idle for three looks; after that many seconds it goes on all the same
  local idle=0 tries
  for ((tries = 0; tries < $2 * 10; tries++)); do
    if [[ $(busy_connections "$1") == 0 ]]; then idle=$((idle + 1)); else idle=0; fi
    ((idle < 3)) || return 0
    stop_if_asked
    sleep 0.1
  done
  say warn "slot $1" "still $(busy_connections "$1") requests after $2 seconds; those that were accepted may finish, queued ones are lost"
}

# ---- Starting a release in the idle slot -----------------------------------------------------------------------------

idle='' program='' program_log='' log_start=0 slot_pid='' # of the slot that the stages work on
workers=2                                               # how many answer there, as far as its program says; they themselves know best
started_ahead=''                                        # a rollback has started the release before it changes the database

begin_release() { # FOLDER: its process begins in the idle slot, by the program that lies in that release's folder
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
  # Until it is known to be needed, a run that ends takes it down.
  before_end=call_off
}

call_off() {
  started_ahead='' before_end=''
  discard_slot "${idle}"
}

has_died() { # the process that was started in the slot; Supervisor may have started another
  [[ ! -d /proc/${slot_pid:-none} ]]
}

clear_idle_slot() { # of what a run left there that was cut; a program without a file is stopped when the slot's own starts
  [[ -e ${program_files[${idle}]} || -L ${program_files[${idle}]} ]] || return 0
  # Was it cut after its switch, visitors may be there, some of them still queued.
  if [[ -e ${root}/slots/${idle}/release/switched ]]; then
    drain_slot "${idle}" 30
    change "idle slot ${idle}" retire_slot "${idle}"
  else
    change "idle slot ${idle}" discard_slot "${idle}"
  fi
}

fill_slot() { # FOLDER: the idle slot, which is nobody's: one that was half filled is filled again
  local slot=${root}/slots/${idle} text control=''
  [[ -L ${slot}/sock && -L ${slot}/venv && -L ${slot}/static ]] || lay_out_slot "${slot}"
  remove_if_there "${slot}"/{serve,inspect,inspect.new,answers} # of the release before
  ln -sfn -- "../../releases/${release}" "${slot}/release"
  contents_of "$1/program.in" text
  text=${text//@COLOUR@/${idle}} text=${text//@RELEASE_DIR@/${release_dir}} text=${text//@VENV_DIR@/${venv_dir}}
  workers=2
  [[ ${text} != *@WORKERS@* ]] || find_workers "${text}"
  find_control_option
  text=${text//@WORKERS@/${workers}} text=${text//@CONTROL@/${control}}
  [[ ! ${text} =~ \ --workers\ ([0-9]+) ]] || workers=${BASH_REMATCH[1]}
  text=${text//@THREADS@/$((workers == 1 ? 8 : 4))}
  printf '%s\n' "${text}" >"${slot}/program.conf" # on disk when the switch comes
}

lay_out_slot() { # FOLDER: what is the same for every release, beside its place
  remove_if_there "$1.new"
  mkdir -m 751 -- "$1.new"
  ln -s -t "$1.new" -- release/venv release/static
  ln -s -- "${socket_dir}/${idle}.sock" "$1.new/sock"
  rm -rf -- "$1"
  mv -T -- "$1.new" "$1"
}

find_control_option() { # sets control: Gunicorn 25.1 and later open a control socket unless told not to; older ones refuse the flag
  local found
  for found in "${venv_dir}"/lib/python3*/site-packages/gunicorn-*.dist-info; do
    [[ ${found##*/} =~ ^gunicorn-([0-9]+)\.([0-9]+) ]] || continue
    ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 25001)) || control=--no-control-socket
  done
}

start_slot() {
  # Of a release that was killed; nobody must answer in place of the new one.
  remove_if_there "${socket_dir}/${idle}.sock"
  ln -sfn -- "${root}/slots/${idle}/program.conf" "${program_files[${idle}]}"
  log_start=$(stat -c %s -- "${program_log}" 2>/dev/null) || log_start=0
  start_program "${program}"
  slot_pid=${program_pid}
}

find_workers() { # PROGRAM: sets workers: one for each core, two at least, since a blocked one must not stop the site; each needs its memory twice
  local cores kb
  cores=$(nproc)
  read -r _ kb _ </proc/meminfo
  workers=$((cores < 2 ? 2 : cores > 8 ? 8 : cores))
  # A sync worker answers one request at a time.
  [[ $1 != *' --worker-class sync '* ]] || workers=$((workers * 2 + 1))
  ((workers * 350000 <= kb)) || workers=$((kb / 350000))
  workers=$((workers < 1 ? 1 : workers))
}
