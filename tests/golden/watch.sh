local gate_seconds=30
local watch_seconds=5 to_the_end=''

# Whether the previous slot still runs. If Supervisor was killed, it does not: the new Supervisor starts only the live slot.
has_way_back() {
  local now=''
  contents_of "${pid_files[supervisor]}" now 2>/dev/null
  [[ ${now} == "${supervisor}" && -d /proc/${now} && -e ${root}/slots/${old}/release/switched ]] || return 1
  ask_program "${app}-${old}"
  [[ ${program_state} == RUNNING ]]
}

ask_pages() { # sets refusal and failed_page if a health page fails; all of them passed the gate
  local deadline
  start_asking
  for failed_page in "${health[@]:-/}"; do
    ask_page "${failed_page}"
    if [[ ${page_status:-000} == 000 ]]; then refusal="${failed_page} got no answer"; else judge_page "${failed_page}"; fi
    [[ -z ${refusal} ]] || return 0
  done
}

# SLOT PAGE: whether the release in this slot fails at this page. If the previous release fails too, the new one is not to blame,
# and to go back would not help.
fails() {
  local idle=$1 page_status='' page_location='' page_code=0 deadline
  start_asking
  ask_page "$2"
  [[ ${page_status:-000} =~ ^(000|timeout|5..)$ ]]
}

excuse() { # WHAT WHY
  [[ -n ${excused} ]] || say warn "release ${release}" "it stays, although $1: $2"
  excused=1
}

hear_visitors() { # counts what nginx has logged since the last call; after a rotation the log is shorter
  local size
  size=$(stat -c %s -- "${access_log}" 2>/dev/null) || size=0
  ((size >= log_read)) || log_read=0
  count_answers "${began}" < <(tail -c "+$((log_read + 1))" -- "${access_log}" 2>/dev/null | head -c $((size - log_read)))
  log_read=${size}
}

# Sets failing if visitors get many errors, at twice the rate before the switch or more. Any visitor can ask for a page that fails
# in every release. So roadie asks the previous release for the last page that failed, too. Any visitor can also send a form or a
# header that fails in every release, and roadie cannot repeat such a request. So if the page itself is right, the errors count
# only if they hit at least three networks, and at least a quarter of all networks.
judge_answers() {
  local all=$((good + bad)) what networks=${#met[@]}
  ((bad >= 5 && bad * 4 >= all && bad * usual_all >= 2 * usual_bad * all)) || return 0
  what="${bad} of ${all} requests of visitors got a server error"
  if fails "${old}" "${bad_page:-${health[0]:-/}}"; then
    excuse "${what}" "the previous release fails too, at ${bad_page:-${health[0]:-/}}"
  elif [[ -n ${bad_page} ]] && fails "${idle}" "${bad_page}" || ((${#hit[@]} >= 3 && ${#hit[@]} * 4 >= networks)); then
    failing=${what}
    return
  else
    excuse "${what}" "they hit ${#hit[@]} of ${networks} networks, and the page is right when roadie asks for it; see ${program_log}"
  fi
  bad=0 bad_page=''
}

# Whether visitors have got answers, but late ones, since the health page began to fail. In a flood of requests the health page
# waits as they do, or finds no place in the queue of the socket. A release that hangs answers nobody, not even late.
is_busy() {
  if [[ ${page_status} == timeout ]]; then
    ((slow > slow_then))
  else
    ((page_code == 7 && good > good_then)) # curl found no place in the queue
  fi
}

judge_failed_page() { # sets failing if a page went wrong three times in a row, or timed out once
  if fails "${old}" "${failed_page}"; then
    excuse "${refusal}" 'the previous release fails there too, so look for another cause, such as the database'
    wrong=0
    return
  fi
  wrong=$((wrong + 1))
  if ((wrong < 3)) && [[ ${page_status} != timeout ]]; then
    return
  elif is_busy; then
    excuse "${refusal}" 'visitors wait as long and get their answers, so the site is only busy'
    wrong=0
  else
    failing=${refusal}
  fi
}

look_once() { # sets failing
  local failed_page
  ((wrong > 0)) || good_then=${good} slow_then=${slow}
  if has_died; then
    failing='its program ended'
    return
  fi
  ask_pages
  hear_visitors
  if [[ -n ${refusal} ]]; then judge_failed_page; else wrong=0; fi
  [[ -n ${failing} ]] || judge_answers
}

# Sets usual_all and usual_bad to how many of the application's last 200 answers there are, and how many are bad. The log may just
# have been rotated.
know_usual() {
  count_answers 0 200 < <(tail -q -c 2000000 -- "${access_log}.1" "${access_log}" 2>/dev/null)
  usual_all=$((good + bad)) usual_bad=${bad}
  good=0 slow=0 bad=0 bad_page='' met=() hit=()
}

require_log_format() { # warns if nginx has an older configuration of the site, or one from a template of the user's own
  local text=''
  contents_of "${site_file}" text 2>/dev/null
  [[ ${text} == *"${access_log} roadie;"* ]] ||
    say warn 'answers to visitors' "not watched, as ${site_file} does not log them in the format roadie; run fab nginx; if you have your own site.nginx.j2, bring it up to date first"
}

# Whether to end early: all was right so far, nobody waits for an answer, and at this rate of requests there will be too few
# answers for judge_answers in all of the time.
knows_enough() {
  local passed
  read_clock
  passed=$((clock_ms - began_ms))
  [[ -z ${to_the_end} ]] || return 1
  ((passed >= 1500 && wrong == 0 && bad == 0 && good * watch_seconds * 1000 < 5 * passed)) || return 1
  [[ $(busy_connections "${idle}") == 0 ]]
}

watch_release() { # sets failing, or leaves it empty
  local end=$((clock + watch_seconds)) wrong=0 good_then=0 slow_then=0 excused='' log_read usual_all usual_bad
  require_log_format
  log_read=$(stat -c %s -- "${access_log}" 2>/dev/null) || log_read=0
  know_usual
  while ((clock < end || wrong > 0)) && [[ -z ${failing} ]] && has_way_back; do
    look_once
    stop_if_asked
    ! knows_enough || break
    sleep 0.3
    read_clock
  done
}

go_back() { # to the previous slot, which still runs; a run that was cut may have begun to drain that slot
  remove_if_there "${root}/slots/${old}/leave"
  point_live "${old}"
  # The mark comes last and may fail to be written: a full disk may be the cause of the failure.
  put_file "${release_dir}/bad" 644 root:root "failed after the switch: ${failing}" || :
}

refuse_after_switch() {
  change live go_back
  note_applied
  tell_log
  drain_slot "${idle}" 5
  change "slot ${idle} stopped" retire_slot "${idle}"
  failing+=$(own_error)
  fail "release ${release}" "it failed after the switch: ${failing}; the site went back by itself; put it right, commit any change of the code, and run fab deploy again"
}

local failing='' old supervisor=''
if [[ -z ${idle} ]]; then # an earlier run was cut while it watched
  live_slot idle
  program=${app}-${idle} program_log=${log_dir}/web-${idle}.log
  log_start=$(stat -c %s -- "${program_log}" 2>/dev/null) || log_start=0
  ask_program "${program}"
  slot_pid=${program_pid}
fi
old=${other_slot[${idle}]}
contents_of "${pid_files[supervisor]}" supervisor
if ! has_way_back; then
  ok "release ${release} (not watched)"
  return
fi
local began=${EPOCHREALTIME/,/.} began_ms spent # began is the time of day, as in nginx's log; began_ms is by read_clock
read_clock
began_ms=${clock_ms}
begin_step "watch of ${release}" cut
read_health
watch_release
doing=''
if ! has_way_back; then
  say warn "release ${release}" 'no longer watched: the previous release has ended, perhaps because Supervisor was killed'
  return
fi
[[ -z ${failing} ]] || refuse_after_switch
read_clock
spent=$(((clock_ms - began_ms) / 100))
say ok "release ${release}" "watched $((spent / 10)).$((spent % 10)) s"
