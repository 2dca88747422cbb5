local commands=()
local no_secret=no-secret-is-known-in-a-build
local placeholders=( SECRET_KEY DJANGO_SECRET_KEY )
local database_url_names=(DATABASE_URL)
local settings_module=guestbook.settings
local import_places=()
local tree=89ef456789ef456789ef456789ef456789ef4567
local places=(guestbook/local_settings.py .env)
local texts=('KEY = '"'"'none'"'"'
' A=1)
local own_places=(site-packages/shop/local.py)
local own_texts=('KEY = '"'"'none'"'"'
')
local shared_places=()
local seal_py='<text of build/seal.py>'
local venv_copy=${cache}/venv
local in_group=(setpriv --regid="${app}" --clear-groups --)

compose_variables() { # sets variables to lines of shell that export the variables of the commands
  env_text=''
  set_value "${venv_dir}/bin:/usr/local/bin:/usr/bin:/bin" PATH
  set_value "${venv_dir}" VIRTUAL_ENV
  set_value 1 PYTHONDONTWRITEBYTECODE
  add_project_environment
  set_value "${no_secret}" "${placeholders[@]}"
  set_value "${database_kind}://nobody@localhost/nothing" "${database_url_names[@]}"
  add_import_path "${import_places[@]}"
  set_value "${settings_module}" DJANGO_SETTINGS_MODULE
  variables="set -a"$'\n'"${env_text}set +a"$'\n'
}

# Sets user_view. Only the group of the app may read the virtualenv and the releases. The build user must not have that group: it
# could leave behind a program of the group, which could read the secrets. So the build user sees the host with copies of the
# virtualenv and of the code at the places of the real ones.
narrow_view() {
  user_view=(unshare --mount -- bash -euc "$(declare -f enter_view); enter_view \"\$@\"" view
    "${root}" "${log_dir}" "${release_dir}/code" "${desk}" "${venv_dir}" "${venv_copy}")
}

enter_view() { # ROOT LOG_DIR CODE DESK VENV VENV_COPY COMMAND...: in a mount namespace of its own
  local place
  for place in "$1"/{shared,releases,slots} "$2"; do mount -t tmpfs -o 'size=64k,mode=711' roadie "${place}"; done
  mkdir -p -- "$3"
  mount --bind -- "$4" "$3"
  mount --bind -- "$6" "$5"
  exec "${@:7}"
}

lay_out_desk() { # the files of `files:` have placeholders here instead of secrets
  local i
  find_settings
  renew_home
  rm -rf -- "${desk}"
  mkdir -m 700 -- "${desk}"
  cp -a --no-preserve=ownership -- "${release_dir}/code/." "${desk}"
  for i in "${!places[@]}"; do
    clear_on_desk "${desk}/${places[i]}"
    printf '%s' "${texts[i]}" >"${desk}/${places[i]}"
  done
  chown -R -h -- "${build_user}:${build_user}" "${desk}"
  rm -rf -- "${venv_copy}"
  cp -a --reflink=auto -- "${venv_dir}" "${venv_copy}"
  put_own "${venv_copy}" # with placeholders, too
  chown -R -h -- "root:${build_user}" "${venv_copy}"
}

clear_desk() {
  remove_home
  rm -rf -- "${desk}" "${venv_copy}"
}

give_build_up() { # if the run ends early; an earlier stage may have a process to stop then
  clear_desk
  [[ -z ${others_end} ]] || "${others_end}"
}

run_command() { # COMMAND
  narrow_view
  build_in "${work_dir}" "${bash_of_input[@]}" 7<<<"${variables}$1"
}

seal() {
  local built=${release_dir}/built.new
  end_build_user
  adopt "${build_user}" "${desk}" "${built}" || fail "build of ${release}" 'what the commands made could not be taken over; is it too large for the disk? Their last words are above'
  keep_plain_files "${built}"
  move_built
  clear_desk
}

move_built() { # moves what lies in built.new into the code
  : >"${release_dir}/built.made"
  "${in_group[@]}" "${base_python}" -I -S -c "${seal_py}" "${release_dir}/built.new" "${release_dir}/code" "${release_dir}/built.made" "$(id -g -- "${app}")" "${places[@]}"
  cat -- "${release_dir}/built.made" >>"${release_dir}/overlaid"
  rm -rf -- "${release_dir}/built.new"
  lies_in_shared || printf '%s\n' "${sum}" >"${release_dir}/built"
}

# Whether a built file lies where the release gets a link to what is shared. If so, no later release takes over the built files.
lies_in_shared() {
  local path place
  while IFS= read -r -d '' path; do
    for place in "${shared_places[@]%/}"; do
      [[ ${path} != "${place}" && ${path} != "${place}"/* ]] || return 0
    done
  done <"${release_dir}/built.made"
  return 1
}

# The release that serves was built from the same code by the same commands: this release gets links to the same files.
link_built() {
  local from=${root}/live/release
  rm -rf -- "${release_dir}/built.new"
  mkdir -m 700 -- "${release_dir}/built.new"
  (cd "${from}/code" && xargs -0 -r cp -al --parents -t "${release_dir}/built.new" --) <"${from}/built.made"
  find "${release_dir}/built.new" ! -type d \( ! -type f -o ! -user root \) -delete
  move_built
}

local variables='' sum='' before='' others_end='' line
[[ -z ${dry_run} ]] || return 0
compose_variables
sum=$(printf '%s\0' "${tree}" "${venv_dir}" "${variables//"${release_dir}/"/}" "${commands[@]}" "${places[@]}" "${texts[@]}" | sha256sum)
[[ ! -f ${root}/live/release/built ]] || contents_of "${root}/live/release/built" before
if [[ ${before} == "${sum}" ]]; then
  change "build of ${release}" link_built
else
  change_cuttable "copy of the code for build:" lay_out_desk
  others_end=${before_end}
  before_end=give_build_up
  for line in "${commands[@]}"; do
    begin_step "build: ${line}" cut
    within "${build_timeout}" run_command "${line}" || fail "${doing}" "exit code $?; its last words are above"
    say ran "${doing}"
    doing=''
  done
  change_within "${build_timeout}" "build of ${release}" seal
  before_end=${others_end}
fi
