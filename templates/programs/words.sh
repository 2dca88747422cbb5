# The words for the programs that a site has besides its web processes: one for each entry of the setting `programs`. Plain
# bash, no Jinja.
#
# A program is a process that Supervisor keeps running for a site. There are two kinds:
# - The web program of a slot (web/words.sh). The next release starts beside it, is asked for pages, and is switched to.
# - A program of the setting `programs`, called <app>.<name>. It gets a signal to stop, and finishes its work. Only then the
#   same program of the next release starts, so the two never run at the same time. A program is ready once Supervisor says
#   RUNNING.
#
# A release holds the configuration of its programs in one file. A link in Supervisor's folder leads to this file through
# the link `live`. No app has a dot in its name, so neither the link nor <app>.<name> can belong to another site.

find_running_programs() { # sets running to the programs of this site that Supervisor knows
  local answer
  running=()
  answer=$(supervisor_call getAllProcessInfo)
  mapfile -t running < <(grep -oE "<string>${app}\.[a-z][a-z0-9_-]*</string>" <<<"${answer}" | sed -E 's/<[^>]*>//g' | sort -u)
}

find_programs_of_release() { # sets names to the programs of the release that serves, in the order of its file
  names=()
  [[ -f ${root}/live/release/programs.conf ]] || return 0
  mapfile -t names < <(sed -nE 's/^\[program:(.+)\]$/\1/p' -- "${root}/live/release/programs.conf")
}

stop_programs() { # stops each program; it has its stop_timeout to finish its work
  local name running
  find_running_programs
  # Remove the link first, so that a crash of Supervisor cannot start the programs again.
  if [[ -L ${programs_link} ]]; then change 'link to programs' drop_file "${programs_link}"; fi
  tell_to_stop "${running[@]}"
  for name in "${running[@]}"; do
    change_cuttable "program ${name} stopped" finish_program "${name}"
  done
}

# Has each program finish its work and stop; then the program of the same name starts, from the release that serves. Beat comes
# last: it goes on while workers finish, and then finds workers that know its tasks.
replace_programs() {
  local name running names
  local -A works_on=()
  find_running_programs
  find_programs_of_release
  [[ ${#running[@]} == 0 ]] || ask_tasks
  # From now on a new Supervisor starts the programs of the release that serves.
  if [[ ${#names[@]} != 0 ]]; then
    ensure_enclosed "${root}/live/release/programs.conf"
    change 'link to programs' replace_link "${programs_link}" "${root}/live/release/programs.conf"
  elif [[ -L ${programs_link} ]]; then
    change 'link to programs' drop_file "${programs_link}"
  fi
  tell_to_stop "${running[@]}"
  for name in "${running[@]}"; do
    [[ " ${names[*]} " == *" ${name} "* ]] || change_cuttable "program ${name} stopped" finish_program "${name}"
  done
  for name in "${names[@]}"; do
    [[ " ${running[*]} " != *" ${name} "* ]] || change_cuttable "program ${name} stopped" finish_program "${name}"
    host_lock
    change "program ${name}" start_program "${name}"
    host_unlock
  done
  for name in "${names[@]}"; do
    await_program "${name}"
  done
}

tell_to_stop() { # NAME...: sends TERM to all of them at the same time, but not to beat
  local name answer
  for name in "$@"; do
    [[ ${name} == "${app}.beat" ]] || answer=$(supervisor_call stopProcessGroup "${name}" false)
  done
}

finish_program() { # NAME: waits until the program has finished its work, and tells meanwhile what it works on
  local tries answer program_state='' program_pid='' told=''
  answer=$(supervisor_call stopProcessGroup "$1" false)
  for ((tries = 0; tries < 3700; tries++)); do # longer than the highest stop_timeout
    ask_program "$1"
    [[ ${program_state} == STOPPING ]] || break
    if ((tries < 40)); then
      sleep 0.05
    else
      tell_work "$1"
      sleep 1
    fi
  done
  stop_program "$1"
}

tell_work() { # NAME: says which tasks still run, unless it has just said the same (told)
  local log_file=${log_dir}/${1#"${app}."}.log id rest=() over='' telling
  over=$(tail -c 1000000 -- "${log_file}" 2>/dev/null | grep -aE '\] (succeeded|raised|retry|failed|ignored|rejected)') || :
  for id in "${!works_on[@]}"; do
    [[ ${works_on[${id}]} != "${1#"${app}."} "* || ${over} == *"[${id}]"* ]] || rest+=("${works_on[${id}]#* }")
  done
  telling='it finishes its work'
  [[ ${#rest[@]} == 0 ]] || telling="it finishes ${#rest[@]} running: $(printf '%s\n' "${rest[@]}" | sort | uniq -c | sed -E 's/^ *([0-9]+) (.*)/\2 (\1)/' | head -n 5 | paste -sd , - | sed 's/,/, /g')"
  [[ ${telling} == "${told}" ]] || say waiting "program $1" "${telling}"
  told=${telling}
}

# Sets works_on: its keys are the IDs of the tasks that run, each value is the task's worker and name. Ask before the workers are
# told to stop, as they answer no question then. A worker that does not answer in time is left out.
ask_tasks() {
  local said='' line key value
  grep -q -- ' -m celery ' "${root}/live/release/programs.conf" 2>/dev/null || return 0
  attempt said 20 in_django 'celery.running()' || :
  while IFS= read -r line; do
    hear "${line}"
    [[ ${key} != task ]] || works_on["${value%% *}"]=${value#* }
  done <<<"${said}"
}

await_program() { # NAME: waits until the program has run for its startsecs; a program that ends earlier has failed
  local tries program_state='' program_pid=''
  begin_step "start of program $1" cut
  for ((tries = 0; tries < 150; tries++)); do
    ask_program "$1"
    [[ ${program_state} == STARTING ]] || break
    stop_if_asked
    sleep 0.1
  done
  [[ ${program_state} == RUNNING ]] || refuse_to_run "$1"
  doing=''
}

refuse_to_run() { # NAME: fails, but does not stop the program: Supervisor tries again, and the next deploy replaces it
  local log_file=${log_dir}/${1#"${app}."}.log
  tail -n 30 -- "${log_file}" 2>/dev/null || :
  fail "program $1" "it does not stay up; its last words are above and in ${log_file} on the host; Supervisor goes on trying" 7
}

# Sets others_file and its_user to a file for Supervisor that roadie did not write and that needs a user of the site; to nothing
# if there is none.
find_program_of_another() {
  local file text
  others_file='' its_user=''
  for file in /etc/supervisor/supervisord.conf /etc/supervisor/conf.d/*.conf; do
    [[ -f ${file} && " ${program_files[*]} ${programs_link} " != *" ${file} "* ]] || continue
    contents_of "${file}" text
    [[ ${text} =~ (^|$'\n')[[:blank:]]*user[[:blank:]]*[=:][[:blank:]]*(${app}|${build_user})[[:space:]]*($|[;$'\n']) ]] || continue
    others_file=${file} its_user=${BASH_REMATCH[2]}
  done
}

# Warns of a program that somebody else has set up for the site. It goes on from the release that it was started with, whatever a
# deploy or a rollback does.
warn_of_program_of_another() {
  local others_file='' its_user=''
  find_program_of_another
  [[ -z ${others_file} ]] || say warn "programs of ${app}" "${others_file} has Supervisor run a program as ${its_user}, which no deploy and no rollback replaces; write its command under programs: in fabric.yaml, and remove that file"
}
