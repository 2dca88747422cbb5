# The words for `live`, the link that says which slot serves. Plain bash, no Jinja.

live_slot() { # prints blue or green; nothing before the first release
  local target
  target=$(readlink -- "${root}/live") || return 0
  case ${target} in
    slots/blue | slots/green) printf '%s' "${target#slots/}" ;;
    *) fail "link ${root}/live" "it leads to ${target}, which is no slot; put it right by hand" ;;
  esac
}

other_slot() { # SLOT
  [[ $1 == blue ]] && printf green || printf blue
}

point_live() { # SLOT: the one rename that moves the site; the fsync makes it last
  ln -sfn -- "slots/$1" "${root}/live.new"
  mv -fT -- "${root}/live.new" "${root}/live"
  sync -- "${root}"
}

program_file() { # SLOT
  printf '/etc/supervisor/conf.d/%s-%s.conf' "${app}" "$1"
}

live_release() { # prints the name of the release that serves, if one does
  local target
  target=$(readlink -f -- "${root}/live/release") || return 0
  [[ ! -d ${target}/code ]] || printf %s "${target##*/}"
}

note_switched() { # RELEASE: it serves, since `live` was made; by the next run that meets it so, should one be cut right after the rename
  local file=${root}/releases/$1/switched when
  [[ ! -e ${file} && -d ${file%/*} ]] || return 0
  printf -v when '%(%F %T)T UTC' "$(stat -c %Y -- "${root}/live")"
  put_file "${file}" 644 root:root "${when}"
}
