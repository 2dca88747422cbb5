local keep=5

local newest_dumps=3 old=()
local -A used=()

use_links() { # LINK...: marks the targets of these links as used
  local link target targets links=()
  for link in "$@"; do
    [[ ! -L ${link} ]] || links+=("${link}")
  done
  [[ ${#links[@]} != 0 ]] || return 0
  targets=$(readlink -- "${links[@]}") # if it fails, nothing is removed
  while IFS= read -r target; do
    used["${target##*/}"]=1
  done <<<"${targets}"
}

use_processes() { # marks each folder that a process was started from or works in
  local path
  while IFS= read -r path; do
    path=${path#"${root}"/*/}
    used["${path%%/*}"]=1
  done < <(
    grep -aoshE "${root}/(releases|venvs)/[A-Za-z0-9._-]+" /proc/[0-9]*/environ /proc/[0-9]*/cmdline || :
    readlink -- /proc/[0-9]*/cwd | grep -E "^${root}/(releases|venvs)/" || :
  )
}

use_folder() { # NAME: marks it as used
  [[ -z $1 ]] || used["$1"]=1
}

# Sets old to all releases but the ones in use, the one that a rollback goes to, and the newest that have served: ${keep} good
# ones, and as many that were rolled back or failed after their switch. A bad release never takes the place of a good one.
list_old_releases() {
  local folders=("${root}"/releases/*/) name before='' i good=0 bad=0
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
    if [[ ${name} != *.* && -e ${folders[i]}switched ]]; then
      if [[ -e ${folders[i]}bad ]]; then ((++bad > keep)) || continue; else ((++good > keep)) || continue; fi
    fi
    [[ -n ${used["${name}"]-} ]] || old+=("${root}/releases/${name}")
  done
}

list_old_virtualenvs() { # sets old to the virtualenvs that no remaining release uses
  local folder=${venv_dir-}
  use_folder "${folder##*/}"
  use_links "${root}"/releases/*/venv
  for folder in "${root}"/venvs/*/; do
    folder=${folder%/}
    [[ ! -d ${folder} || -n ${used["${folder##*/}"]-} ]] || old+=("${folder}")
  done
}

list_old_dumps() { # sets old to all dumps but the newest, and the ones from before a remaining release
  local paths=("${dumps}"/*".${dump_ending}") named=$'\n' path i
  for path in "${root}"/releases/*/dump; do
    [[ ! -f ${path} ]] || named+=$(<"${path}")$'\n'
  done
  # Keep the dump from before a half applied migration and, for a week, the dump of a database that a restore replaced.
  [[ ! -f ${half_applied} ]] || named+=$(cut -f 2 -- "${half_applied}")$'\n'
  [[ ! -d ${dumps} ]] || named+=$(find "${dumps}" -name "*-before-restore.${dump_ending}" -mtime -7)$'\n'
  for ((i = 0; i < ${#paths[@]} - newest_dumps; i++)); do
    [[ ${paths[i]##*/} != [0-9]*T*Z-before-* || ${named} == *$'\n'"${paths[i]}"$'\n'* ]] || old+=("${paths[i]}")
  done
  for path in "${dumps}"/*.applied; do
    [[ -f ${path} ]] || continue
    [[ -f ${path%.applied}.${dump_ending} && " ${old[*]} " != *" ${path%.applied}.${dump_ending} "* ]] || old+=("${path}")
  done
  for path in "${dumps}"/*.new "${dumps}"/*.gone; do # left behind by killed runs
    [[ ! -e ${path} ]] || old+=("${path}")
  done
}

remove_folder() { # PATH: renames the folder first, so that a half removed one is never taken for a whole one
  [[ $1 == *.gone ]] || mv -T -- "$1" "$1.gone"
  sync -- "${1%/*}"
  rm -rf -- "${1%.gone}.gone"
}

remove_old() { # WHAT
  local path
  [[ ${#old[@]} == 0 ]] || use_processes
  for path in "${old[@]}"; do
    [[ -n ${used["${path##*/}"]-} ]] || change_cuttable "$1 ${path##*/}" remove_folder "${path}"
  done
}

# Drops git's references to the trees of removed releases. A repack removes their objects, once there are many packs.
forget_trees() {
  local name packs=("${store}"/objects/pack/*.pack)
  while read -r name; do
    [[ -d ${root}/releases/${name##*/} ]] || repo_git update-ref -d "${name}"
  done < <(repo_git for-each-ref --format='%(refname)' refs/roadie/trees)
  ((${#packs[@]} <= 20)) || change_cuttable "store ${store}" repack
}

repack() { # without a search for new deltas, which would take the memory of a small server
  repo_git -c pack.threads=1 -c gc.writeCommitGraph=false repack -a -d -q --window=0 -n
}

list_old_releases
remove_old 'old release'
old=()
list_old_virtualenvs
remove_old 'old virtualenv'
old=()
list_old_dumps
remove_old 'old dump'
forget_trees
# For the next deploy: this run has nothing left to stop or to remove.
: >"${release_dir}/settled"
ok "releases"
