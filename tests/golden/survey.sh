tell_trees() { # the newest first: a pack tells differences best from what is nearest
  local tree
  [[ -d ${store} ]] || return 0
  while read -r tree; do
    say fact tree "${tree}"
  done < <(repo_git for-each-ref --sort=-refname --format='%(objectname)' refs/roadie/trees)
}

ask_for_code() { # in any case: where nothing is known of the host's trees, all of it is sent
  tell_trees || :
  tell_site || :
  say asks code
}

ask_for_code 8>&- 9>&- &
asking=$!
