release=20261123T120000Z-0123abcd
local tree=89ef456789ef456789ef456789ef456789ef4567
local source_tree=''

object_format() {
  if ((${#tree} == 64)); then printf sha256; else printf sha1; fi
}

is_store() { # whether the store exists, and has the hash of the project, which may change from SHA-1 to SHA-256
  local config=''
  [[ -f ${store}/HEAD ]] || return 1
  contents_of "${store}/config" config
  [[ ${config} == *sha256* && ${#tree} == 64 || ${config} != *sha256* && ${#tree} == 40 ]]
}

make_store() {
  empty_store
  rm -rf -- "${store}.new"
  git init -q --bare --template= -b main --object-format="$(object_format)" "${store}.new"
  git --git-dir="${store}.new" config gc.auto 0
  chmod 700 "${store}.new"
  sync -f -- "${store}.new" # git does not sync what it makes here
  mv -T -- "${store}.new" "${store}"
}

has_tree() {
  local known=''
  contents_of "${store}/refs/roadie/trees/${release}" known 2>/dev/null
  [[ ${known} == "${tree}" ]]
}

take_in() { # sets the ref last, so a tree that has a ref is complete and on disk
  remove_if_there "${store}"/objects/pack/tmp_*
  if [[ -s ${payload} ]]; then
    repo_git index-pack --stdin --fix-thin <"${payload}" >/dev/null || refuse_pack
  fi
  repo_git rev-list --objects --quiet "${tree}" ${source_tree:+"${source_tree}"} -- || refuse_pack
  sync -- "${store}/objects/pack"
  # A developer's machine built ${tree}, and other machines do not know it. They know the tree of the commit, from which the next
  # commit differs little.
  [[ -z ${source_tree} ]] || repo_git update-ref "refs/roadie/trees/source/${release}" "${source_tree}"
  repo_git update-ref "refs/roadie/trees/${release}" "${tree}"
}

refuse_pack() { # fails; empties a store that lost objects, so that the next run finds it empty and sends all objects
  local why
  why=$(git_cause)
  case ${why} in
    *' space left'* | *' quota '* | *memory*) fail "code ${tree:0:12}" "${why}" ;;
    *) ;;
  esac
  empty_store
  fail "code ${tree:0:12}" "the host's store of code was incomplete (${why:-git gave no reason}), so roadie emptied it; run the same command again to send all code"
}

if is_store; then ok "store ${store}"; else change "store ${store}" make_store; fi
if has_tree; then
  ok "code ${tree:0:12}"
else
  local size=0 note='nothing to send'
  if [[ -s ${payload} ]]; then
    size=$(stat -c %s -- "${payload}")
    note="$(((size + 1023) / 1024)) KB received"
    # Room for the pack, for its files, which take about four times the size of the pack, and 10 MB more.
    require_room $((size * 5 / 1024 + 10240)) "code ${tree:0:12}"
  fi
  change_cuttable "code ${tree:0:12}" take_in
fi
