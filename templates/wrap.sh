# Runs as root on the host: takes a script from the channel, runs it where no cut link can kill it, and shows its log.
# Sent in single quotes through any login shell: no single quote and no backslash may stand in here.
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TZ=UTC0
unset LANGUAGE
trap : HUP PIPE
exec 3<&0 </dev/null
nonce=@NONCE@ run=/run/roadie/@NONCE@ payload=
leave() { # CODE: nothing of the run stays but its log
  rm -f "${run}".* ${payload}
  exit "$1"
}
while IFS= read -r -u 3 line; do case ${line} in "ROADIE ${nonce} "*) break ;; esac; done
case ${line} in "ROADIE ${nonce} "*) set -- ${line} ;; *) exit 96 ;; esac
[ "${EUID}" = 0 ] || { echo "not root" >&2; exit 95; }
export LC_ALL=C
script=$(timeout 30 head -c "$3" <&3; echo .) script=${script%.}
[ "${#script}" = "$3" ] || exit 96
export LC_ALL=C.UTF-8
for dir in /run/roadie /var/log/roadie; do [ -d "${dir}" ] || mkdir -p "${dir}" || exit 97; done
# Whoever finds this and no such process knows that the run was killed, and sweeps up after it.
echo "$$" >"${run}.beat"
if [ "$4" -gt 0 ]; then
  payload=/var/lib/roadie/incoming/${nonce} left=$4
  mkdir -p "${payload%/*}" && : >"${payload}" || leave 97
  while [ "${left}" -gt 0 ]; do
    part=$((left < 262144 ? left : 262144))
    timeout 30 head -c "${part}" <&3 >>"${payload}" || leave 97
    left=$((left - part))
  done
  [ "$(stat -c %s "${payload}")" = "$4" ] || leave 96
fi
printf -v log "/var/log/roadie/%(%Y%m%dT%H%M%SZ)T-%s.log" -1 "${nonce:0:8}"
# Room for the log is taken beforehand, so that a full disk can still be reported.
fallocate -n -l 65536 "${log}" 2>/dev/null || printf %65536s >"${log}" 2>/dev/null && : >>"${log}" || { rm -f "${log}"; log=${run}.log; }
[ -s "${log}" ] && : >"${log}"
[ -e "${log}" ] || : >"${log}" || leave 97
printf %s "${script}" >"${run}.sh" || leave 97
setsid bash "${run}.sh" "${log}" "${payload}" "${nonce}" >>"${log}" 2>&1 3<&- &
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
exec 3<&-
tail -q -n +1 -s 0.01 -f --pid="${worker}" "${log}" 2>/dev/null
wait "${worker}"
code=$?
# Killed, it could not end what may be cut; what may not be goes on, and holds the lock.
[ "${code}" != 137 ] || [ ! -s "${run}.cut" ] || kill -KILL -- "-$(cat "${run}.cut")"
{ kill "${beat}" && wait "${beat}"; } 2>/dev/null
leave "${code}"
