# Runs as root on the host: takes scripts from the channel, runs each where no cut link can kill it, and shows its log.
# Sent in single quotes through any login shell: no single quote and no backslash may stand in here.
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TZ=UTC0 LC_ALL=C.UTF-8
unset LANGUAGE
trap : HUP PIPE
exec 3<&0 </dev/null
tidy() { # nothing of the run stays but its log
  rm -f -- "${run}".* "${payload}"
}
leave() { # CODE
  tidy
  exit "$1"
}
name_run() { # NONCE: whoever finds the file and no such process knows that the run was killed, and sweeps up after it
  run=/run/roadie/$1 payload=/var/lib/roadie/incoming/$1
  for dir in /run/roadie /var/log/roadie; do [ -d "${dir}" ] || mkdir -p "${dir}" || exit 97; done
  echo "$$" >"${run}.beat"
}
take_script() { # SIZE: it arrives packed; one that is not whole does not run
  timeout 30 head -c "$1" <&3 | gzip -dc >"${run}.sh" 2>/dev/null
  [ "${PIPESTATUS[*]}" != "0 0" ] || return 0
  echo >>"${run}.sh" || leave 97
  leave 96
}
take_payload() { # SIZE: has the file `came` tell 0, 97 if it could not be written, or 96 if it did not arrive whole: false then, nobody is there
  local there=0 next how=0
  [ -d "${payload%/*}" ] || mkdir -p "${payload%/*}"
  : >"${payload}" || how=97
  while [ "${there}" -lt "$1" ]; do
    next=$(($1 - there < 262144 ? $1 - there : 262144))
    # What cannot be written is taken all the same: a heartbeat comes after it.
    timeout 30 head -c "${next}" <&3 | { cat >>"${payload}" || { cat >/dev/null; exit 97; }; } 2>/dev/null
    case "${PIPESTATUS[*]}" in
      "0 0") ;;
      "0 97") how=97 ;;
      *) how=96 && break ;;
    esac
    there=$((there + next))
    [ "${how}" != 0 ] || [ "$(stat -c %s "${payload}")" = "${there}" ] || { how=96 && break; }
    echo "$$" >"${run}.beat"
  done
  echo "${how}" >"${run}.came"
  [ "${how}" != 96 ]
}
open_log() { # NONCE: room for it is taken beforehand, so that a full disk can still be reported
  printf -v log "/var/log/roadie/%(%Y%m%dT%H%M%SZ)T-%s.log" -1 "${1:0:8}"
  fallocate -n -l 65536 "${log}" 2>/dev/null || printf %65536s >"${log}" 2>/dev/null && : >>"${log}" || { rm -f "${log}"; log=${run}.log; }
  [ -s "${log}" ] && : >"${log}"
  [ -e "${log}" ] || : >"${log}" || leave 97
}
begin() { # NONCE: its script is there
  open_log "$1"
  setsid bash "${run}.sh" "${log}" "${payload}" "$1" >>"${log}" 2>&1 3<&- &
  worker=$!
}
follow() { # TOKEN: to its end
  local beat code
  {
    trap : PIPE
    while IFS= read -r -t 15 line; do
      case ${line} in "ROADIE @MARK@ payload "*) take_payload "${line##* }" || break ;; esac
      echo "$$" >"${run}.beat"
      echo b >&2
    done
    : >"${run}.stop"
    kill -TERM "${worker}"
    # The end is the frame of the worker, unless this shell was killed.
    while kill -0 "${worker}"; do sleep 0.2; done
    leave 0
  } <&3 >/dev/null &
  beat=$!
  tail -q -n +1 -s 0.01 -f --pid="${worker}" "${log}" 2>/dev/null 3<&-
  wait "${worker}"
  code=$?
  # Killed, it could not end what may be cut; what may not be goes on, and holds the lock.
  [ "${code}" != 137 ] || [ ! -s "${run}.cut" ] || kill -KILL -- $(cat "${run}.cut")
  { kill "${beat}" && wait "${beat}"; } 2>/dev/null
  tidy
  echo "$1 ${code}"
}
run_one() { # NONCE SIZE TOKEN
  name_run "$1"
  take_script "$2"
  begin "$1"
  follow "$3"
}
[ "${EUID}" = 0 ] || { echo "not root" >&2; exit 95; }
# A heartbeat every two seconds tells that somebody is still there. Who runs here cannot know the token before the exit code.
while IFS=" " read -r -t 60 -u 3 word mark kind nonce size token; do
  [ "${word} ${mark}" = "ROADIE @MARK@" ] || continue
  case ${kind} in
    run) run_one "${nonce}" "${size}" "${token}" ;;
    # One that may end before its payload has come: nothing would tell the rest of that from what comes next.
    last) run_one "${nonce}" "${size}" "${token}" && break ;;
  esac
done
exit 96
