# The words for what is asked of a release through its own manage.py. Plain bash, no Jinja.

# What the stage inspect finds.
inspected_release='' static_answer='' teller=''
answers=/run/roadie/${run_id}.answers
collected=${root}/shared/home/.collected # where the app's user collects static files
static_root_names=() static_variables=() post_build=() # of the settings, once a stage has named them

in_django() { # CALL [NAME=VALUE]...: calls a function of roadie's modules in the project, as its user, with these variables
  in_release env "${@:2}" python -m roadie_start "$1"
}

with_release() { # RELEASE COMMAND...: as if that one were the release that the stages work on
  local release release_dir work_dir venv_dir
  work_on "$1"
  "${@:2}"
}

static_from() { # FOLDER: the variables that have a process take its static files from there
  static_variables=("ROADIE_STATIC_ROOT=$1" "${static_root_names[@]/%/=$1}")
}

begin_inspection() { # the static files that serve stand in for those of the release until these are collected
  local call digest='' from=${collected}
  if [[ -d ${root}/live/static ]]; then
    from=${root}/live/static
    [[ ${#post_build[@]} != 0 || ! -f ${root}/live/release/static.digest ]] || contents_of "${root}/live/release/static.digest" digest
  fi
  static_from "${from}"
  teller='' call="release.inspect('${collected}', '${digest}')"
  if waits "${release_dir}"; then order_inspection "${call}" "${static_variables[@]}"; else inspect_now "${call}"; fi
}

inspect_now() { # CALL
  begin_step "check of ${release}" cut
  tell_end cuttable in_django "$1" "${static_variables[@]}" >"${answers}" 2>&1
  exec 6<"${answers}"
}

tell_end() { # COMMAND...: its exit code, after all that it said; the nonce tells that it is we who say so
  local ended=0
  "$@" || ended=$?
  printf '\nroadie:\tended\t%s %s\n' "${ended}" "${nonce}"
}

next_answer() { # sets line; false when nobody is left who could tell one
  local first='' rest='' is_over=''
  line=''
  # A read that runs out of time may have taken the end of a line, and not tell: so it is asked for one character, and by what came.
  until IFS= read -r -t 0.5 -N 1 first <&6 || [[ -n ${first} ]]; do
    stop_if_asked
    [[ -z ${is_over} ]] || return 1
    [[ -d /proc/${teller:-${slot_pid:-none}} ]] || is_over=1
  done
  [[ ${first} != $'\n' ]] || return 0
  IFS= read -r -t 5 rest <&6 || :
  line=${first}${rest}
}

end_inspection() {
  exec 6<&-
  rm -f -- "${answers}" "${root}/slots/${idle:-none}"/{inspect,answers} & # the switch need not wait for that
}

hear() { # LINE: sets key and value if it is an answer; else logs it, and learns from a traceback what went wrong and where
  key='' value=''
  if [[ $1 == *$'roadie:\t'* ]]; then
    value=${1##*$'roadie:\t'}
    key=${value%%$'\t'*} value=${value#*$'\t'}
    return
  fi
  printf '%s\n' "$1"
  if [[ $1 == 'Traceback (most recent call last):' ]]; then
    in_traceback=1 error_said='' error_at=''
  elif [[ $1 == 'Timeout ('* ]]; then
    in_traceback='' error_at='' error_said='it hangs when it starts'
  elif [[ $1 =~ ^\ +File\ \"${work_dir}/([^\"]+)\",\ (line\ [0-9]+) ]]; then
    # Of a traceback the last file of the project counts; of a hanging start, told innermost first, the first.
    [[ -z ${in_traceback} && -n ${error_at} ]] || error_at="${BASH_REMATCH[1]}, ${BASH_REMATCH[2]}"
  elif [[ $1 =~ ^Post-processing\ \'(.+)\'\ failed ]]; then
    static_file=${BASH_REMATCH[1]} # of the project, where the traceback names Django's code only
  elif [[ -n ${in_traceback} && $1 == [!\ ]* || $1 =~ ^(CommandError|Fatal\ Python\ error):\  ]]; then
    in_traceback='' error_said=$1 error_at=${error_at:-${static_file}}
  fi
  [[ $1 != *[!\ ]* ]] || last_said=$1
}

hear_nothing() { # before the first line
  in_traceback='' error_said='' error_at='' static_file='' last_said=''
}

why_it_ended() { # CODE: the project's own error and its file, as one line
  local why=${error_said:+${error_said}${error_at:+ (${error_at})}} said=${last_said:+, and said last: ${last_said:0:200}}
  case $1 in
    137) printf 'it was killed (exit code 137; out of memory?)' ;;
    lost) printf '%s; see %s on the host' "${why:-the process that was to check it ended${said:- (out of memory?)}}" "${program_log}" ;;
    *) printf '%s' "${why:-it ended with exit code $1${said:- and no error of its own}}" ;;
  esac
}
