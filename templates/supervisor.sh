# The words for the programs that Supervisor runs, asked over its socket: 6 ms a call, where supervisorctl takes 130.
# Plain bash, no Jinja.

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
