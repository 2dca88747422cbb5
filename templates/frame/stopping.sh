# The words that stop a run, and run what a stop may end: commands, questions, whole stages. Plain bash, no Jinja.

# Whether the run was told to stop, and what else must then end.
stopping='' cuttable_pid='' clock_pid='' apart_pid='' stage_depth=0
answer_seconds=30 # how long a database may take to answer a question

# A stop ends a cuttable command at once. Everything else has ten seconds; then wrap.sh kills the run. Only a step that is
# `whole` (dpkg, a migration) may take longer. So a run does not hold the lock for ever because a site, its builder, a database or a
# disk is slow.

on_term() {
  stopping=1
  [[ -z ${apart_pid} ]] || kill -TERM "${apart_pid}" 2>/dev/null || :
  [[ -n ${cuttable_pid} ]] || return 0
  end_cuttable
  stop_if_asked
}

end_cuttable() { # ends the cuttable command that still runs, if any, and its clock
  stop_clock
  [[ -z ${cuttable_pid} ]] || end_group "${cuttable_pid}"
}

end_group() { # PID: ends a group of processes: sends TERM, and two seconds later KILL
  local tries
  kill -TERM -- "-$1" 2>/dev/null || :
  for ((tries = 0; tries < 20; tries++)); do
    kill -0 -- "-$1" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || :
}

stop_if_asked() {
  [[ -n ${stopping} ]] || return 0
  trap - ERR
  say stopped "${doing:-${stage}}"
  end_in_order
  exit 130
}

cuttable() { # COMMAND...: runs it as a process group, so that a stop ends all of it at once; returns its exit code
  local code=0 group
  stop_if_asked
  # Neither this process group nor the clock inherits the locks, so no lock waits for them.
  set -m
  (untimed "$@") 8>&- 9>&- </dev/null &
  set +m
  group=$!
  [[ -z ${limit-} ]] || start_clock "${group}"
  cuttable_pid=${group} # only now, so that a stop finds both the command and its clock
  note_cuttable
  [[ -z ${stopping} ]] || on_term # SIGTERM may have come before cuttable_pid was set
  wait "${cuttable_pid}" || code=$?
  cuttable_pid=''
  stop_clock
  note_cuttable
  if [[ -e /run/roadie/${run_id}.late ]]; then
    [[ -n ${forgives-} ]] || refuse_late
    rm -f -- "/run/roadie/${run_id}.late"
  fi
  return "${code}"
}

untimed() { # COMMAND...: the clock of the whole command holds for its parts too
  local limit=''
  "$@"
}

within() { # SECONDS COMMAND...: like cuttable, but fails if the command has not ended after so many seconds
  local limit=$1 grows=''
  cuttable "${@:2}"
}

start_clock() { # PID: ends this group of processes after ${limit} seconds; if ${grows} names a file, not as long as the file grows
  local size='none yet' now='' group=$1 second
  set -m
  {
    until [[ ${now} == "${size}" ]]; do
      size=${now}
      for ((second = 0; second < limit; second++)); do
        sleep 1
        [[ -d /proc/$$ ]] || exit 0 # the run was killed; another process may have the number of the group by now
      done
      [[ -z ${grows-} ]] || now=$(stat -c %s -- "${grows}" 2>/dev/null) || :
    done
    : >"/run/roadie/${run_id}.late"
    end_group "${group}"
  } 6>&- 8>&- 9>&- </dev/null >/dev/null 2>&1 &
  set +m
  clock_pid=$!
}

stop_clock() {
  [[ -n ${clock_pid} ]] || return 0
  kill -KILL -- "-${clock_pid}" 2>/dev/null || :
  { wait "${clock_pid}" || :; } 2>/dev/null
  clock_pid=''
}

refuse_late() { # fails; a stage may name in late_because a function that prints what the command waited for
  local why="it did not end within ${limit} seconds, so roadie ended it" cause=''
  [[ -z ${grows-} ]] || why="its file has not grown for ${limit} seconds, so roadie ended it"
  [[ ${doing} != 'answer of '* ]] || why="there was no answer within ${limit} seconds; see whether it runs and what it is busy with"
  rm -f -- "/run/roadie/${run_id}.late"
  [[ -z ${late_because-} ]] || cause=$("${late_because}") || :
  fail "${doing:-${stage}}" "${why}${cause:+: ${cause}}"
}

# NAME WHOM COMMAND...: sets the variable NAME to what the command prints, and returns its exit code. A stop ends the command; bash
# would wait for $(COMMAND). Fails if WHOM, who has to answer, does not answer in time. Within a change, the
# command just runs: how a stop ends the change holds for the command too.
ask() {
  local code=0 limit=${answer_seconds} grows='' late_because='' said=/run/roadie/${run_id}.said
  if [[ -n ${doing} ]]; then
    "${@:3}" >"${said}" || code=$?
  else
    begin_step "answer of $2" cut
    cuttable "${@:3}" >"${said}" || code=$?
    doing=''
  fi
  contents_of "${said}" "$1"
  return "${code}"
}

# NAME SECONDS COMMAND...: sets the variable NAME to the first 64 KB that the command prints, and returns its exit code. If the
# command does not end in time, the exit code is not 0 either. For an answer that a run can do without.
attempt() {
  local code=0 limit=$2 grows='' forgives=1 printed=/run/roadie/${run_id}.said
  cuttable beginning_of "${@:3}" >"${printed}" || code=$?
  contents_of "${printed}" "$1"
  return "${code}"
}

beginning_of() { # COMMAND...: prints the first 64 KB of its output
  "$@" | head -c 65536
}

run_apart() { # FUNCTION: runs it in a subshell, so that its functions and variables do not stay; a stop reaches the subshell too
  local code=0
  apart "$1" &
  apart_pid=$!
  [[ -z ${stopping} ]] || on_term # SIGTERM may have come before apart_pid was set
  wait "${apart_pid}" || code=$?
  # A signal interrupts `wait` but not the process, so wait again.
  while kill -0 "${apart_pid}" 2>/dev/null; do
    code=0
    wait "${apart_pid}" || code=$?
  done
  apart_pid=''
  stop_if_asked
  [[ ${code} == 0 ]] || on_error "${code}" "$1"
}

apart() { # FUNCTION
  stage_depth=${BASH_SUBSHELL} # this subshell reports its failure itself, as only it knows the running step
  trap on_term TERM
  "$1"
}

note_cuttable() { # records the process groups that wrap.sh ends if this shell is killed
  printf '%s' "${cuttable_pid:+-${cuttable_pid}}${clock_pid:+ -${clock_pid}}" >"/run/roadie/${run_id}.cut"
}
