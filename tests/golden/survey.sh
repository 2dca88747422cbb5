fingerprint=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff

tell_trees() { # the newest first: a pack tells differences best from what is nearest
  local tree
  [[ -d ${store} ]] || return 0
  while read -r tree; do
    say fact tree "${tree}"
  done < <(repo_git for-each-ref --sort=-refname --format='%(objectname)' refs/roadie/trees)
}

require_no_hold
require_whole_site
tell_release "${fingerprint}"
tell_trees
tell_maintenance
tell_nginx
