# Runs as root on the host. It receives scripts over the SSH channel, runs each in a session of its own, and shows its log.
# A lost connection does not kill a script. This text passes through a login shell in single quotes, so it must contain
# no single quote and no backslash.
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TZ=UTC0 LC_ALL=C.UTF-8
unset LANGUAGE
trap : HUP PIPE
exec 3<&0 </dev/null
tidy() { # removes all files of the run except its log
  rm -f -- "${run}".* "${payload}"
}
leave() { # CODE
  tidy
  exit "$1"
}
no_room() { # FILE: ends this program, and names the disk that cannot take this file
  echo "the disk of $(df --output=target "${1%/*}" | tail -n 1)"
  leave 97
}
# The .beat file holds the process id of this program. If the process is gone, the run was killed, and a later run removes
# its files (sweep_up).
name_run() { # NONCE
  run=/run/roadie/$1 payload=/var/lib/roadie/incoming/$1
  for dir in /run/roadie /var/log/roadie; do [[ -d "${dir}" ]] || mkdir -p "${dir}" || no_room "${dir}"; done
  echo "$$" >"${run}.beat"
}
take() { # FILE SIZE: receives a whole file, or ends this program; each part that arrives counts as a heartbeat
  local rest=$2 next
  mkdir -p "${1%/*}" && : >"$1" || no_room "$1"
  while [[ "${rest}" -gt 0 ]]; do
    next=$((rest < 131072 ? rest : 131072))
    timeout 20 head -c "${next}" <&3 >>"$1"
    case $? in
      0) ;;
      124) leave 96 ;;
      *) no_room "$1" ;;
    esac
    rest=$((rest - next))
    [[ "$(stat -c %s "$1")" == "$(($2 - rest))" ]] || leave 96
    note_life
  done
}
note_life() { # records that the controller was heard just now, and answers that this side lives
  echo "$$" >"${run}.beat"
  echo b >&2
}
take_script() { # SIZE: receives and unpacks the script; if the disk is full the code is 97, if the script is damaged 96
  take "${run}.gz" "$1"
  gzip -dc "${run}.gz" >"${run}.sh" 2>/dev/null && rm -f "${run}.gz" && return
  echo >>"${run}.sh" || no_room "${run}.sh"
  leave 96
}
open_log() { # NONCE: reserves 64 KB for the log first, so that the run can report a full disk
  printf -v log "/var/log/roadie/%(%Y%m%dT%H%M%SZ)T-%s.log" -1 "${1:0:8}"
  fallocate -n -l 65536 "${log}" 2>/dev/null || printf %65536s >"${log}" 2>/dev/null && : >>"${log}" || { rm -f "${log}"; log=${run}.log; }
  [[ -s "${log}" ]] && : >"${log}"
  [[ -e "${log}" ]] || : >"${log}" || no_room "${log}"
}
begin() { # run|look NONCE: starts the script; what a look prints goes to the channel alone, and no log of it stays
  if [[ "$1" == look ]]; then
    log=
    exec 7< <(exec setsid bash "${run}.sh" "" "${payload}" "$2" "${first}" 2>&1 3<&-)
  else
    open_log "$2"
    setsid bash "${run}.sh" "${log}" "${payload}" "$2" "${first}" >>"${log}" 2>&1 3<&- &
  fi
  worker=$! first=
}
show() { # shows what the script prints, until it ends
  if [[ -n "${log}" ]]; then
    tail -q -n +1 -s 0.01 -f --pid="${worker}" "${log}" 2>/dev/null 3<&-
  else
    cat <&7 3<&-
    exec 7<&-
  fi
}
# Waits until the script has ended. The script has ten seconds to stop, and is then killed with all that it started, so that it
# holds no lock. A step that must not end half way may take longer: the script has a .whole file as long as the step lasts.
# Normally the parent shell kills this loop when the script has ended. If the parent was killed, this loop tidies up.
await_end() {
  local late=0
  while kill -0 "${worker}"; do
    sleep 0.2
    if [[ -e "${run}.whole" ]]; then late=0; else late=$((late + 1)); fi
    [[ "${late}" -lt 50 ]] || kill -KILL -- "-${worker}" $(cat "${run}.cut")
  done
}
# If the time of day is set forward, bash ends a `read -t` too early. So a second read follows the first. The end of input ends
# both.
follow() { # TOKEN: shows the output until the script ends, then prints the token with the exit code
  local beat code
  {
    trap : PIPE
    while read -r -t 8 || read -r -t 7; do note_life; done
    : >"${run}.stop"
    kill -TERM "${worker}"
    await_end 2>/dev/null
    leave 0
  } <&3 >/dev/null 7<&- &
  beat=$!
  show
  wait "${worker}"
  code=$?
  # A killed worker (137) could not end its cuttable command, so end that command here. An atomic change goes on to its end
  # and holds the lock until then.
  [[ "${code}" != 137 ]] || [[ ! -s "${run}.cut" ]] || kill -KILL -- $(cat "${run}.cut")
  { kill "${beat}" && wait "${beat}"; } 2>/dev/null
  tidy
  echo "$1 ${code}"
}
carry_out() { # run|look NONCE SCRIPT_SIZE PAYLOAD_SIZE TOKEN
  name_run "$2"
  take_script "$3"
  [[ "$4" == 0 ]] || take "${payload}" "$4"
  begin "$1" "$2"
  follow "$5"
}
[[ "${EUID}" == 0 ]] || { echo "not root" >&2; exit 95; }
next_line() { # two calls make up the 60 seconds: see follow
  IFS=" " read -r -t 30 -u 3 word mark kind nonce script_size payload_size token
}
first=1 # until the first run of this session has begun
# The controller sends a heartbeat line every two seconds, also between runs. After 60 seconds without a line this program
# ends. No program of a run knows the token, so none can forge the line with the exit code.
while next_line || next_line; do
  case "${word} ${mark} ${kind}" in
    "ROADIE @MARK@ run" | "ROADIE @MARK@ look") carry_out "${kind}" "${nonce}" "${script_size}" "${payload_size}" "${token}" ;;
    *) ;; # a heartbeat
  esac
done
exit 96
