# The words for what is asked of a release through its own manage.py. Plain bash, no Jinja.

# What the stage inspect finds, and what the stage migrate then does.
inspected_release='' static_answer='' pending=() applied_migrations=()

in_django() { # PYTHON [NAME=VALUE]...: runs a line of Python in the project, as its user, with what it needs to import roadie_release
  in_release env "${@:2}" python manage.py shell -v 0 -c "import roadie_release; roadie_release.$1"
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
  elif [[ -n ${in_traceback} && $1 =~ ^\ +File\ \"${work_dir}/([^\"]+)\",\ (line\ [0-9]+) ]]; then
    error_at="${BASH_REMATCH[1]}, ${BASH_REMATCH[2]}"
  elif [[ -n ${in_traceback} && $1 == [!\ ]* || $1 == CommandError:* ]]; then
    in_traceback='' error_said=$1
  fi
}

hear_nothing() { # before the first line
  in_traceback='' error_said='' error_at=''
}

why_it_ended() { # CODE: the project's own error and its file, as one line
  case $1 in
    124) printf 'it took more than 10 minutes' ;;
    137) printf 'it was killed (exit code 137; out of memory?)' ;;
    *) printf '%s' "${error_said:-it ended with exit code $1 and no error of its own}${error_at:+ (${error_at})}" ;;
  esac
}
