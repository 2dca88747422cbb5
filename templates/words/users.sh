# The words for running something as one of the site's users. Plain bash, no Jinja.

# Uids that neither Debian nor systemd gives to anybody. Each has one task, so that no process of another task can signal it.
signaller=65531 asker=65532 taker=65533
user_view=() # a command that runs another one with a narrowed view of the host's files; see build.sh.j2
app_tmp=/tmp # TMPDIR of what runs as a user; a caller may choose another folder

# The command that runs a script from descriptor 7. A script of a project may hold secrets, and everybody on the host can read the
# words of a command in /proc.
bash_of_input=(bash -euo pipefail -c 'eval "$(cat <&7)" 7<&-')

as_user() { # USER HOME COMMAND...: runs as USER a command that may leave processes behind, or print without end
  local code=0 copier i
  {
    as_user_plainly "$@" || code=$?
  } > >(bounded) 2>&1
  copier=$!
  # A process that the command left behind may hold the pipe open for ever, so wait about two seconds at most.
  for ((i = 0; i < 60; i++)); do
    kill -0 "${copier}" 2>/dev/null || break
    if ((i < 20)); then sleep 0.001; else sleep 0.05; fi
  done
  return "${code}"
}

# Becomes a program that copies standard input: the first MB, then only the answers to roadie, and at the end the last lines. A
# process that the user's command left behind may keep this program running for ever, so this program inherits no lock.
bounded() {
  # shellcheck disable=SC2016 # the new bash expands these
  exec bash -c 'stdbuf -o0 head -c 1000000; IFS= read -r -N 1 next || exit 0; printf %s "${next}"; exec python3 -I -S -c "$1"' \
    bounded "${bounded_py}" 6>&- 8>&- 9>&-
}

as_user_plainly() { # USER HOME COMMAND...: passes none of our variables and locks on; only the output stays the same
  "${user_view[@]}" setpriv --reuid="$1" --regid="$1" --init-groups --inh-caps=-all -- \
    env -i HOME="$2" USER="$1" LOGNAME="$1" LC_ALL=C.UTF-8 SHELL=/bin/sh TMPDIR="${app_tmp}" \
    PATH=/usr/local/bin:/usr/bin:/bin "${@:3}" 6>&- 8>&- 9>&- </dev/null
}

# USER FROM TO [COMMAND...]: copies FROM into the new folder TO, and has the command complete the copy. A process that holds a
# file open can change the file later, or hand it to a process of another user. So root uses only copies.
# USER reads the files, so that a link adds nothing to the copy that USER cannot read. The taker writes the copy, and runs nothing
# else: so no other process reaches the copy, and no link in the copy leads root's files into it. It is no failure if a file comes
# or goes meanwhile.
adopt() {
  local room
  room=$((($(free_kb "${root}") - 10240) * 1024)) # a full disk would stop the database
  ((room > 0)) || room=0
  rm -rf -- "$3"
  mkdir -m 700 -- "$3"
  chown -- "${taker}:${taker}" "$3"
  as_user_plainly "$1" / bash -c 'mkdir -p "$1" && cd "$1" || exit 1; chmod -R u+rX . || :; tar -S -cf - . || [[ $? == 1 ]]' tar "$2" 2>/dev/null | head -c "${room}" |
    as_taker tar -C "$3" --no-same-owner --no-same-permissions -xf - 2>&1 | head -c 1000000 || return
  [[ $# == 3 ]] || as_taker "${@:4}" </dev/null || :
  chown -h -- root:root "$3"
}

keep_plain_files() { # FOLDER: removes whatever is neither a folder nor a plain file with one name
  find "$1" ! -type d \( ! -type f -o -links +1 \) -delete
}

as_taker() { # COMMAND...: runs it in /, as the taker may not enter every folder of root's
  setpriv --reuid="${taker}" --regid="${taker}" --clear-groups --inh-caps=-all -- \
    env -i -C / LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin "$@" 6>&- 8>&- 9>&-
}

# SECONDS ARGUMENT...: runs curl as the asker, who has no other process, in the group that may connect to a slot. The site's own
# code answers, so root does not ask. The site's user does not ask either: a process of the site could stop curl for ever, or write
# into its output.
ask_plainly() {
  timeout --foreground -k 2 "$(($1 + 1))" setpriv --reuid="${asker}" --regid=www-data --clear-groups --inh-caps=-all -- \
    env -i -C / PATH=/usr/local/bin:/usr/bin:/bin curl -q --noproxy '*' "${@:2}" 6>&- | head -c 1000000
}

in_release() { # COMMAND...: runs as the app's user, with the environment of ${release_dir}, in the folder of manage.py
  as_user "${app}" "${root}/shared/home" "${tools}/launch" "${release_dir}" "$@"
}

run_as_app() { # SCRIPT: runs a stage of the user's own, as the app's user; the stage fails if the script does
  if [[ -n ${dry_run} ]]; then
    say would "script of ${stage}"
    return
  fi
  begin_step "script of ${stage}" cut
  if [[ -n ${release_dir} ]]; then
    within "${build_timeout}" in_release "${bash_of_input[@]}" 7<<<"$1"
  else
    within "${build_timeout}" as_user "${app}" "${root}/shared/home" env -C "${root}/shared/home" "${bash_of_input[@]}" 7<<<"$1"
  fi
  doing=''
  say ran "script of ${stage}"
}

end_build_user() {
  signal_all_of "${build_user}" KILL
}

# USER SIGNAL: signals all processes of USER in one call, so that no fork escapes. Every process of USER may signal all processes of
# USER, so it could kill the one that signals here. So that one has a real and a saved uid that no process of USER may signal.
signal_all_of() {
  local uid
  uid=$(id -u -- "$1")
  [[ ${uid} != 0 ]] || fail "user $1" 'has the uid of root; remove that user'
  # The lock keeps two signallers apart, as one would signal the other. The command fails if USER has no process.
  flock /run/roadie/signals.lock python3 -I -S -c "${signal_py}" "${uid}" "${signaller}" "$2" 2>/dev/null 6>&- 8>&- 9>&- || :
}

runs_anything() { # USER
  grep -qsE "^Uid:[[:space:]]+$(id -u -- "$1")[[:space:]]" /proc/[0-9]*/status
}
