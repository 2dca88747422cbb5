# The words for secrets. Each is made once, on the host, and is a line NAME='value' in shared/secrets. Plain bash, no Jinja.

random_hex() { # BYTES
  od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'
}

secret_value() { # VARIABLE: prints its value in shared/secrets, or nothing
  local text=''
  [[ -f ${root}/shared/secrets ]] || return 0
  contents_of "${root}/shared/secrets" text
  [[ ! $'\n'${text}$'\n' =~ $'\n'"$1='"([^\']*)"'"$'\n' ]] || printf %s "${BASH_REMATCH[1]}"
}

recorded_password() { # prints the password of the database's user, as it stands in the recorded URL
  local url
  url=$(secret_value ROADIE_DATABASE_URL)
  [[ ! ${url} =~ ^[a-z]+://[^:/@]+:([A-Za-z0-9-]+)@ ]] || printf %s "${BASH_REMATCH[1]}"
}

# Stores one secret under VARIABLE, and under each NAME that the project uses for it. If there is none yet, MAKER prints its value.
ensure_secret() { # VARIABLE MAKER [NAME]...
  local file=${root}/shared/secrets text='' name mode_now='' missing=''
  if [[ -f ${file} ]]; then
    contents_of "${file}" text
    ask_mode "${file}"
  fi
  for name in "$1" "${@:3}"; do
    [[ $'\n'${text} == *$'\n'"${name}="* ]] || missing+=" ${name}"
  done
  if [[ -z ${missing} && ${mode_now} == "640 root:${app}" ]]; then
    ok "secret $1"
  else
    local note="${missing:+adds${missing} to }${file}, mode 640, owner root:${app}"
    change "secret $1" add_secret "$@"
    # A run would put the file's mode right with this secret, so a dry run must not tell of the mode again.
    [[ -z ${dry_run} ]] || modes["${file}"]="640 root:${app}"
  fi
}

ensure_password() { # MAKER [NAME]...: stores the password of the database's user under each NAME that the project uses for it
  [[ $# == 1 ]] || ensure_secret "$2" "$1" "${@:3}"
}

change_secret() { # OLD NEW: in each line of shared/secrets that has the value OLD
  local file=${root}/shared/secrets text=''
  contents_of "${file}" text
  put_file "${file}" 640 "root:${app}" "${text//"='$1'"/"='$2'"}"
}

add_secret() { # VARIABLE MAKER [NAME]...
  local file=${root}/shared/secrets text='' name value
  [[ ! -f ${file} ]] || contents_of "${file}" text
  value=$(secret_value "$1")
  [[ -n ${value} ]] || value=$("$2")
  for name in "$1" "${@:3}"; do
    [[ $'\n'${text} == *$'\n'"${name}="* ]] || text+=${text:+$'\n'}${name}="'${value}'"
  done
  put_file "${file}" 640 "root:${app}" "${text}"
}
