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

stop_programs() { # stops each program; it has its stop_timeout to finish its work
  local name running
  find_running_programs
  # Remove the link first, so that a crash of Supervisor cannot start the programs again.
  if [[ -L ${programs_link} ]]; then change 'link to programs' drop_file "${programs_link}"; fi
  for name in "${running[@]}"; do
    change_cuttable "program ${name} stopped" stop_program "${name}"
  done
}

start_programs() { # starts the programs of the release that serves
  local name names=()
  [[ -f ${root}/live/release/programs.conf ]] || return 0
  ensure_enclosed "${root}/live/release/programs.conf"
  mapfile -t names < <(sed -nE 's/^\[program:(.+)\]$/\1/p' -- "${root}/live/release/programs.conf")
  change 'link to programs' replace_link "${programs_link}" "${root}/live/release/programs.conf"
  host_lock
  for name in "${names[@]}"; do
    change "program ${name}" start_program "${name}"
  done
  host_unlock
  for name in "${names[@]}"; do
    await_program "${name}"
  done
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
