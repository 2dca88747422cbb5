# The words for what is asked of a release through its own manage.py. Plain bash, no Jinja.

# What the stage inspect finds.
inspected_release='' static_answer=''
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

ask_release() { # the static files that serve stand in for those of the release until these are collected
  local digest='' from=${collected}
  if [[ -d ${root}/live/static ]]; then
    from=${root}/live/static
    [[ ${#post_build[@]} != 0 || ! -f ${root}/live/release/static.digest ]] || contents_of "${root}/live/release/static.digest" digest
  fi
  static_from "${from}"
  in_django "release.inspect('${collected}', '${digest}')" "${static_variables[@]}" >"${answers}" 2>&1
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
    in_traceback=1 error_at=''
  elif [[ $1 == 'Timeout ('* ]]; then
    in_traceback='' error_at='' error_said='it hangs when it starts'
  elif [[ $1 =~ ^\ +File\ \"${work_dir}/([^\"]+)\",\ (line\ [0-9]+) ]]; then
    # Of a traceback the last file of the project counts; of a hanging start, told innermost first, the first.
    [[ -z ${in_traceback} && -n ${error_at} ]] || error_at="${BASH_REMATCH[1]}, ${BASH_REMATCH[2]}"
  elif [[ $1 =~ ^Post-processing\ \'(.+)\'\ failed ]]; then
    static_file=${BASH_REMATCH[1]} # of the project, where the traceback names Django's code only
  elif [[ -n ${in_traceback} && $1 == [!\ ]* || $1 == CommandError:* ]]; then
    in_traceback='' error_said=$1 error_at=${error_at:-${static_file}}
  fi
}

hear_nothing() { # before the first line
  in_traceback='' error_said='' error_at='' static_file=''
}

why_it_ended() { # CODE: the project's own error and its file, as one line
  case $1 in
    137) printf 'it was killed (exit code 137; out of memory?)' ;;
    *) printf '%s' "${error_said:-it ended with exit code $1 and no error of its own}${error_at:+ (${error_at})}" ;;
  esac
}
