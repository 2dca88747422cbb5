local places=()
local fill_py='<text of words/fill.py>'

tell_shared() { # for a dry run: tells what the host does not have yet
  local place
  for place in "${places[@]}"; do
    [[ -e ${shared_project}/${place} ]] || say fact shared "${place%/}"
  done
}

fill_shared() { # copies the files of the commit that the host lacks
  local place pairs=()
  for place in "${places[@]}"; do
    pairs+=("${release_dir}/code/${place}" "${shared_project}/${place}")
  done
  as_user "${app}" "${root}/shared/home" python3 -I -S -c "${fill_py}" "${pairs[@]}" ||
    fail "${shared_project}" "what the commit has for shared: could not be copied there; the reason stands above"
}

link_shared() {
  local place
  fill_shared
  for place in "${places[@]%/}"; do
    lay_over "${place}"
    ln -s -- "${shared_project}/${place}" "${release_dir}/code/${place}"
  done
}

if [[ -n ${dry_run} ]]; then
  tell_shared
else
  ensure_dir "${shared_project}" 700 "${app}:${app}"
fi
change_within "${build_timeout}" "shared folders of ${release}" link_shared
