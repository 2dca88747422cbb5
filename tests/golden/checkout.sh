release=20261123T120000Z-0123abcd
tree=89ef456789ef456789ef456789ef456789ef4567
record='{"id": "20261123T120000Z-0123abcd"}'
fingerprint=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
manage_dir=''
ship_root=''
python=python3

release_dir=${root}/releases/${release}
inside=${manage_dir#"${ship_root}"}
inside=${inside#/}
work_dir=${release_dir}/code${inside:+/${inside}}
new=${release_dir}.new

lay_out() { # beside its place, then one rename: what is in its place is whole
  trap give_up ERR
  remove_if_there "${root}"/releases/*.new || : # what a killed run left may still write to its own
  umask 027
  mkdir -m 751 -- "${new}"
  export GIT_WORK_TREE=${new}/code GIT_INDEX_FILE=${new}/index
  # What root makes from here on is the app's to read.
  local before='' sources=() in_group=(setpriv --regid="${app}" --clear-groups --)
  live_release before
  if [[ -z ${before} ]] || ! link_from "${root}/releases/${before}"; then check_out_all; fi
  compile
  ln -s -- "code${inside:+/${inside}}" "${new}/work"
  printf '%s\n' "${record}" >"${new}/release.json"
  printf '%s\n' "${fingerprint}" >"${new}/fingerprint"
  chgrp -- "${app}" "${new}/release.json" "${new}/fingerprint"
  mv -T -- "${new}" "${release_dir}"
}

# The index tells by size and time what is no longer as it was checked out, so a file that somebody edited
# by hand comes anew. git removes a file before it writes it: the one that serves is never written to.
link_from() { # RELEASE_DIR
  [[ -f $1/index ]] &&
    cp -al -- "$1/code" "${new}/code" &&
    cp -- "$1/index" "${new}/index" &&
    list_sources diff-index --cached --name-only "${tree}" &&
    [[ " ${sources[*]##*/} " != *' .gitattributes '* ]] &&
    repo_git read-tree --reset -u "${tree}" &&
    remove_strays
}

check_out_all() {
  rm -rf -- "${new}/code" "${new}/index"
  "${in_group[@]}" mkdir -m 750 -- "${new}/code"
  repo_git read-tree --reset -u "${tree}"
  list_sources ls-files
}

list_sources() { # GIT_COMMAND...: sets sources to the Python files that it names, and what says how files come out of git
  mapfile -d '' -t sources < <(in_group=() && repo_git "$1" -z "${@:2}" -- ':(glob)**/*.py' ':(glob)**/.gitattributes' && printf 'whole\0')
  [[ ${#sources[@]} != 0 && ${sources[-1]} == whole ]] && unset 'sources[-1]'
}

remove_strays() { # what git does not know was not committed; but folders of bytecode stay
  local path
  while IFS= read -r -d '' path; do
    [[ /${path} == */__pycache__/ ]] || rm -rf -- "${new}/code/${path}"
  done < <(repo_git ls-files --others --directory -z)
  remove_if_there "${new}/code/.git"
}

compile() { # beforehand, as the app may not write here; it is Debian's own Python, and it only reads the code
  local path folder name file stale=() there=()
  for path in "${sources[@]}"; do
    name=${path##*/}
    [[ ${name} == *.py ]] || continue
    folder=${new}/code/${path%"${name}"}
    for file in "${folder}__pycache__/${name%.py}".*.pyc; do
      [[ ! -e ${file} && ! -L ${file} ]] || stale+=("${file}")
    done
    # Through a link of the project's root would read and write elsewhere.
    [[ ! -f ${folder}${name} || -L ${folder}${name} || -L ${folder}__pycache__ ]] || there+=("./${path}")
  done
  [[ ${#stale[@]} == 0 ]] || printf '%s\0' "${stale[@]}" | xargs -0 rm -f --
  [[ ${#there[@]} == 0 ]] || printf '%s\0' "${there[@]}" | (cd "${new}/code" && xargs -0 "${in_group[@]}" "${python}" -I -S -W ignore -c "${compile_py}") || :
}

give_up() {
  trap - ERR
  ((BASH_SUBSHELL == 1)) || exit 1
  local why
  why=$(git_cause)
  ! disk_is_full || why=${disk_full}
  rm -rf -- "${new}"
  fail "release ${release}" "${why:-its code could not be laid out; the last words are above, all of them in ${log} on the host}"
}

if [[ -d ${release_dir} ]]; then
  ok "release ${release}"
else
  change_cuttable "release ${release}" lay_out
fi
