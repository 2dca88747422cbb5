tree=89ef456789ef456789ef456789ef456789ef4567
post_build=()
sequence=(secrets load receive checkout virtualenv environment prestart inspect static dump migrate start gate switch watch retire prune)

# Stages of the user's own between the checks and the gate may make what the processes read when they start, or show.
is_plain_sequence() {
  [[ " ${sequence[*]} " == *' prestart inspect static dump migrate start gate '* && ${#post_build[@]} == 0 ]]
}

seems_to_need_no_more() { # the static files and the migrations are those that serve, as far as paths tell
  local before digest='' paths
  before=$(live_release)
  [[ -n ${before} && ! -e ${root}/live/release/pending && $(record_of_django "${venv_dir}") -ef $(record_of_django "${root}/live/venv") ]] || return 1
  contents_of "${root}/live/release/static.digest" digest 2>/dev/null
  [[ ${digest} =~ ^[0-9a-f]{64}$ ]] || return 1
  paths=$(repo_git diff-tree -r --no-renames --name-only "refs/roadie/trees/${before}" "${tree}") || return 1
  [[ $'\n'${paths} != *[/$'\n']migrations/* ]] && ! grep -qvE '^$|\.(py|html|txt|md|rst)$' <<<"${paths}"
}

record_of_django() { # VIRTUALENV: another Django, or the same of another time, would have all static files collected anew
  printf '%s' "$1"/lib/python3*/site-packages/[Dd]jango-*.dist-info/RECORD
}

if [[ -z ${check} ]] && is_plain_sequence; then
  begin_inspection
  if seems_to_need_no_more; then
    change_cuttable "static files of ${release}" link_static
    prestart_release
  fi
fi
