local python=python3
local pythons=(3.10 3.11 3.12 3.13 3.14 3.15 3.16 3.17 3.18 3.19 3.20)
local takes_python='Django 5.2.19 runs on Python 3.10 or newer'
local digest=ab9f50d18e9db7df60d2d1ec142904e5461b397ccacb10313dedcaebe4e9a537
local requirements=requirements.txt
local from=requirements.txt
local tool=''
local tool_command=()
local needless=(gunicorn 'mysqlclient pymysql')
local tool_pins=''
local ship_root=''
local requirement_paths=(requirements.txt)
local requirement_texts=('Django==5.2.19
')
local requirement_options=()
local pins=(gunicorn==27.0.1 mysqlclient==2.3.1)
local hashed_pins=('gunicorn==27.0.1 --hash=sha256:378b26b9a38adcf4592f28828233c1716acc55e833ea06bf48719782efaa0d10 --hash=sha256:b1514965361c8b7e8107a80aa2a92636878df1ccfac6dd204a676426e04d9e3e' 'mysqlclient==2.3.1 --hash=sha256:c07e1b83b530fd6c5888259f36afad1980d21fcb33ba97384650dd23c8f73ea8' 'psycopg==3.3.9 --hash=sha256:d2d7d04a1ce6dab4f5b27316bea3b52585cafa2f2d631e5b09dd69823f5c26f6 --hash=sha256:87c1d85c3e0e88e811d3c0b3808f947bd967c6faf34af6cd86fd021f77793d6c' 'psycopg-binary==3.3.9 --hash=sha256:0953c1b94c73f97efce5b8fb1dad85cf5e4085b94902e439e27e6805ebc8be99 --hash=sha256:9f6f4108a2e1d55303dfbb41d0f3b16a0aac95232a24ac8eb3df03f56fcb83aa --hash=sha256:a99f0b9a19ed7a56bf5d6776456b8f15f5364db8853b0f5d184db394a45c391d --hash=sha256:b081348d8992af26e9b252f04876c286428418a6b7845d8d4caae2044b259668 --hash=sha256:180e4a99904d7a77f826fbb6dd16834bb3313675d8a6f055e39742fda00c33dc --hash=sha256:366e2021a785afed9154f83f64793f662348a9ef244fef9779175c0906e8aacc --hash=sha256:4992acd5a7479013d52615b8c23fdce9bc22f3cacbfb1007fa474e6b5ebe94c7 --hash=sha256:eed1ac135d652e4454777afb4e4bb52cf88520bbfa2f30ae83066cd4df656697' 'uvicorn==0.54.0 --hash=sha256:505bdb0f318731d45f1f712071fc781a8981f6847a31c902c9f5e652d4f67faf --hash=sha256:a2e33cbfaa0306f8e6b0c13e0cb89d7d7a2da3e62b90c66e18c33d9807b28620' 'uvicorn-worker==0.4.0 --hash=sha256:e2ed952cef976f5e9e429d7269640bbcafbd36c80aa80f1003c8c77a6797abde --hash=sha256:8ee5306070d8f38dce124adce488c3c0b50f20cf0c0222b12c66188da7214493' 'websockets==17.4 --hash=sha256:cebad8f4796248b91fc2168515e507e5cb6b663a32befd09f3b1e7920acdcb1a --hash=sha256:954d43574f72be244b65f0fa61e2f814214b024f2ec849f487aa2f553f7c6e71 --hash=sha256:b529ad6c81ad21db2f4e3d6e33db78ce3b9f272066b438b5d673361f9282898d --hash=sha256:25eb661d8ba7e2b85ebb4e7a1bb9f6a3280910ed10b84330a7abfb5ed32d2764 --hash=sha256:c74954409ea5789f7a60daa5f94580c00ad0b60b20751c47b35c4784877b5057 --hash=sha256:47beedf07a706140b50786457e082497ee6b5970c41e49bcd1572ee3f4c73f80 --hash=sha256:c6bd2c9781915592b209160d0f017d4c7c82ad53075e6b0c24d2a89299e7f9e9 --hash=sha256:09d3939b70df0c8ad2da145ebd50978bccaee1d565e838b0e7921a34d38571eb' 'gevent==26.9.0 --hash=sha256:c47c70f1bc131178a7b7ec1f5afb8ac6b1573ed1caf5c31889261e8b5caae0e6 --hash=sha256:7dce7f1a5be4be303e7a3c1db2e453abc5495c8b91b8708a0e64e116b3c6c4db --hash=sha256:e9915c9870160c2d8b4d97ceb55b5598c33cee2dcef0635db363d5519147556c --hash=sha256:8e47e8c24135936bc01198f93aa97061e543a8b0d7a339d34182c35901b41da0 --hash=sha256:0b3f0ad9dc8e2ba585e0f6498c96b78ba61b1214f5b2e17081839c93b69a58c3 --hash=sha256:83c51ffa0ef9c960fe3b6bc0a9de8997cd04a9476ff5d4e682c0c62481ef3924 --hash=sha256:ab1db9defde9ea9bd1825057fd90474148f74dcc57d104ddc62343092eaa256f --hash=sha256:c59d95daacf71dfb763824b85a89b06ca4faa74b2e7df926714d439d5a47ee26 --hash=sha256:c8b3bf3865f11504941d11bcca1dbf53beee79405b0da7577b1db29f94bb2209 --hash=sha256:cb52241e8c691818853361663134a72c4d5601a9fa46ff7f9cb749878855b26f --hash=sha256:405d73327feecab8cc9976f7bc2a0dbd1adaccf2e4b5e86e97e7b87879fa5cfd --hash=sha256:231058bdb60dbf1074b2e74fbb77c0b0f1b045886bf7203b816692c3663726cc --hash=sha256:415f963d9b8e9022156afb091f6399de1d598aca173622cf5e2d0472178d57b1 --hash=sha256:0ec6525fa2d55b96fc538be48a53a875c4b804738b016078a6eb49a6a2adf2e6 --hash=sha256:afb17dfcb8e33ba4c84cf50a08974925c50a9d01306f199712897cfb00775d56 --hash=sha256:d05115c494183d032d5dd3ee4f1517f4caa145f38008cee46405c5c2c8a4214b --hash=sha256:32c8236cb4b2911cee7d5caaa8fcd8ab2267354d46fc8223a880e3466859d0bf --hash=sha256:3b6404d18df517663df90889568de931ae43aae765bae542edb9ada73a9595db --hash=sha256:ea5f8f84232f1900a1a56ad6f7ba6804c49eeb8efdf861a6bae00bcf226568f5 --hash=sha256:e9c8cdf9ff3eac29abb5ae55da16dac02cc464fc0e1e13818fca0437e8cfee0a --hash=sha256:4dd4703d71737a456c1c9df5cd43a82934e5b10c87549caa02495f487d1ef0b1')
local installer=uv
local uv_pin=uv==0.13.9
local uv_sums=(b73acdf73b96c3ac9e56d2fa933427b3ee6a901e3cce6ba1e3ecb3f91ca0d86a 6109e47a75f2380d1cc90b00a6ee82b7b5792ddf66588625ec168545ae17512e 7044f2d032f71c063417bb3aed7f20ad9eb02e8c643bae0c2f02987aa436e3f6 3e020ca1e7eb3847223d73e7e2a128336e38f97ab531c0dd0ad664914bd281e2 5a79e319d808a91a66b54c98c384ea87bed4b821a6088315f4e06609d10312ec a9bc459c45e1db54291da5fed244781912e845f74384ed02c474620a663fa065 7a1d34ac77b2d89fa7cd72a78ed331aa19701e41ce21a0b3f7686729724c2e8e)
local with_uv_py='<text of virtualenv/with_uv.py>'
local extra=()
local own_index=1
local index=''
local index_is_secret=''
local keeps_editable=''
local pip_dir=''
local needs_tree=''
local tree=''
local coming=20261123T120000Z-0123abcd
local own_places=(site-packages/shop/local.py)
local own_texts=('KEY = '"'"'it is $(id)'"'"'
')
local has_own=''

build_virtualenv() { # if uv fails, pip tries again from the start, because people know pip's messages
  local installing=''
  trap remove_build EXIT
  take_cache_over
  find_settings
  find_installers
  printf '%s\n' "${extra[@]}" | as_installed >"${cache}/extra.txt"
  [[ -n ${own_index} ]] || leave_out_index
  if [[ -n ${tool} ]]; then
    start_afresh
    export_requirements
  fi
  write_pins
  start_afresh
  if [[ ${installer} != uv ]] || ! ensure_uv || ! install_with_uv; then
    [[ ${tool} != 'uv pip' || ${requirements} != "${from}" ]] || fail "${what}" "${installing:-${from}}: $(why_uv_failed)"
    forget_hashes
    [[ -z ${installing} ]] || start_afresh
    renew_home
    { install_requirements with_pip && install_extra with_pip && install_pins with_pip; } || fail "${what}" "${installing}: $(why_pip_failed)"
  fi
  take_over_virtualenv
  trap - EXIT
}

# Usually no code of a package has to run. Then all comes from the downloads, and the last step finds the pins installed.
# Otherwise the whole installation runs with a copy of the downloads, which is thrown away.
install_with_uv() {
  if install_cleanly; then
    renew_home
  else
    start_afresh
    copy_downloads
    install_requirements with_uv || return
  fi
  install_extra with_uv && install_pins with_uv
}

# roadie's pins come first, as Python runs code of what is installed already. If the files have hashes, uv itself must
# install all that they name, so the pins are only fetched before.
install_cleanly() {
  if has_hashes; then
    install_pins cleanly_aside && install_requirements cleanly && copy_downloads
  else
    install_pins cleanly && install_requirements cleanly
  fi
}

remove_build() { # removes a build that failed or was cut, so that it takes no room
  remove_home
  rm -rf -- "${venv_dir}"{,.built} "${desk}"
}

start_afresh() {
  local pip=()
  remove_build
  renew_home
  mkdir -m 700 -- "${venv_dir}"
  chown -- "${build_user}:${build_user}" "${venv_dir}"
  lay_out_requirements
  [[ ! -e ${pip_wheel} ]] || pip=(--without-pip)
  as_builder "${python}" -m venv "${pip[@]}" "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
}

lay_out_requirements() { # only the build user can read the files, as they may contain the password of a package index
  local i place text
  mkdir -m 700 -- "${desk}"
  [[ -z ${needs_tree} ]] || cp -a --no-preserve=ownership -- "${release_dir}/code/." "${desk}"
  for i in "${!requirement_paths[@]}"; do
    place=$(on_desk "${requirement_paths[i]}") text=${requirement_texts[i]}
    [[ /${place}/ != */../* ]] || fail "${requirement_paths[i]}" 'leads out of the project'
    clear_on_desk "${place}"
    as_installed <<<"${text}" >"${place}"
  done
  pip_folder=$(on_desk "${pip_dir:+${pip_dir}/}.")
  mkdir -p -- "${pip_folder}"
  chown -R -h -- "${build_user}:${build_user}" "${desk}"
}

# ${desk} is deleted later. So a line `-e FOLDER` of the project keeps its -e only if the release's environment says where the
# modules of that folder lie. Otherwise a copy is installed. Repositories stay editable.
as_installed() { # filters lines of requirements
  if [[ -n ${keeps_editable} ]]; then cat; else sed -E 's/^[[:space:]]*(-e|--editable)[[:space:]=]+(["'\'']?(\.|\/|file:|[^:]*$))/\2/'; fi
}

on_desk() { # PATH: prints the place below ${desk} of a path in the project; as in a release, paths start at ship_root
  printf '%s/%s' "${desk}" "${1#"${ship_root:+${ship_root}/}"}"
}

install_requirements() { # INSTALLER: sets installing to what is being installed, for the message of a failure
  local file_options=()
  if [[ -n ${setuptools_wheel} ]]; then
    installing=setuptools
    "$1" --no-index "${setuptools_wheel}" || return
  fi
  installing=${from} file_options=("${requirement_options[@]}")
  if [[ ${#extra[@]} == 0 ]] || stands_alone; then
    "$1" -r "$(on_desk "${requirements}")"
  else
    "$1" -r "$(on_desk "${requirements}")" -r "${cache}/extra.txt"
  fi
}

install_extra() { # INSTALLER: installs the requirements of the settings, if install_requirements could not; sets installing
  local file_options=()
  [[ ${#extra[@]} != 0 ]] && stands_alone || return 0
  installing='extra_requirements: of the settings'
  "$1" -r "${cache}/extra.txt"
}

stands_alone() { # whether the project's requirements take no others beside them: they have hashes, or are a pylock.toml
  has_hashes || [[ ${tool} == 'uv pip' ]]
}

has_hashes() {
  [[ " ${requirement_options[*]} " == *' --hash '* ]]
}

leave_out_index() { # leaves out the lines of the files that name an index, as the settings name another
  local i option options=("${requirement_options[@]}")
  for i in "${!requirement_texts[@]}"; do
    requirement_texts[i]=$(sed -E '/^[[:space:]]*(-i|--index-url)([[:space:]=]|[a-z])/d' <<<"${requirement_texts[i]}")
  done
  requirement_options=()
  for option in "${options[@]}"; do
    [[ ${option} == -i* || ${option} == --index-url ]] || requirement_options+=("${option}")
  done
}

install_pins() { # INSTALLER: installs what roadie itself needs beside the project; sets installing
  local file_options=()
  [[ ${#pins[@]} != 0 ]] || return 0
  installing="${pins[*]}, which the project lacks to run here"
  if [[ $1 == with_pip ]]; then
    with_pip --no-deps -r "${cache}/pins-with-hashes.txt" && with_pip "${pins[@]}"
  else
    "$1" -r "${cache}/pins.txt"
  fi
}

# Gives root a copy of the virtualenv, as a process anywhere may hold a file of the build user open. Removes special files. The
# site's user may read and not write, so the copy gets all bytecode now; Python compiles code without running it.
take_over_virtualenv() {
  local built=${venv_dir}.built compile=("${python}" -I -S -W ignore -m compileall -qq -j 0 "${venv_dir}/lib")
  end_build_user
  mv -T -- "${venv_dir}" "${built}"
  adopt "${build_user}" "${built}" "${venv_dir}" "${compile[@]}" || fail "${what}" 'could not be copied; is it too large for the disk? Its last words are above'
  remove_home
  rm -rf -- "${desk}" "${venv_dir}"/.{complete,lock}
  find "${venv_dir}" ! -type f ! -type d ! -type l -delete
  # The folder of the build is gone. The release's environment says where the modules of editable requirements lie.
  find "${venv_dir}/lib" -name '*.pth' -type f -exec sed -i "\\|^${desk}|d" -- {} +
  chown -R -h -- "root:${app}" "${venv_dir}"
  chmod -R a-st,u=rwX,g=rX,o= -- "${venv_dir}"
  put_own "${venv_dir}"
}

complete_virtualenv() {
  mark_whole "${venv_dir}" "${requirements}"
  rm -rf -- "${venv_dir}.built"
}

local what="virtualenv ${digest:0:12}" python_minor='' managed=''
require_site
choose_python
if hash -- "${python}" 2>/dev/null && [[ ${python} != */* || -x ${python} ]]; then
  find_python_minor
elif [[ -z ${managed}${dry_run} ]]; then
  fail "${what}" "there is no ${python} on this host; name another in python:, or its package in packages:"
fi
venv_dir=${root}/venvs/${python_minor}-${digest:0:16}
[[ -z ${needs_tree} ]] || venv_dir+=-${tree:0:12}
[[ -z ${has_own} ]] || venv_dir+=-$(printf '%s\0' "${own_places[@]}" "${own_texts[@]}" | sha256sum | cut -c -12)
[[ -z ${managed} ]] || ensure_python
base_python=${python}
if [[ -n ${needs_tree}${has_own} && -z ${coming} ]]; then
  ok "${what} (built by deploy, as it needs files of the project)"
elif is_whole "${venv_dir}"; then
  ok "${what}"
else
  change_within "${build_timeout}" "build of ${what}" build_virtualenv
  # The build user can no longer write here. So the release's process may start while the virtualenv is synced to disk.
  [[ -n ${dry_run} || -z ${coming} ]] || load_beside "${coming}"
  change "${what}" complete_virtualenv
fi
