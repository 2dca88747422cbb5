# Runs as root on the host: takes scripts from the channel, runs each where no cut link can kill it, and shows its log.
# Sent in single quotes through any login shell: no single quote and no backslash may stand in here.
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TZ=UTC0 LC_ALL=C.UTF-8
unset LANGUAGE
trap : HUP PIPE
exec 3<&0 </dev/null
tidy() { # nothing of the run stays but its log
  rm -f -- "${run}".* ${payload}
}
leave() { # CODE
  tidy
  exit "$1"
}
take_payload() { # SIZE
  local left=$1 part
  [ -d "${payload%/*}" ] || mkdir -p "${payload%/*}"
  : >"${payload}" || leave 97
  while [ "${left}" -gt 0 ]; do
    part=$((left < 262144 ? left : 262144))
    timeout 30 head -c "${part}" <&3 >>"${payload}" || leave 97
    left=$((left - part))
  done
  [ "$(stat -c %s "${payload}")" = "$1" ] || leave 96
}
open_log() { # NONCE: room for it is taken beforehand, so that a full disk can still be reported
  printf -v log "/var/log/roadie/%(%Y%m%dT%H%M%SZ)T-%s.log" -1 "${1:0:8}"
  fallocate -n -l 65536 "${log}" 2>/dev/null || printf %65536s >"${log}" 2>/dev/null && : >>"${log}" || { rm -f "${log}"; log=${run}.log; }
  [ -s "${log}" ] && : >"${log}"
  [ -e "${log}" ] || : >"${log}" || leave 97
}
ask() { # NONCE: sets code; what changes nothing may be lost with the link, so nobody listens for heartbeats
  local beat
  { while sleep 5 2>/dev/null; do echo b >&2; done; } >/dev/null 3<&- &
  beat=$!
  bash "${run}.sh" "" "" "$1" 2>&1 3<&- | cat
  code=${PIPESTATUS[0]}
  { kill "${beat}" && wait "${beat}"; } 2>/dev/null
}
work() { # NONCE: sets code
  local worker beat
  setsid bash "${run}.sh" "${log}" "${payload}" "$1" >>"${log}" 2>&1 3<&- &
  worker=$!
  {
    trap : PIPE
    while IFS= read -r -t 15 line; do echo "$$" >"${run}.beat"; echo b >&2; done
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
}
take_script() { # SIZE: packed
  script=$(set -o pipefail; timeout 30 head -c "$1" <&3 | gzip -dc 2>/dev/null && echo .) || exit 96
}
run_once() { # ask|run NONCE SIZE TOKEN: the script that came last, with a payload; who runs here cannot know the token
  local log
  run=/run/roadie/$2 payload=
  for dir in /run/roadie /var/log/roadie; do [ -d "${dir}" ] || mkdir -p "${dir}" || exit 97; done
  # Whoever finds this and no such process knows that the run was killed, and sweeps up after it.
  echo "$$" >"${run}.beat"
  if [ "$3" -gt 0 ]; then
    payload=/var/lib/roadie/incoming/$2
    take_payload "$3"
  fi
  printf %s "${script%.}" >"${run}.sh" || leave 97
  if [ "$1" = ask ]; then ask "$2"; else open_log "$2" && work "$2"; fi
  tidy
  echo "$4 ${code}"
}
[ "${EUID}" = 0 ] || { echo "not root" >&2; exit 95; }
# A heartbeat every two seconds tells that somebody is still there.
while IFS= read -r -t 60 -u 3 line; do
  case ${line} in
    "ROADIE @MARK@ script "*) take_script "${line##* }" ;;
    "ROADIE @MARK@ "*) set -- ${line}; run_once "$3" "$4" "$5" "$6" ;;
  esac
done
exit 96
