local post_build=()
local static_url=/static/
local media_url=/media/

judge_release() { # hears the answers of the check, and refuses the release if there is a reason
  local code=lost inspected='' refusals=()
  hear_inspection
  [[ ${code}${inspected}${error_said} != lost ]] || tell_log
  [[ -n ${inspected} ]] || refusals+=("$(why_it_ended "${code}")")
  judge_nginx "${static_url}" "${root}/live/static/"
  judge_nginx "${media_url}" "${root}/shared/media/"
  case ${#refusals[@]} in
    0) ;;
    1) refuse_project "${refusals[0]}" ;;
    *)
      printf 'refused: %s\n' "${refusals[@]}"
      refuse_project "${refusals[0]}; and for $((${#refusals[@]} - 1)) more reasons, each in a line above"
      ;;
  esac
}

hear_inspection() { # sets inspected, code, refusals, static_answer, uploads_answer and the plan of migrations
  local line key value
  begin_to_hear
  while next_answer; do
    hear "${line}"
    case ${key} in
      teller) teller=${value} answers_until=$((clock + build_timeout)) ;;
      ended) code=${value%% *} && break ;;
      refuse) refusals+=("${value}") ;;
      check) say warn 'check --deploy' "${value}" ;;
      debug) say warn DEBUG "the settings turn it on, and the project reads it before roadie turns it off, in ${value}; have the settings read it from the environment" ;;
      mail) say warn EMAIL_BACKEND "it is ${value}, so the site sends no e-mail; EMAIL_BACKEND under django: names another" ;;
      lost_uploads) say warn uploads "they would go to ${value}" ;;
      database) say warn "database ${app}" "${value}" ;;
      secure_cookies) say warn logins "nobody can log in over http, because of ${value}; have https (tls: letsencrypt), or write overlay: [SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE], unless a proxy before this host speaks https" ;;
      static) static_answer=${value} ;;
      uploads) uploads_answer=${value} ;;
      inspected) inspected=1 && break ;;
      *) hear_plan "${key}" "${value}" ;;
    esac
  done
}

judge_nginx() { # URL FOLDER: adds to refusals if nginx still serves the folder by another URL, of older settings
  local text
  contents_of "${site_file}" text 2>/dev/null
  [[ ${text} =~ location\ \^~\ ([^ ]+)\ \{[[:space:]]+alias\ "$2"\; && ${BASH_REMATCH[1]} != "$1" ]] || return 0
  refusals+=("the project links to $1, but nginx still serves ${BASH_REMATCH[1]}; run fab nginx")
}

refuse_project() { # WHY
  fail "project at ${release}" "$1; put it right, commit any change of the code, and run fab deploy again"
}

require_whole_database
static_answer='' uploads_answer=''
forget_plan
begin_inspection "$(is_phased)"
begin_step "look at ${release}" cut
judge_release
end_inspection
inspected_release=${release}
doing=''
tell_plan
keep_plan
ok "project at ${release}"
