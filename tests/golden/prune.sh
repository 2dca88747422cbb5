keep=5

newest_dumps=3
declare -A used=()

use_links() { # LINK...: what they lead to is used
  local target
  while IFS= read -r target; do
    used["${target##*/}"]=1
  done < <(readlink -- "$@")
}

use_processes() { # what any process was started from, or stands in
  local path
  while IFS= read -r path; do
    path=${path#"${root}"/*/}
    used["${path%%/*}"]=1
  done < <(
    grep -aoshE "${root}/(releases|venvs)/[A-Za-z0-9._-]+" /proc/[0-9]*/environ /proc/[0-9]*/cmdline || :
    readlink -- /proc/[0-9]*/cwd | grep -E "^${root}/(releases|venvs)/" || :
  )
}

use_folder() { # NAME
  [[ -z $1 ]] || used["$1"]=1
}

list_old_releases() { # sets old: all but the newest that have served, those in use, and the one to go back to
  local folders=("${root}"/releases/*/) name before='' i served=0
  live_release name
  use_folder "${name}"
  use_folder "${release-}"
  contents_of "${root}/live/release/previous" before 2>/dev/null
  use_folder "${before}"
  use_links "${root}"/slots/*/release
  for ((i = ${#folders[@]} - 1; i >= 0; i--)); do
    name=${folders[i]%/}
    name=${name##*/}
    [[ -d ${folders[i]} ]] || continue
    if [[ ${name} != *.* && -e ${folders[i]}switched ]] && ((++served <= keep)); then continue; fi
    [[ -n ${used["${name}"]-} ]] || old+=("${root}/releases/${name}")
  done
}

list_old_virtualenvs() { # sets old: those that no release that stays has
  local folder=${venv_dir-}
  use_folder "${folder##*/}"
  use_links "${root}"/releases/*/venv
  for folder in "${root}"/venvs/*/; do
    folder=${folder%/}
    [[ ! -d ${folder} || -n ${used["${folder##*/}"]-} ]] || old+=("${folder}")
  done
}

list_old_dumps() { # sets old: all but the newest, and those that a release that stays was preceded by
  local paths=("${dumps}"/*.sql.gz) named=$'\n' path i
  for path in "${root}"/releases/*/dump; do
    [[ ! -f ${path} ]] || named+=$(<"${path}")$'\n'
  done
  # Nor the way back from what is half applied, nor, for a week, what a restore replaced.
  [[ ! -f ${half_applied} ]] || named+=$(cut -f 2 -- "${half_applied}")$'\n'
  [[ ! -d ${dumps} ]] || named+=$(find "${dumps}" -name '*-before-restore.sql.gz' -mtime -7)$'\n'
  for ((i = 0; i < ${#paths[@]} - newest_dumps; i++)); do
    [[ ${paths[i]##*/} != [0-9]*T*Z-before-* || ${named} == *$'\n'"${paths[i]}"$'\n'* ]] || old+=("${paths[i]}")
  done
  for path in "${dumps}"/*.applied; do
    [[ -f ${path} ]] || continue
    [[ -f ${path%.applied}.sql.gz && " ${old[*]} " != *" ${path%.applied}.sql.gz "* ]] || old+=("${path}")
  done
  for path in "${dumps}"/*.new "${dumps}"/*.gone; do # of runs that were killed
    [[ ! -e ${path} ]] || old+=("${path}")
  done
}

remove_folder() { # PATH: out of its place at once, so that no half of it is ever taken for the whole
  [[ $1 == *.gone ]] || mv -T -- "$1" "$1.gone"
  rm -rf -- "${1%.gone}.gone"
}

remove_old() { # WHAT
  local path
  [[ ${#old[@]} == 0 ]] || use_processes
  for path in "${old[@]}"; do
    [[ -n ${used["${path##*/}"]-} ]] || change_cuttable "$1 ${path##*/}" remove_folder "${path}"
  done
}

forget_trees() { # of releases that are gone; their objects go when the packs have become many
  local name packs=("${store}"/objects/pack/*.pack)
  while read -r name; do
    [[ -d ${root}/releases/${name##*/} ]] || repo_git update-ref -d "${name}"
  done < <(repo_git for-each-ref --format='%(refname)' refs/roadie/trees)
  ((${#packs[@]} <= 20)) || change_cuttable "store ${store}" repack
}

repack() { # looks for no new differences: that takes the memory of a small server
  repo_git -c pack.threads=1 -c gc.writeCommitGraph=false repack -a -d -q --window=0 -n
}

old=()
list_old_releases
remove_old 'old release'
old=()
list_old_virtualenvs
remove_old 'old virtualenv'
old=()
list_old_dumps
remove_old 'old dump'
forget_trees
# For the next deploy: of this release, nothing is left to do.
: >"${release_dir}/settled"
ok "releases"
