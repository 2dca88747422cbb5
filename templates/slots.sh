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
  curl -sS -m 180 --unix-socket /run/supervisor.sock -H 'Content-Type: text/xml' http://localhost/RPC2 --data \
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
  case ${fault} in
    '' | ALREADY_ADDED*) ;;
    *) refuse_program "$1" "program $1" "supervisor cannot start it: ${fault}" ;;
  esac
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
  local answer
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
