post_build=()

collected=${root}/shared/home/.collected
answers=/run/roadie/${run_id}.answers

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
  in_django "inspect('${collected}', '${digest}')" "${static_variables[@]}" >"${answers}" 2>&1
}

judge_release() { # CODE: sets pending and static_answer
  local line key value inspected='' refusals=()
  hear_nothing
  while IFS= read -r line || [[ -n ${line} ]]; do
    hear "${line}"
    case ${key} in
      refuse) refusals+=("${value}") ;;
      warn) say warn 'check --deploy' "${value}" ;;
      pending) pending+=("${value}") ;;
      static) static_answer=${value} ;;
      inspected) inspected=1 ;;
    esac
  done <"${answers}"
  [[ -n ${inspected} ]] || refusals+=("$(why_it_ended "$1")")
  [[ ${#refusals[@]} != 0 ]] || return 0
  printf 'refused: %s\n' "${refusals[@]}"
  fail "project at ${release}" "$(printf '%s; ' "${refusals[@]}")put it right, commit, and run fab deploy again"
}

[[ -z ${check} ]] || return 0
local code=0
pending=() static_answer=''
doing="look at ${release}"
say doing "${doing}" cut
cuttable ask_release || code=$?
judge_release "${code}"
rm -f -- "${answers}"
inspected_release=${release}
doing=''
ok "project at ${release}"
