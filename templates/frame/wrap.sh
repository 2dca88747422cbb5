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
take() { # FILE SIZE: a file that comes whole, or nothing runs; each part of it is a sign of life
  local rest=$2 next
  mkdir -p "${1%/*}" && : >"$1" || leave 97
  while [ "${rest}" -gt 0 ]; do
    next=$((rest < 131072 ? rest : 131072))
    timeout 20 head -c "${next}" <&3 >>"$1"
    case $? in
      0) ;;
      124) leave 96 ;;
      *) leave 97 ;;
    esac
    rest=$((rest - next))
    [ "$(stat -c %s "$1")" = "$(($2 - rest))" ] || leave 96
    note_life
  done
}
note_life() { # the controller is there, and is told that this side is
  echo "$$" >"${run}.beat"
  echo b >&2
}
take_script() { # SIZE: it arrives packed
  take "${run}.gz" "$1"
  gzip -dc "${run}.gz" >"${run}.sh" 2>/dev/null && rm -f "${run}.gz" && return
  echo >>"${run}.sh" || leave 97
  leave 96
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
    while read -r -t 15; do note_life; done
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
carry_out() { # NONCE SCRIPT_SIZE PAYLOAD_SIZE TOKEN
  name_run "$1"
  take_script "$2"
  [ "$3" = 0 ] || take "${payload}" "$3"
  begin "$1"
  follow "$4"
}
[ "${EUID}" = 0 ] || { echo "not root" >&2; exit 95; }
# A heartbeat every two seconds tells that somebody is still there. Who runs here cannot know the token before the exit code.
while IFS=" " read -r -t 60 -u 3 word mark kind nonce script_size payload_size token; do
  [ "${word} ${mark} ${kind}" != "ROADIE @MARK@ run" ] || carry_out "${nonce}" "${script_size}" "${payload_size}" "${token}"
done
exit 96
