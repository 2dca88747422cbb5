
ask_pending() {
  in_django "migrations.ask($(is_phased))" >"${answers}" 2>&1
}

judge_pending() { # CODE: reads the answers into the plan; fails if there is no plan
  local line key value asked='' refusal=''
  begin_to_hear
  while IFS= read -r line || [[ -n ${line} ]]; do
    hear "${line}"
    case ${key} in
      refuse) refusal=${refusal:-${value}} ;;
      asked) asked=1 ;;
      *) hear_plan "${key}" "${value}" ;;
    esac
  done <"${answers}"
  [[ -n ${asked} ]] || refusal=$(why_it_ended "$1")
  [[ -z ${refusal} ]] || fail "migrations of ${release}" "${refusal}; put it right, commit, and run fab deploy"
}

local code=0
require_whole_database
forget_plan
begin_step "look at migrations of ${release}" cut
within 120 ask_pending || code=$?
judge_pending "${code}"
rm -f -- "${answers}"
doing=''
inspected_release=${release}
postpone_again
tell_plan
[[ ${#pending[@]}${#postponed[@]} != 00 ]] || ok "migrations of ${release}"
