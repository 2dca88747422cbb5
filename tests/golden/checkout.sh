release=20261123T120000Z-0123abcd
local tree=89ef456789ef456789ef456789ef456789ef4567
local record='{"id": "20261123T120000Z-0123abcd"}'
local fingerprint=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
local manage_dir=''
local ship_root=''

release_dir=${root}/releases/${release}
local inside=${manage_dir#"${ship_root}"}
inside=${inside#/}
work_dir=${release_dir}/code${inside:+/${inside}}
local new=${release_dir}.new

lay_out() { # builds the release beside its final place and then renames it, so a release in its place is always complete
  trap give_up ERR
  remove_if_there "${root}"/releases/*.new || : # may fail, as a process of a killed run may still write there
  umask 027
  mkdir -m 751 -- "${new}"
  export GIT_WORK_TREE=${new}/code GIT_INDEX_FILE=${new}/index
  # From here on, git and Python make files of the app's group, which the app can read.
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

# git compares each file's size and time with the index, so a file that was edited by hand is checked out again. git removes
# a file before it writes the new version, so a hard link never changes the release that serves. If a .gitattributes
# differs, nothing is linked, because the attributes decide what git writes into files.
link_from() { # RELEASE_DIR
  [[ -f $1/index ]] &&
    cp -al -- "$1/code" "${new}/code" &&
    cp -- "$1/index" "${new}/index" &&
    remove_overlaid "$1" &&
    list_sources diff-index --cached --name-only "${tree}" &&
    [[ " ${sources[*]##*/} " != *' .gitattributes '* ]] &&
    repo_git read-tree --reset -u "${tree}" &&
    remove_strays
}

# RELEASE_DIR: removes links to what is shared and files that were built; git brings the commit's files back. In the sorted order,
# a link goes before the paths below it, where a build once made files. Otherwise root would follow the link, and delete what is
# shared.
remove_overlaid() {
  [[ ! -f $1/overlaid ]] || LC_ALL=C sort -z -- "$1/overlaid" | (cd "${new}/code" && xargs -0 -r rm -rf --)
}

check_out_all() {
  rm -rf -- "${new}/code" "${new}/index"
  "${in_group[@]}" mkdir -m 750 -- "${new}/code"
  repo_git read-tree --reset -u "${tree}"
  list_sources ls-files
}

# Sets sources to the Python files and .gitattributes files that the command names. The word `whole` at the end proves that
# git did not fail half way.
list_sources() { # GIT_COMMAND...
  mapfile -d '' -t sources < <(in_group=() && repo_git "$1" -z "${@:2}" -- ':(glob)**/*.py' ':(glob)**/.gitattributes' && printf 'whole\0')
  [[ ${#sources[@]} != 0 && ${sources[-1]} == whole ]] && unset 'sources[-1]'
}

remove_strays() { # removes files that are not in the commit, but keeps folders of bytecode
  local path
  while IFS= read -r -d '' path; do
    [[ /${path} == */__pycache__/ ]] || rm -rf -- "${new}/code/${path}"
  done < <(repo_git ls-files --others --directory -z)
  remove_if_there "${new}/code/.git"
}

compile() { # writes the bytecode now, because the app cannot write here; Python only compiles the code and runs none of it
  local path folder name file stale=() there=()
  for path in "${sources[@]}"; do
    name=${path##*/}
    [[ ${name} == *.py ]] || continue
    folder=${new}/code/${path%"${name}"}
    for file in "${folder}__pycache__/${name%.py}".*.pyc; do
      [[ ! -e ${file} && ! -L ${file} ]] || stale+=("${file}")
    done
    # Skip links of the project: through a link, root would read and write outside the release.
    [[ ! -f ${folder}${name} || -L ${folder}${name} || -L ${folder}__pycache__ ]] || there+=("./${path}")
  done
  [[ ${#stale[@]} == 0 ]] || printf '%s\0' "${stale[@]}" | xargs -0 rm -f --
  [[ ${#there[@]} == 0 ]] || printf '%s\0' "${there[@]}" | (cd "${new}/code" && xargs -0 "${in_group[@]}" "${base_python}" -I -S -W ignore -c "${compile_py}") || :
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
