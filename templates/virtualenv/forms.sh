# The words for requirements that are not in pip's own form: a lock file, or pyproject.toml. The tool that owns the form writes a
# requirements file, from which the rest of the build installs. The tool runs as the build user, in a HOME that is thrown away.
# Plain bash, no Jinja.

# tool is the program, such as `uv pip`, and tool_command its arguments. tool_pins is the text of a requirements file that
# installs the tool, if the host lacks it. needless has, for each of pins, the packages that make the pin needless.
tool='' tool_command=() tool_pins='' needless=()
from='' # the path of the requirements in the project, as the project names them
own_index='' # whether the requirements files name the index, and not the settings
installer='' pip_dir='' # as in the settings, and the folder in which paths of the requirements start
plain_text='' # what the tool wrote, without hashes, if some packages have none

# Has the tool write the requirements as a file. Sets requirements, requirement_paths, requirement_texts, requirement_options and
# pins as if the project had this file.
export_requirements() {
  local text=''
  if [[ ${tool} == uv* ]] && ! ensure_uv; then
    fail "${from}" "only uv reads this file, and uv cannot be had on this host; commit a requirements.txt that uv export wrote"
  fi
  if [[ "${tool} ${tool_command[0]}" == 'uv pip install' ]]; then
    contents_of "$(on_desk "${requirements}")" text
    leave_out_pins < <(sed -nE 's/^name *= *"([^"]*)".*/\1/p' <<<"${text}")
    return
  fi
  write_requirements || fail "${from}" "${tool} cannot say what to install: $(cause . | tail -c 300); see whether ${tool} ${tool_command[0]} works where you develop, and commit what it changes"
  text=$(sed -E '/^[[:space:]]*(#|$)/d; /^(-i|--index-url)[ =]https:\/\/pypi\.[a-z]+\/simple\/?$/d' <(head -c 10000000 -- "${cache}/requirements.txt"))
  rm -f -- "${cache}/requirements.txt"
  requirements=${pip_dir:+${pip_dir}/}roadie-requirements.txt
  [[ -n ${own_index} ]] || text=$(sed -E '/^(-i|--index-url)[ =]/d' <<<"${text}")
  requirement_paths+=("${requirements}") requirement_texts+=("${text}")
  mapfile -t requirement_options < <(grep -oE '(^|[[:space:]])--?[A-Za-z][A-Za-z-]*' <<<"${text}" | tr -d ' \t' | sort -u)
  allow_lines_without_hash "${text}"
  leave_out_pins < <(sed -nE 's/^([A-Za-z0-9][A-Za-z0-9._-]*).*/\1/p' <<<"${text}")
}

# TEXT: changes requirement_options, and sets plain_text for pip, if only some packages have hashes: a package from a repository
# or a folder has none. uv checks the hashes that are there. pip takes either no hash or hashes for all.
allow_lines_without_hash() {
  local without option options=("${requirement_options[@]}")
  without=$(sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' <<<"$1" | grep -vE '^-[^e]|--hash=') || return 0
  [[ " ${options[*]} " == *' --hash '* && -n ${without} ]] || return 0
  requirement_options=()
  for option in "${options[@]}"; do
    [[ ${option} == --hash ]] || requirement_options+=("${option}")
  done
  plain_text=$(sed -E 's/[[:space:]]*--hash=[^[:space:]]+//g; s/[[:space:]]*\\$//; /^[[:space:]]*$/d' <<<"$1")
}

forget_hashes() { # before pip installs; changes requirement_texts
  [[ -z ${plain_text} ]] || requirement_texts[-1]=${plain_text}
}

leave_out_pins() { # reads the names of packages that the requirements bring; leaves out of pins those that they make needless
  local i name kept=()
  local -A brought=()
  while read -r name; do
    name=${name,,}
    brought["${name//[_.]/-}"]=1
  done
  for i in "${!pins[@]}"; do
    for name in ${needless[i]}; do
      [[ -z ${brought["${name}"]-} ]] || continue 2
    done
    kept+=("${pins[i]}")
  done
  pins=("${kept[@]}")
}

write_requirements() { # writes ${cache}/requirements.txt
  local file_options=() written=''
  case ${tool} in
    uv) ;;
    'uv pip') copy_downloads ;;
    *) install_tool ;;
  esac || return
  written=${build_home}/requirements.txt # from here on, build_in writes into this file
  run_tool || return
  take_file "${written}" "${cache}/requirements.txt"
}

run_tool() {
  case ${tool} in
    uv) build_in "${pip_folder}" env UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 "${uv}" "${tool_command[@]}" --python "${venv_dir}/bin/python" ;;
    'uv pip') with_uv "${tool_command[@]}" --no-header --no-annotate ;;
    *)
      build_in "${pip_folder}" env "PYTHONPATH=${build_home}/tool" PDM_CHECK_UPDATE=0 PIPENV_IGNORE_VIRTUALENVS=1 \
        "${venv_dir}/bin/python" -m "${tool}" "${tool_command[@]}"
      ;;
  esac
}

install_tool() { # installs the tool into a folder of the build user's HOME; the tool needs no package that must be built
  printf '%s\n' "${tool_pins}" >"${cache}/tool.txt"
  if [[ ${installer} == uv ]] && ensure_uv && cleanly --no-deps --target "${build_home}/tool" -r "${cache}/tool.txt"; then return; fi
  renew_home
  # pip takes either no hash or hashes for all.
  grep -e --hash= "${cache}/tool.txt" >"${cache}/tool-with-hashes.txt"
  grep -v -e --hash= "${cache}/tool.txt" >"${cache}/tool-without.txt"
  if ! with_pip --no-deps --target "${build_home}/tool" -r "${cache}/tool-with-hashes.txt" ||
    ! with_pip --no-deps --target "${build_home}/tool" -r "${cache}/tool-without.txt"; then
    fail "${tool}" "$(why_pip_failed)"
  fi
}
