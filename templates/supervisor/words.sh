# The words for the programs that Supervisor runs. They speak XML-RPC over Supervisor's socket: a call takes 6 ms, while
# supervisorctl takes 130 ms. Plain bash, no Jinja.

program_state='' program_pid='' # of the program that was asked last

supervisor_call() { # METHOD [VALUE]... [-- METHOD [VALUE]...]...: prints the answers
  ask_supervisor "$@" || fail supervisor 'it does not answer at /run/supervisor.sock; see: systemctl status supervisor'
}

# Prints the answers, or fails without a word. Each VALUE is a string, true or false.
ask_supervisor() { # METHOD [VALUE]... [-- METHOD [VALUE]...]...
  local method=$1 params='' words=() value
  for value in "${@:2}" --; do
    case ${value} in
      --)
        # A Supervisor that was killed is back within seconds. So retry: every call may be repeated, whether the first one was heard
        # or not.
        words+=(-sS --noproxy '*' -m 30 --retry 8 --retry-max-time 30 --retry-delay 1 --retry-all-errors --unix-socket /run/supervisor.sock
          -H 'Content-Type: text/xml' http://localhost/RPC2 --data
          '<?xml version="1.0"?>'"<methodCall><methodName>supervisor.${method}</methodName><params>${params}</params></methodCall>" --next)
        method='' params=''
        ;;
      true) params+='<param><value><boolean>1</boolean></value></param>' ;;
      false) params+='<param><value><boolean>0</boolean></value></param>' ;;
      *) if [[ -n ${method} ]]; then params+="<param><value><string>${value}</string></value></param>"; else method=${value}; fi ;;
    esac
  done
  unset 'words[-1]'
  curl -q "${words[@]}"
}

fault_of() { # ANSWER: prints the reason of a fault, or nothing
  [[ $1 == *'<fault>'* ]] || return 0
  [[ $1 =~ faultString\</name\>[[:space:]]*\<value\>\<string\>([^<]*) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# Sets program_pid and program_state (RUNNING, STARTING, BACKOFF, ...; empty if Supervisor does not know the program).
ask_program() { # NAME
  local answer
  answer=$(supervisor_call getProcessInfo "$1")
  hear_program "${answer}"
}

hear_program() { # ANSWER
  program_state='' program_pid=''
  [[ ! $1 =~ statename\</name\>[[:space:]]*\<value\>\<string\>([A-Z]+) ]] || program_state=${BASH_REMATCH[1]}
  [[ ! $1 =~ \<name\>pid\</name\>[[:space:]]*\<value\>\<int\>([1-9][0-9]*) ]] || program_pid=${BASH_REMATCH[1]}
}

# To Supervisor a program is a group of processes. Each of roadie's programs has one process, with the group's name.
start_program() { # NAME: has Supervisor read the program's configuration, which exists already, and start the program
  local answer fault
  start_at_once "$1" && return
  answer=$(supervisor_call reloadConfig)
  fault=$(fault_of "${answer}")
  [[ -z ${fault} ]] || refuse_program "$1" supervisor "it refuses its configuration (${fault//&#x27;/\'}); a file in /etc/supervisor/conf.d is wrong, perhaps another site's"
  answer=$(supervisor_call addProcessGroup "$1")
  fault=$(fault_of "${answer}")
  if [[ ${fault} == ALREADY_ADDED* ]]; then # it may run the command of another release
    stop_program "$1"
    answer=$(supervisor_call addProcessGroup "$1")
    fault=$(fault_of "${answer}")
  fi
  [[ -z ${fault} ]] || refuse_program "$1" "program $1" "supervisor cannot start it: ${fault}"
  ask_program "$1"
  case ${program_state} in
    RUNNING | STARTING) ;;
    *)
      answer=$(supervisor_call startProcess "$1" false)
      ask_program "$1"
      ;;
  esac
}

start_at_once() { # NAME: tries start_program in one call; after a fault the caller can safely repeat the steps one by one
  local answers
  answers=$(ask_supervisor reloadConfig -- addProcessGroup "$1" -- getProcessInfo "$1") || return 1
  [[ ${answers} != *'<fault>'* ]] || return 1
  hear_program "${answers}"
  [[ ${program_state} == RUNNING || ${program_state} == STARTING ]]
}

# NAME WHAT WHY: fails. Deletes the program's file first; otherwise the next run that has Supervisor read its files would start the
# program.
refuse_program() {
  drop_file "/etc/supervisor/conf.d/$1.conf"
  fail "$2" "$3"
}

# NAME: stops a program whose file is deleted already, waits until its last process has ended, and ends all that it left.
stop_program() {
  local answer tries program_state='' program_pid=''
  for ((tries = 0; tries < 1000; tries++)); do # a run that was cut may have left it stopping
    answer=$(supervisor_call stopProcessGroup "$1" false)
    await_end "$1"
    answer=$(supervisor_call reloadConfig)
    answer=$(supervisor_call removeProcessGroup "$1")
    # If the program had just ended by itself, stopProcessGroup skipped it and Supervisor started it again: stop it again.
    if [[ $(fault_of "${answer}") != STILL_RUNNING* ]]; then
      end_groups "$1"
      return
    fi
    sleep 0.1
  done
  say warn "program $1" 'Supervisor does not stop and remove it; see: supervisorctl status'
}

# PROGRAM: waits until Supervisor has seen the program's end. Supervisor looks for ended programs once a second, and whenever
# somebody asks it something. So this asks; a call that waits for the end would usually wait up to a second too long.
await_end() {
  local tries
  for ((tries = 0; tries < 3700; tries++)); do # longer than the highest graceful_timeout
    ask_program "$1"
    [[ ${program_state} == STOPPING ]] || return 0
    if ((tries < 100)); then sleep 0.05; else sleep 1; fi
  done
}

# ---- Control groups: each program has one, PROGRAM.SUPERVISOR.PID, for itself and all that it starts (see enclose) ----

# The groups are below these folders; `unified` is on a host that has control groups of version 1 as well.
supervisors_groups=(/sys/fs/cgroup{,/unified}/system.slice/supervisor.service)

find_groups() { # PROGRAM: sets groups to the groups that hold processes of this program
  local folder group found
  groups=()
  for folder in "${supervisors_groups[@]}"; do
    for group in "${folder}/$1".*.*; do
      [[ ${group#"${folder}/$1"} =~ ^\.[0-9]+\.[0-9]+$ ]] || continue
      contents_of "${group}/cgroup.procs" found 2>/dev/null
      if [[ -n ${found} ]]; then groups+=("${group}"); else rmdir -- "${group}" 2>/dev/null || :; fi
    done
  done
}

end_groups() { # PROGRAM [now]: ends all that this program has started, after it was stopped
  local group groups supervisor='' tries
  contents_of "${pid_files[supervisor]}" supervisor
  find_groups "$1"
  for group in "${groups[@]}"; do
    # Supervisor has given this program time to finish. The program of a killed Supervisor has had no such time yet.
    [[ ${2-} == now || ${group} == *".${supervisor}."* ]] || let_finish "${group}"
    { echo 1 >"${group}/cgroup.kill"; } 2>/dev/null || : # the last process may have just ended
  done
  for ((tries = 0; ${#groups[@]} != 0 && tries < 100; tries++)); do
    find_groups "$1"
    sleep 0.01
  done
}

let_finish() { # GROUP: tells its first processes to end, and waits a minute at most
  local pid pids fields parent tries
  contents_of "$1/cgroup.procs" pids
  for pid in ${pids}; do
    contents_of "/proc/${pid}/stat" fields 2>/dev/null
    read -r _ parent _ <<<"${fields##*) }"
    [[ $'\n'${pids}$'\n' == *$'\n'"${parent}"$'\n'* ]] || kill -TERM "${pid}" 2>/dev/null || :
  done
  for ((tries = 0; tries < 600; tries++)); do
    contents_of "$1/cgroup.procs" pids
    [[ -n ${pids} ]] || return 0
    sleep 0.1
  done
}
