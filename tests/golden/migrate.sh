under_way=${state}/migrating-${app}

apply_migrations() {
  local line key value name='' half='' statement='' error='' earlier='' code=0
  [[ ! -s ${under_way} ]] || contents_of "${under_way}" earlier
  hear_nothing
  while IFS= read -r line || [[ -n ${line} ]]; do
    hear "${line}"
    case ${key} in
      applying) name=${value} && printf '%s\n' "${name}" >"${under_way}" ;;
      applied) note_applied "${value}" && name='' ;;
      half) half=${value} ;;
      statement) statement=${value} ;;
      error) error=${value} ;;
    esac
  done < <(in_django 'migrations.migrate()')
  wait "$!" || code=$?
  ((code == 0)) || report_failure "${code}"
}

note_applied() { # NAME
  say applied "$1"
  applied_migrations+=("$1")
  printf '%s\n' "$1" >>"${release_dir}/migrations"
  : >"${under_way}"
}

report_failure() { # CODE: says what is done, what is half done, and what to do
  local why next='put it right, commit, and run fab deploy again' done_before='' grade=6
  why=$(why_it_ended "$1")
  [[ -z ${error} ]] || why="${error}${statement:+, at: ${statement}}"
  if [[ ${#applied_migrations[@]} != 0 ]]; then
    grade=7 done_before="; applied before it: ${applied_migrations[*]}"
  fi
  if [[ -z ${name} ]]; then
    fail migrations "${why}${done_before}; ${next}" "${grade}"
  elif [[ -z ${error} || -n ${half} ]]; then
    fail "migration ${name}" "${why}; it may be half applied, as this database cannot undo it${done_before}; put the tables right by hand, then run fab deploy again" 7
  elif [[ ${earlier} == "${name}" ]]; then
    fail "migration ${name}" "${why}; an earlier run ended half way through it${done_before}; put the tables right by hand, then run fab deploy again" 7
  fi
  : >"${under_way}"
  fail "migration ${name}" "${why}; it left nothing behind${done_before:-, and none was applied}; ${next}" "${grade}"
}

[[ -z ${check} ]] || return 0
applied_migrations=()
if [[ ${inspected_release} == "${release}" && ${#pending[@]} == 0 ]]; then
  ok "migrations of ${release}"
  return
fi
doing="migrations of ${release}"
say doing "${doing}" atomic
apply_migrations
doing=''
if [[ ${#applied_migrations[@]} == 0 ]]; then
  ok "migrations of ${release}"
else
  say changed "migrations of ${release}" "${applied_migrations[*]}"
fi
