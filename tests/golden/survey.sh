local fingerprint=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff

tell_trees() { # names the newest tree first: a pack is smallest if it holds differences from similar trees
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
if is_https; then say fact https "${domains[0]}"; fi
