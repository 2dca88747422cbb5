# The words for running roadie's Python functions in a release's Django, and for their answers. Plain bash, no Jinja.

# The stage inspect sets the first three. `teller` is the process that waits for the end of the check, and then tells how it ended.
inspected_release='' static_answer='' uploads_answer='' teller=''
in_traceback='' error_said='' error_at='' static_file='' last_said='' # what `hear` has heard of an error
begin_seconds=60 # how long the waiting process of the release may take to begin the check
answers_until='' heard=0 copier='' # when the check must have ended, and how many bytes it has printed
answers=/run/roadie/${run_id}.answers
collected=${root}/shared/home/.collected # where the app's user collects static files
static_variables=() post_build=() # a stage fills these from the settings

in_django() { # CALL [NAME=VALUE]...: calls a function of roadie's modules as the app's user, with these variables
  in_release env "${@:2}" python -m roadie_start "$1"
}

with_release() { # RELEASE COMMAND...: runs the command as if the stages worked on this release
  local release release_dir work_dir venv_dir
  work_on "$1"
  "${@:2}"
}

static_from() { # FOLDER: sets static_variables, which make this folder the STATIC_ROOT of a process
  static_variables=("ROADIE_STATIC_ROOT=$1" "${static_root_names[@]/%/=$1}")
}

# PHASED (True or False): starts the check. Until the release has static files of its own, it uses those of the release that serves.
begin_inspection() {
  local call digest='' from=${collected}
  if [[ -d ${root}/live/static ]]; then
    from=${root}/live/static
    [[ ${#post_build[@]} != 0 || ! -f ${root}/live/release/static.digest ]] || contents_of "${root}/live/release/static.digest" digest
  fi
  static_from "${from}"
  teller='' heard=0 call="release.inspect('${collected}', '${digest}', $1)"
  if waits "${release_dir}"; then order_inspection "${call}" "${static_variables[@]}"; else inspect_now "${call}"; fi
  read_clock
  answers_until=$((clock + begin_seconds))
}

inspect_now() { # CALL: starts a process of its own for the check
  begin_step "check of ${release}" cut
  tell_end within "${build_timeout}" in_django "$1" "${static_variables[@]}" >"${answers}" 2>&1
  exec 6<"${answers}"
}

# COMMAND...: runs it, then prints its exit code. The nonce shows that this line comes from roadie, not from the project.
tell_end() {
  local ended=0
  "$@" || ended=$?
  printf '\nroadie:\tended\t%s %s\n' "${ended}" "${nonce}"
}

next_answer() { # sets line; false if no process is left that could write another line
  local first='' rest='' is_over=''
  line=''
  # A `read` that times out returns false, although it may have taken a part of the line. So read a single character, and see
  # whether it came.
  require_answers
  until IFS= read -r -t 0.5 -N 1 first <&6 || [[ -n ${first} ]]; do
    require_answers
    [[ -z ${is_over} ]] || return 1
    [[ -d /proc/${teller:-${slot_pid:-none}} ]] || is_over=1
  done
  [[ ${first} != $'\n' ]] || return 0
  IFS= read -r -t 5 -n 65536 rest <&6 || :
  line=${first}${rest}
  heard=$((heard + ${#line}))
  [[ -n ${copier} ]] || ((heard < 1000000)) || hear_less
}

require_answers() { # fails once the time of the check is over
  stop_if_asked
  read_clock
  ((clock <= answers_until)) && return
  [[ -n ${teller} ]] || fail "${doing}" "the process that must check it did not begin within ${begin_seconds} seconds; see ${program_log}"
  fail "${doing}" "the check of the project did not end within ${build_timeout} seconds${last_said:+; it said last: ${last_said:0:200}}"
}

hear_less() { # from now on, lets through only the answers to roadie and the last lines: the project prints too much
  exec 6< <(exec python3 -I -S -c "${bounded_py}" <&6 6>&- 8>&- 9>&-)
  copier=$!
}

end_inspection() {
  exec 6<&-
  [[ -z ${copier} ]] || kill "${copier}" 2>/dev/null || :
  copier=''
  rm -f -- "${answers}" "${root}/slots/${idle:-none}"/{inspect,answers} & # in the background: the switch need not wait
}

hear() { # LINE: sets key and value from an answer; logs any other line, and sets error_said and error_at from a traceback
  key='' value=''
  if [[ $1 == *$'roadie:\t'* ]]; then
    value=${1##*$'roadie:\t'}
    key=${value%%$'\t'*} value=${value#*$'\t'}
    return
  fi
  printf '%s\n' "$1"
  if [[ $1 == 'Traceback (most recent call last):' ]]; then
    in_traceback=1 error_said='' error_at=''
  elif [[ $1 =~ ^Timeout\ \(([0-9:]+) ]]; then
    in_traceback='' error_at='' error_said="it had not started after ${BASH_REMATCH[1]}, which gate_timeout: can extend"
  elif [[ $1 =~ ^\ +File\ \"${work_dir}/([^\"]+)\",\ (line\ [0-9]+) ]]; then
    # Keep the project's innermost file. A traceback names it last; the dump of a hanging start names it first.
    [[ -z ${in_traceback} && -n ${error_at} ]] || error_at="${BASH_REMATCH[1]}, ${BASH_REMATCH[2]}"
  elif [[ $1 =~ ^Post-processing\ \'(.+)\'\ failed ]]; then
    static_file=${BASH_REMATCH[1]} # named instead, if the traceback has files of Django only
  elif [[ -n ${in_traceback} && $1 == [!\ ]* || $1 =~ ^(CommandError|Fatal\ Python\ error):\  ]]; then
    in_traceback='' error_said=$1 error_at=${error_at:-${static_file}}
  fi
  [[ $1 != *[!\ ]* ]] || last_said=$1
}

begin_to_hear() { # empties what `hear` has heard, before the first line of another output
  in_traceback='' error_said='' error_at='' static_file='' last_said=''
}

own_error() { # prints the project's own error and its place, as the end of a sentence; nothing if `hear` has heard of none
  printf '%s' "${error_said:+: ${error_said}}${error_at:+ (${error_at})}"
}

why_it_ended() { # CODE: prints the project's own error and its place, as one line
  local why=${error_said:+${error_said}${error_at:+ (${error_at})}} said=${last_said:+, and said last: ${last_said:0:200}}
  case $1 in
    137) printf 'it was killed (exit code 137; out of memory?)' ;;
    lost) printf '%s; see %s on the host' "${why:-the process that was to check it ended${said:- (out of memory?)}}" "${program_log}" ;;
    *) printf '%s' "${why:-it ended with exit code $1${said:- and no error of its own}}" ;;
  esac
}
