tree=89ef456789ef456789ef456789ef456789ef4567
post_build=()
sequence=(secrets load virtualenv receive checkout environment prestart inspect static dump migrate start gate switch watch retire links prune)

# Stages of the user's own between the checks and the gate may make what the processes read when they start, or show.
is_plain_sequence() {
  [[ " ${sequence[*]} " == *' prestart inspect static dump migrate start gate '* && ${#post_build[@]} == 0 ]]
}

seems_to_need_no_more() { # the static files and the migrations are those that serve, as far as paths tell
  local before digest='' path paths
  live_release before
  [[ -n ${before} && ! -e ${root}/live/release/pending ]] && is_same_django || return 1
  contents_of "${root}/live/release/static.digest" digest 2>/dev/null
  [[ ${digest} =~ ^[0-9a-f]{64}$ ]] || return 1
  paths=$(repo_git diff-tree -r --no-renames --name-only "refs/roadie/trees/${before}" "${tree}") || return 1
  while IFS= read -r path; do
    [[ /${path} != */migrations/* && ${path} =~ (^|\.(py|html|txt|md|rst))$ ]] || return 1
  done <<<"${paths}"
}

is_same_django() { # another one, or the same of another time, would have all static files collected anew
  local ours=("${venv_dir}"/lib/python3*/site-packages/[Dd]jango-*.dist-info/RECORD)
  local theirs=("${root}"/live/venv/lib/python3*/site-packages/[Dd]jango-*.dist-info/RECORD)
  [[ ${ours[0]} -ef ${theirs[0]} ]]
}

if [[ -z ${check} ]] && is_plain_sequence; then
  begin_inspection
  if seems_to_need_no_more; then
    change_cuttable "static files of ${release}" link_static
    prestart_release
  fi
fi
