secret_key_names=(SECRET_KEY DJANGO_SECRET_KEY)
tmpfiles='# Where Gunicorn'"'"'s sockets of the site guestbook are, made anew at every boot. From roadie.
d /run/guestbook 0710 guestbook www-data -
'
reconcile='#!/bin/bash
# Runs before Supervisor starts, for each of roadie'"'"'s sites. Exactly the slot that `live` names has a program file, and
# the site'"'"'s other programs are those of the release that serves. From roadie.

# A Supervisor that was killed left its programs running. The next one starts them again, and two must not run at a time.
# The web processes are left alone: they serve until their successors do (see reap).
left_over() { # UID: prints the processes of programs that are left over
  local process
  for process in /proc/[0-9]*; do
    [[ $(stat -c %u -- "${process}") == "$1" ]] || continue
    if grep -qzE '"'"'^ROADIE_PROGRAM='"'"' "${process}/environ"; then echo "${process#/proc/}"; fi
  done
}

end_left_over() { # UID: told to stop, and killed ten seconds later
  local tries pid pids
  pids=$(left_over "$1")
  for pid in ${pids}; do
    # The first process of a program has init as its parent now. It stops its own workers.
    if grep -qE '"'"'^PPid:[[:space:]]+1$'"'"' "/proc/${pid}/status"; then kill -TERM "${pid}"; fi
  done
  for ((tries = 0; tries < 100; tries++)); do
    [[ -n $(left_over "$1") ]] || return 0
    sleep 0.1
  done
  for pid in $(left_over "$1"); do
    kill -KILL "${pid}"
  done
}

for claim in /var/lib/roadie/sites/*; do
  app=${claim##*/}
  root=/srv/${app}
  case $(readlink -- "${root}/live") in
    slots/blue) live=blue idle=green ;;
    slots/green) live=green idle=blue ;;
    *) continue ;;
  esac
  # One log folder that is missing keeps Supervisor from starting any program at all.
  [[ -d /var/log/${app} ]] || install -d -m 750 -o root -g "${app}" "/var/log/${app}"
  if ln -sfn -- "${root}/slots/${live}/program.conf" "/etc/supervisor/conf.d/${app}-${live}.conf"; then
    rm -f -- "/etc/supervisor/conf.d/${app}-${idle}.conf"
  fi
  uid=$(id -u -- "${app}") && [[ ${uid} != 0 ]] && end_left_over "${uid}"
  if [[ -f ${root}/live/release/programs.conf ]]; then
    ln -sfn -- "${root}/live/release/programs.conf" "/etc/supervisor/conf.d/${app}.programs.conf"
  else
    rm -f -- "/etc/supervisor/conf.d/${app}.programs.conf"
  fi
done 2>/dev/null
exit 0
'
reap='#!/bin/bash
# reap SECONDS: a Supervisor that was killed left its programs behind; ends them once those of the new one, which is
# MAINPID, have taken their place. Where none do, what is left goes on serving. From roadie.
# An orphan'"'"'s parent is 1, it runs as the user of one of roadie'"'"'s sites, and it is in Supervisor'"'"'s own control group.

look_at() { # PID: sets parent and owner
  local key value
  parent='"'"''"'"' owner='"'"''"'"'
  while read -r key value _; do
    case ${key} in
      PPid:) parent=${value} ;;
      Uid:) owner=${value} ;;
    esac
  done <"/proc/$1/status"
}

orphans_of() { # UID
  local process
  for process in /proc/[0-9]*; do
    look_at "${process##*/}"
    [[ ${parent} == 1 && ${owner} == "$1" ]] || continue
    if grep -q '"'"'/supervisor\.service$'"'"' "${process}/cgroup"; then echo "${process##*/}"; fi
  done
}

children_of() { # PID
  local process
  for process in /proc/[0-9]*; do
    look_at "${process##*/}"
    if [[ ${parent} == "$1" ]]; then echo "${process##*/}"; fi
  done
}

end_orphan() { # PID
  local children child
  if ! tr '"'"'\0'"'"' '"'"' '"'"' <"/proc/$1/cmdline" | grep -q gunicorn; then
    kill -TERM "$1"
    return
  fi
  # Told to end, a master of Gunicorn would unlink the path of its socket, by now the new one'"'"'s.
  children=$(children_of "$1")
  kill -KILL "$1"
  for child in ${children}; do
    kill -TERM "${child}"
  done
}

has_successor() { # APP UID: a program of the new Supervisor'"'"'s has workers, so it has its socket, where visitors can wait for it
  local program
  for program in $(children_of "${MAINPID}"); do
    look_at "${program}"
    if [[ ${owner} == "$2" && -n $(children_of "${program}") ]] && is_for_visitors "$1" "${program}"; then return; fi
  done
  return 1
}

is_for_visitors() { # APP PID: not of a slot that waits to be switched to
  local words live folder
  words=" $(tr '"'"'\0'"'"' '"'"' '"'"' <"/proc/$2/cmdline")"
  live=$(readlink -- "/srv/$1/live")
  if [[ ${words} == *" /srv/$1/slots/"* ]]; then
    [[ ${words} == *" /srv/$1/${live} "* ]]
    return
  fi
  # Of setproctitle, or by a program template of the site'"'"'s own: no slot is named, but it stands in its release.
  folder=$(readlink -- "/proc/$2/cwd")/
  [[ ${folder} != "/srv/$1/releases/"* || ${folder} == "$(readlink -f -- "/srv/$1/live/release")/"* ]]
}

reap_site() { # APP: false if that has to wait
  local uid orphan orphans
  uid=$(id -u -- "$1") || return 0
  orphans=$(orphans_of "${uid}")
  [[ ${uid} != 0 && -n ${orphans} ]] || return 0
  has_successor "$1" "${uid}" || return 1
  for orphan in ${orphans}; do
    end_orphan "${orphan}"
  done
}

sleep "${1:-5}"
apps=(/var/lib/roadie/sites/*)
for ((tries = 0; tries < 300 && ${#apps[@]} != 0; tries++)); do
  # Was that Supervisor killed too, the next one has a reap of its own.
  [[ -d /proc/${MAINPID} ]] || break
  waiting=()
  for app in "${apps[@]##*/}"; do
    reap_site "${app}" || waiting+=("${app}")
  done
  apps=("${waiting[@]}")
  [[ ${#apps[@]} == 0 ]] || sleep 1
done 2>/dev/null
exit 0
'
launch='#!/bin/bash
# launch RELEASE COMMAND...: runs it as a release'"'"'s processes run, with its environment, in the folder of manage.py.
# For the site'"'"'s own user; root has no business here. From roadie.
set -eu
release=$1
shift
# A process that begins before its release is laid out has the environment of the one that serves, and moves on.
[[ -e ${release}/env || " $* " != *'"'"' -m roadie_gunicorn '"'"'* ]] || release=$(readlink -f -- "${release%/releases/*}/live/release")
set -a
# shellcheck source=/dev/null
. "${release}/env"
# shellcheck source=/dev/null
. "${release%/releases/*}/shared/secrets"
if [[ -e ${release%/releases/*}/shared/secrets.given ]]; then
  # shellcheck source=/dev/null
  . "${release%/releases/*}/shared/secrets.given"
fi
set +a
umask 022
cd "${ROADIE_WORK_DIR}"
exec "$@"
'
manage='#!/bin/bash
# manage APP ARGUMENT...: manage.py of the release that serves, as the site'"'"'s user. From roadie.
set -eu
app=$1
shift
root=/srv/${app}
if [[ ! -e ${root}/live/release ]]; then
  echo "${app} has no release yet; run: fab deploy" >&2
  exit 2
fi
release=$(readlink -f -- "${root}/live/release")
exec setpriv --reuid="${app}" --regid="${app}" --init-groups --inh-caps=-all -- \
  env -i HOME="${root}/shared/home" USER="${app}" LOGNAME="${app}" LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" \
  PATH=/usr/local/bin:/usr/bin:/bin /usr/local/lib/roadie/launch "${release}" python manage.py "$@"
'

refuse_taken_names() { # of this site, by anything that roadie did not make
  local taken
  find_taken
  [[ -z ${taken} ]] ||
    fail "site ${app}" "${taken} is there already, and roadie did not make it; choose another app:, or take it away by hand"
}

ensure_user() { # USER HOME: a system user that nobody can log in as
  local now='' line
  while IFS= read -r line; do
    [[ ${line} != "$1:"* ]] || now=${line}
  done </etc/passwd
  if [[ ${now} == "$1":*:*:*:*:"$2":/usr/sbin/nologin ]]; then
    ok "user $1"
  else
    local note="home $2, no login"
    change "user $1" make_user "$1" "$2"
  fi
}

make_user() { # USER HOME
  getent group "$1" >/dev/null || groupadd --system "$1"
  if getent passwd "$1" >/dev/null; then
    usermod --home "$2" --shell /usr/sbin/nologin "$1"
  else
    useradd --system --gid "$1" --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
  fi
}

secret_key() {
  random_hex 32
}

local cache=/var/cache/roadie name
look_at "${state}" "${state}"/{sites,format} /usr/local/lib/roadie /usr/local/lib/roadie/{reconcile,reap,launch,manage} \
  "${cache}" "${cache}/${app}" "${root}" "${root}"/{releases,slots,venvs,shared} "${root}"/shared/{media,home,static,secrets} \
  "/var/log/${app}" "/run/${app}" "/etc/tmpfiles.d/${app}.conf"

ensure_dir "${state}" 700 root:root
ensure_dir "${state}/sites" 700 root:root
ensure_file "${state}/format" 600 root:root "${known_format}"
if is_claimed site; then
  ok "claim of ${app}"
else
  refuse_taken_names
  change "claim of ${app}" claim site
fi

ensure_dir /usr/local/lib/roadie 755 root:root
ensure_file /usr/local/lib/roadie/reconcile 755 root:root "${reconcile}"
ensure_file /usr/local/lib/roadie/reap 755 root:root "${reap}"
ensure_file /usr/local/lib/roadie/launch 755 root:root "${launch}"
ensure_file /usr/local/lib/roadie/manage 755 root:root "${manage}"

ensure_user "${app}" "${root}/shared/home"
ensure_user "${build_user}" "${cache}/${app}"
ensure_dir "${cache}" 755 root:root
ensure_dir "${cache}/${app}" 700 "${build_user}:${build_user}"
ensure_dir "${root}" 751 root:root
for name in releases slots venvs shared; do
  ensure_dir "${root}/${name}" 751 root:root
done
ensure_dir "${root}/shared/media" 2750 "${app}:www-data"
ensure_dir "${root}/shared/home" 700 "${app}:${app}"
ensure_dir "${root}/shared/static" 755 root:root
ensure_dir "/var/log/${app}" 750 "root:${app}"
ensure_file "/etc/tmpfiles.d/${app}.conf" 644 root:root "${tmpfiles}"
ensure_dir "/run/${app}" 710 "${app}:www-data"
ensure_secret ROADIE_SECRET_KEY secret_key "${secret_key_names[@]}"
