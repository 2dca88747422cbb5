# The words for the two slots of a site and the programs that Supervisor runs for them. Plain bash, no Jinja.

# ---- Supervisor, asked over its socket: 6 ms a call, where supervisorctl takes 130 -----------------------------------

supervisor_call() { # METHOD [VALUE]...: prints the answer; a value is a string, or true, or false
  local method=$1 params='' value
  shift
  for value; do
    case ${value} in
      true) value='<boolean>1</boolean>' ;;
      false) value='<boolean>0</boolean>' ;;
      *) value="<string>${value}</string>" ;;
    esac
    params+="<param><value>${value}</value></param>"
  done
  # One that was killed is back within seconds.
  curl -sS -m "${patience:-60}" --retry 5 --retry-delay 1 --retry-connrefused --unix-socket /run/supervisor.sock \
    -H 'Content-Type: text/xml' http://localhost/RPC2 --data \
    "<?xml version='1.0'?><methodCall><methodName>supervisor.${method}</methodName><params>${params}</params></methodCall>"
}

fault_of() { # ANSWER: the reason in a fault, nothing otherwise
  [[ $1 == *'<fault>'* ]] || return 0
  [[ $1 =~ faultString\</name\>[[:space:]]*\<value\>\<string\>([^<]*) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

program_state() { # NAME: RUNNING, STARTING, BACKOFF, ...; empty when supervisord does not know it
  local answer
  answer=$(supervisor_call getProcessInfo "$1") || fail 'supervisor' 'it does not answer at /run/supervisor.sock; see: systemctl status supervisor'
  [[ ${answer} =~ statename\</name\>[[:space:]]*\<value\>\<string\>([A-Z]+) ]] || return 0
  printf '%s' "${BASH_REMATCH[1]}"
}

start_program() { # NAME: its configuration is there; have supervisord read it and start it
  local answer fault
  answer=$(supervisor_call reloadConfig)
  fault=$(fault_of "${answer}")
  [[ -z ${fault} ]] || refuse_program "$1" supervisor "it refuses its configuration (${fault//&#x27;/\'}); a file in /etc/supervisor/conf.d is wrong, perhaps another site's"
  answer=$(supervisor_call addProcessGroup "$1")
  fault=$(fault_of "${answer}")
  if [[ ${fault} == ALREADY_ADDED* ]]; then # with the command of another release
    stop_program "$1"
    answer=$(supervisor_call addProcessGroup "$1")
    fault=$(fault_of "${answer}")
  fi
  [[ -z ${fault} ]] || refuse_program "$1" "program $1" "supervisor cannot start it: ${fault}"
  case $(program_state "$1") in
    RUNNING | STARTING) ;;
    *) answer=$(supervisor_call startProcess "$1" false) ;;
  esac
}

refuse_program() { # NAME WHAT WHY: without its file, or whoever has supervisord read its files next would start it
  rm -f -- "/etc/supervisor/conf.d/$1.conf"
  sync -- /etc/supervisor/conf.d
  fail "$2" "$3"
}

stop_program() { # NAME: its configuration is gone; waits until the last process has ended
  local answer patience=3700 # more than graceful_timeout may be
  answer=$(supervisor_call stopProcessGroup "$1" true)
  answer=$(supervisor_call reloadConfig)
  answer=$(supervisor_call removeProcessGroup "$1")
}

# ---- Slots -----------------------------------------------------------------------------------------------------------

live_slot() { # prints blue or green; nothing before the first release
  local target
  target=$(readlink -- "${root}/live") || return 0
  case ${target} in
    slots/blue | slots/green) printf '%s' "${target#slots/}" ;;
    *) fail "link ${root}/live" "it leads to ${target}, which is no slot; put it right by hand" ;;
  esac
}

other_slot() { # SLOT
  [[ $1 == blue ]] && printf green || printf blue
}

point_live() { # SLOT: the one rename that moves the site; the fsync makes it last
  ln -sfn -- "slots/$1" "${root}/live.new"
  mv -fT -- "${root}/live.new" "${root}/live"
  sync -- "${root}"
}

program_file() { # SLOT
  printf '/etc/supervisor/conf.d/%s-%s.conf' "${app}" "$1"
}

is_slot_in_use() { # SLOT: it has a program file, or supervisord still runs what it had
  [[ -e $(program_file "$1") || -L $(program_file "$1") || -n $(program_state "${app}-$1") ]]
}

retire_slot() { # SLOT: the file goes first, so that a crash in between leaves no program that starts again
  rm -f -- "$(program_file "$1")"
  sync -- /etc/supervisor/conf.d
  stop_program "${app}-$1"
}

discard_slot() { # SLOT: one that no visitor ever reached; ended at once, whatever hangs in it
  local answer
  rm -f -- "$(program_file "$1")"
  sync -- /etc/supervisor/conf.d
  answer=$(supervisor_call getProcessInfo "${app}-$1")
  # On its way to a stop it is not started again; Gunicorn would wait for its workers first.
  supervisor_call stopProcessGroup "${app}-$1" false >/dev/null
  [[ ! ${answer} =~ \<name\>pid\</name\>[[:space:]]*\<value\>\<int\>([1-9][0-9]*) ]] || kill -KILL -- "-${BASH_REMATCH[1]}" 2>/dev/null || :
  stop_program "${app}-$1"
}

busy_connections() { # SLOT: accepted ones and those still queued; state 01 is the listener itself
  awk -v sock="/run/${app}/$1.sock" '$NF == sock && $6 != "01" { n++ } END { print n + 0 }' /proc/net/unix
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

idle='' program='' program_log='' log_start=0 # of the slot that the stages work on
workers=2                                    # unless the program says how many; where the project's own gunicorn.conf.py does, two passes of the gate will do
prestarted=''                                # the release runs there already, beside its checks

start_release() {
  local live
  live=$(live_slot)
  idle=$(other_slot "${live:-green}")
  program=${app}-${idle} program_log=/var/log/${app}/web-${idle}.log
  if is_slot_in_use "${idle}"; then
    # A run that was cut after its switch may have left visitors there, some of them still queued.
    [[ ! -e ${root}/slots/${idle}/release/switched ]] || drain_slot "${idle}" 30
    change "idle slot ${idle}" retire_slot "${idle}"
  fi
  local note="for release ${release}"
  change "slot ${idle}" fill_slot
  note=''
  host_lock
  change "program ${program}" start_slot
  host_unlock
}

prestart_release() { # until it is known to be needed, a run that ends takes it down
  start_release
  prestarted=1 before_end=call_off
}

keep_started() {
  before_end=''
}

call_off() {
  prestarted='' before_end=''
  discard_slot "${idle}"
}

fill_slot() { # makes the idle slot whole beside its place, then puts it there
  local new=${root}/slots/${idle}.new text
  rm -rf -- "${new}"
  mkdir -m 751 -- "${new}"
  ln -s -- "../../releases/${release}" "${new}/release"
  ln -s -- "../../venvs/${venv_dir##*/}" "${new}/venv"
  ln -s -- "../../releases/${release}/static" "${new}/static"
  ln -s -- "/run/${app}/${idle}.sock" "${new}/sock"
  contents_of "${release_dir}/program.in" text
  text=${text//@COLOUR@/${idle}} text=${text//@RELEASE_DIR@/${release_dir}} text=${text//@VENV_DIR@/${venv_dir}}
  text=${text//@WORKERS@/$(default_workers "${text}")} text=${text//@CONTROL@/$(control_option)}
  [[ ! ${text} =~ \ --workers\ ([0-9]+) ]] || workers=${BASH_REMATCH[1]}
  text=${text//@THREADS@/$((workers == 1 ? 8 : 4))}
  printf '%s\n' "${text}" >"${new}/program.conf"
  sync -f -- "${new}"
  rm -rf -- "${root}/slots/${idle}"
  mv -T -- "${new}" "${root}/slots/${idle}"
  sync -f -- "${root}/slots"
}

control_option() { # Gunicorn 25.1 and later open a control socket unless told not to; older ones refuse the flag
  local version found
  for found in "${venv_dir}"/lib/python3*/site-packages/gunicorn-*.dist-info; do
    version=${found##*/gunicorn-}
    version=${version%.dist-info}
  done
  [[ $(printf '25.1\n%s\n' "${version-0}" | sort -V | head -n 1) == 25.1 ]] && printf -- --no-control-socket
}

start_slot() {
  rm -f -- "/run/${app}/${idle}.sock" # of a release that was killed; nobody must answer in place of the new one
  ln -sfn -- "${root}/slots/${idle}/program.conf" "$(program_file "${idle}")"
  sync -- /etc/supervisor/conf.d
  log_start=$(stat -c %s -- "${program_log}" 2>/dev/null) || log_start=0
  start_program "${program}"
}

default_workers() { # PROGRAM: one for each core, two at least, since a blocked one must not stop the site; each needs its memory twice
  local cores kb workers
  cores=$(nproc)
  read -r _ kb _ </proc/meminfo
  workers=$((cores < 2 ? 2 : cores > 8 ? 8 : cores))
  # A sync worker answers one request at a time.
  [[ $1 != *' --worker-class sync '* ]] || workers=$((workers * 2 + 1))
  ((workers * 350000 <= kb)) || workers=$((kb / 350000))
  printf '%s' "$((workers < 1 ? 1 : workers))"
}
