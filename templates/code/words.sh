# The words for a site's code on its host: the store of git objects, from which releases are made. Plain bash, no Jinja.

in_group=() # a command that runs git in another group; a stage may choose one

repo_git() { # ARGUMENT...: runs git on the store, without any configuration or hooks of the host, a user or the project
  GIT_DIR=${store} GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 "${in_group[@]}" git \
    -c core.hooksPath=/dev/null -c core.attributesFile=/dev/null -c core.excludesFile=/dev/null \
    -c core.autocrlf=false -c core.eol=lf -c core.safecrlf=false -c core.quotePath=false -c core.fsync=committed,reference \
    -c core.protectNTFS=false -c core.protectHFS=false -c core.trustctime=false -c core.checkStat=minimal "$@"
}

git_cause() { # prints the last reason that git gave in the running step
  local said
  said=$(cause '^(fatal|error): ')
  said=${said##*; }
  printf %s "${said#*: }"
}

empty_store() {
  rm -rf -- "${store}.gone"
  [[ ! -e ${store} ]] || mv -T -- "${store}" "${store}.gone"
  rm -rf -- "${store}.gone"
}

# ---- What lies over the commit's files in a release: links to what is shared, and files that were built or rendered --

# PATH: clears this path in the code of ${release_dir}, for something else than the commit's file. Records the path first, so that
# no later release takes over what comes there.
lay_over() {
  printf '%s\0' "$1" >>"${release_dir}/overlaid"
  clear_place "code of ${release}" "${release_dir}/code" "$1"
}
