# The words that take the places of frame/places.sh away. Plain bash, no Jinja.

ensure_no_place() { # PLACE: all that its path matches, and what a cut run half wrote beside it
  local path=${1% *} user='' there=()
  [[ $1 != *' '* ]] || user=${1#* }
  mapfile -t there < <(compgen -G "${path}" || :; compgen -G "${path}.roadie-new" || :)
  [[ ${#there[@]} != 0 ]] || ok "no ${path}"
  for path in "${there[@]}"; do
    case ${path} in
      *.roadie-new) ensure_absent "${path}" ;;
      /etc/*) ensure_forgotten "${path}" ;;
      *) ensure_no_tree "${path}" "${user}" ;;
    esac
  done
}

ensure_forgotten() { # PATH: of a file that roadie wrote; what a person changed in it is kept and named
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change "no $1" forget_file "$1"; fi
}

forget_file() { # PATH
  [[ -L $1 ]] || keep_hand_edit "$1"
  rm -rf -- "$1" "${state}/files/${1//\//%}"
}

ensure_no_tree() { # PATH [USER]: a file, or a folder and all below it
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change_cuttable "no $1" remove_tree "$@"; fi
}

remove_tree() { # PATH [USER]: what a user can write goes by that user's own hand; a link goes, what it leads to stays
  [[ -z ${2-} || -L $1 ]] || as_user "$2" / find "$1" -mindepth 1 -delete || :
  rm -rf --one-file-system -- "$1"
}

find_traces() { # sets traces to what roadie has of the site's places elsewhere: records, and edits by hand that it kept
  local place path record pattern
  traces=()
  for place in "${made_again[@]}" "${kept_until_purge[@]}"; do
    path=${place% *} record=${state}/files/${path//\//%}
    for pattern in "${record}"{,.new,'%*'} "${backups}${path}"{,'.*'}; do
      mapfile -t -O "${#traces[@]}" traces < <(compgen -G "${pattern}" || :)
    done
  done
}
