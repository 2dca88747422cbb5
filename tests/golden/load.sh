local coming=20261123T120000Z-0123abcd
local digest=ab9f50d18e9db7df60d2d1ec142904e5461b397ccacb10313dedcaebe4e9a537

has_virtualenv() { # whether the live virtualenv is the one for these requirements
  find_same "${root}/live/venv" venv_dir "${root}"/venvs/*/
  [[ ${venv_dir} == *-"${digest:0:16}" ]] && is_whole "${venv_dir}"
}

local venv_dir=''
! has_virtualenv || load_beside "${coming}"
