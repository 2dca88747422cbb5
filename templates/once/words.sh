# The words for the commands that run one time for a site. Each command that has begun has a line in the record: its name, `begun`
# or `done`, and the time. Plain bash, no Jinja.

# What to do when nobody knows how far a command came.
once_cure='look on the host whether its work is done; if so: fab once --done NAME; if it shall run again: fab once --again NAME'

once_is() { # NAME: sets was to begun or done, and since to the time; to nothing if the command never began
  local line name what when
  was='' since=''
  [[ -f ${once_file} ]] || return 0
  while IFS=$'\t' read -r name what when; do
    [[ ${name} != "$1" ]] || was=${what} since=${when}
  done <"${once_file}"
}

note_once() { # NAME [begun|done]: records it; without a word, forgets the command
  local text='' line
  if [[ -f ${once_file} ]]; then
    while IFS= read -r line; do
      [[ ${line} == "$1"$'\t'* ]] || text+=${line}$'\n'
    done <"${once_file}"
  fi
  if [[ -n ${2-} ]]; then
    printf -v line '%s\t%s\t%(%F %T)T UTC' "$1" "$2" -1
    text+=${line}$'\n'
  fi
  put_file "${once_file}" 600 root:root "${text%$'\n'}"
}

run_once() { # NAME COMMAND...
  local was='' since=''
  once_is "$1"
  case ${was} in
    done) ok "once $1" ;;
    begun) fail "once $1" "the run that began it at ${since} was cut; ${once_cure//NAME/"$1"}" ;;
    *) change_whole "once $1" carry_out_once "$@" ;;
  esac
}

# The record says `begun` before the command begins. Nobody knows how far a killed command came, so its record stays as it is.
carry_out_once() { # NAME COMMAND...
  local code=0
  note_once "$1" begun
  in_release env "${@:2}" || code=$?
  if ((code > 128 && code < 193)); then # 128 and a signal; sys.exit(-1) is 255
    fail "once $1" "its command was killed (exit code ${code}); ${once_cure//NAME/"$1"}"
  elif ((code > 0)); then
    note_once "$1"
    fail "once $1" "its command ended with exit code ${code}; its last words are above; put it right, and deploy: it runs again"
  fi
  note_once "$1" 'done'
}
