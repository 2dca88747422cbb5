# The words that delete the places of frame/places.sh. Plain bash, no Jinja.

ensure_no_place() { # PLACE: deletes every path that it matches, and the half-written .roadie-new files of cut runs
  local path=${1% *} user='' there=()
  [[ $1 != *' '* ]] || user=${1#* }
  mapfile -t there < <(compgen -G "${path}" || :; compgen -G "${path}.roadie-new" || :)
  [[ ${#there[@]} != 0 ]] || ok "no ${path}"
  for path in "${there[@]}"; do
    case ${path} in
      *.roadie-new) ensure_absent "${path}" ;;
      /etc/letsencrypt/*) ensure_no_tree "${path}" ;;
      /etc/*) ensure_forgotten "${path}" ;;
      *) ensure_no_tree "${path}" "${user}" ;;
    esac
  done
}

ensure_forgotten() { # PATH: deletes a file that roadie wrote; first saves and names a version that was edited by hand
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change "no $1" forget_file "$1"; fi
}

forget_file() { # PATH
  [[ -L $1 ]] || keep_hand_edit "$1"
  rm -rf -- "$1" "${state}/files/${1//\//%}"
}

ensure_no_tree() { # PATH [USER]: deletes a file, or a folder with everything below it
  if [[ ! -e $1 && ! -L $1 ]]; then ok "no $1"; else change_cuttable "no $1" remove_tree "$@"; fi
}

# USER is the user who can write there. That user's files are deleted as that user, so a planted link cannot make root delete
# something else. Of a link, only the link is deleted.
remove_tree() { # PATH [USER]
  [[ -z ${2-} || -L $1 ]] || as_user "$2" / find "$1" -mindepth 1 -delete || :
  rm -rf --one-file-system -- "$1"
}

find_traces() { # sets traces to roadie's records of the site's files, and to the saved versions of edits by hand
  local place path record pattern
  traces=()
  for place in "${made_again[@]}" "${kept_until_purge[@]}"; do
    path=${place% *} record=${state}/files/${path//\//%}
    for pattern in "${record}"{,.new,'%*'} "${backups}${path}"{,'.*'}; do
      mapfile -t -O "${#traces[@]}" traces < <(compgen -G "${pattern}" || :)
    done
  done
}
