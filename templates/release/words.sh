# The words for `live`, the link to the slot that serves, and for the release in that slot. Plain bash, no Jinja.

declare -A other_slot=([blue]=green [green]=blue) # the slot beside each

live_slot() { # NAME: sets the variable NAME to the slot that serves, blue or green; to nothing before the first release
  local a_slot target=''
  for a_slot in blue green; do
    [[ ! ${root}/live -ef ${root}/slots/${a_slot} ]] || target=slots/${a_slot} # unlike readlink, -ef starts no process
  done
  [[ -n ${target} || ! -L ${root}/live ]] || target=$(readlink -- "${root}/live")
  case ${target} in
    '' | slots/blue | slots/green) printf -v "$1" %s "${target#slots/}" ;;
    *) fail "link ${root}/live" "it leads to ${target}, which is no slot; put it right by hand" ;;
  esac
}

point_live() { # SLOT: moves the site to this slot by one rename, and syncs the rename to disk
  replace_link "${root}/live" "slots/$1"
}

live_release() { # NAME: sets the variable NAME to the name of the release that serves; to nothing if none does
  local folder=''
  find_same "${root}/live/release" folder "${root}"/releases/*/
  [[ -d ${folder}/code ]] || folder=''
  printf -v "$1" %s "${folder##*/}"
}

# PATH NAME FOLDER/...: sets the variable NAME to the folder that the link PATH leads to, without starting a process. Sets
# NAME to nothing if PATH leads to none of the folders.
find_same() {
  local a_folder
  printf -v "$2" %s ''
  for a_folder in "${@:3}"; do
    [[ ! $1 -ef ${a_folder} || -L ${a_folder%/} ]] || printf -v "$2" %s "${a_folder%/}"
  done
}

# SLOT: whether a program serves there. Its path must lead to the socket of a process that lives, PATH.PID, and somebody must
# listen at that socket. A listener is a stream (0001) in state 01.
listens() {
  local sockets='' path=${socket_dir}/$1.sock pid
  contents_of /proc/net/unix sockets
  while [[ ${sockets} =~ \ 0001\ 01\ +[0-9]+\ "${path}".([0-9]+)($'\n'|$) ]]; do
    pid=${BASH_REMATCH[1]} sockets=${sockets#*"${BASH_REMATCH[0]}"}
    [[ ! ${path} -ef ${path}.${pid} || ! -d /proc/${pid} ]] || return 0
  done
  return 1
}

# SLOT: whether no program serves in this slot. If the socket is no link, an earlier roadie started its program, which may serve.
is_down() {
  [[ -L ${socket_dir}/$1.sock || ! -S ${socket_dir}/$1.sock ]] && ! listens "$1"
}

is_release() { # FOLDER: whether a whole release is there; a release without its record is half made or half removed
  local name=${1%/}
  [[ ${name##*/} != *.* && -f ${name}/release.json ]]
}

tell_file() { # FILE NAME: tells the fact NAME: what is in a file, or nothing if there is no file
  local text=''
  [[ ! -f $1 ]] || contents_of "$1" text
  say fact "$2" "${text}"
}

served='' # the name of the release that serves, if a deploy would change nothing

tell_release() { # FINGERPRINT: tells which release serves; sets served if that release has this fingerprint and listens
  local name='' text='' slot=''
  live_release name
  say fact live "${name}"
  [[ -n ${name} ]] || return 0
  contents_of "${root}/releases/${name}/fingerprint" text 2>/dev/null
  say fact fingerprint "${text}"
  live_slot slot
  [[ ${text} == "$1" ]] && listens "${slot}" || return 0
  served=${name}
  say fact served "${name}"
  tell_rest "${name}" "${slot}"
}

tell_rest() { # RELEASE SLOT: tells what is left to do although this release serves
  local other=${other_slot[$2]} settled=yes
  tell_pending "${root}/releases/$1/pending"
  tell_pending "${root}/releases/$1/postponed"
  # Not settled: a run was cut after its switch. It did not stop the other slot, or did not remove old releases.
  if [[ -e ${program_files[${other}]} || ! -e ${program_files[$2]} || ! -e ${root}/releases/$1/settled ]] || listens "${other}"; then settled=no; fi
  say fact settled "${settled}"
}

tell_pending() { # FILE: tells the migrations in a release's record of pending ones
  local one
  [[ -e $1 ]] || return 0
  while read -r one; do
    say fact pending "${one}"
  done <"$1"
}

# RELEASE: records that it serves since `live` was made. If a run is cut right after its rename, the next run records it.
note_switched() {
  local file=${root}/releases/$1/switched when
  [[ ! -e ${file} && -d ${file%/*} ]] || return 0
  printf -v when '%(%F %T)T UTC' "$(stat -c %Y -- "${root}/live")"
  put_file "${file}" 644 root:root "${when}"
}

work_on() { # RELEASE: sets the variables by which stages know the release that they work on
  release=$1 release_dir=${root}/releases/$1
  work_dir=${release_dir}/$(readlink -- "${release_dir}/work")
  venv_dir=$(readlink -f -- "${release_dir}/venv")
}

link_static() { # takes the static files of the release that serves, as hard links
  local new=${release_dir}/static.new
  remove_if_there "${new}" "${release_dir}/static"
  cp -alH -- "${root}/live/static" "${new}"
  mv -T -- "${new}" "${release_dir}/static"
}
