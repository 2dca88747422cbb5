# The words for `live`, the link that says which slot serves. Plain bash, no Jinja.

declare -A other_slot=([blue]=green [green]=blue)

live_slot() { # NAME: sets it to blue or green; to nothing before the first release
  local a_slot target=''
  for a_slot in blue green; do
    [[ ! ${root}/live -ef ${root}/slots/${a_slot} ]] || target=slots/${a_slot} # without a process
  done
  [[ -n ${target} || ! -L ${root}/live ]] || target=$(readlink -- "${root}/live")
  case ${target} in
    '' | slots/blue | slots/green) printf -v "$1" %s "${target#slots/}" ;;
    *) fail "link ${root}/live" "it leads to ${target}, which is no slot; put it right by hand" ;;
  esac
}

point_live() { # SLOT: the one rename that moves the site; the fsync makes it last
  ln -sfn -- "slots/$1" "${root}/live.new"
  mv -fT -- "${root}/live.new" "${root}/live"
  sync -- "${root}"
}

live_release() { # NAME: sets it to the name of the release that serves; to nothing if none does
  local folder=''
  find_same "${root}/live/release" folder "${root}"/releases/*/
  [[ -d ${folder}/code ]] || folder=''
  printf -v "$1" %s "${folder##*/}"
}

find_same() { # PATH NAME FOLDER/...: sets it to the one of these that a link leads to, without a process; else to nothing
  local a_folder
  printf -v "$2" %s ''
  for a_folder in "${@:3}"; do
    [[ ! $1 -ef ${a_folder} || -L ${a_folder%/} ]] || printf -v "$2" %s "${a_folder%/}"
  done
}

listens() { # SLOT: whether its socket has a listener (a stream in state 01), which was bound at its path or beside it
  local sockets=''
  contents_of /proc/net/unix sockets
  [[ ${sockets}$'\n' =~ \ 0001\ 01\ +[0-9]+\ ${socket_dir}/$1\.sock(\.new)?$'\n' ]]
}

served='' # the release that serves, if nothing at all would differ from that

tell_release() { # FINGERPRINT: which release serves; sets served if that is its fingerprint
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

tell_rest() { # RELEASE SLOT: what is left to do although it serves
  local other=${other_slot[$2]} settled=yes
  tell_pending "${root}/releases/$1/pending"
  # Else a run was cut after the switch: the slot before is still to be stopped, or what is old to be removed.
  if [[ -e ${program_files[${other}]} || ! -e ${root}/releases/$1/settled ]] || listens "${other}"; then settled=no; fi
  say fact settled "${settled}"
}

tell_pending() { # FILE: migrations that the release that serves goes without
  local one
  [[ -e $1 ]] || return 0
  while read -r one; do
    say fact pending "${one}"
  done <"$1"
}

note_switched() { # RELEASE: it serves, since `live` was made; by the next run that meets it so, should one be cut right after the rename
  local file=${root}/releases/$1/switched when
  [[ ! -e ${file} && -d ${file%/*} ]] || return 0
  printf -v when '%(%F %T)T UTC' "$(stat -c %Y -- "${root}/live")"
  put_file "${file}" 644 root:root "${when}"
}

work_on() { # RELEASE: sets what the stages know of it
  release=$1 release_dir=${root}/releases/$1
  work_dir=${release_dir}/$(readlink -- "${release_dir}/work")
  venv_dir=$(readlink -f -- "${release_dir}/venv")
}

link_static() { # to the static files of the release that serves
  local new=${release_dir}/static.new
  remove_if_there "${new}" "${release_dir}/static"
  cp -alH -- "${root}/live/static" "${new}"
  mv -T -- "${new}" "${release_dir}/static"
}
