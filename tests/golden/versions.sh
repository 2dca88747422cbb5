local python=python3
local django='Django 5.2.19'
local series=5.2
local runs_on=(3.10 3.11 3.12 3.13 3.14 3.15 3.16 3.17 3.18 3.19 3.20)
local pythons=(3.10 3.11 3.12 3.13 3.14 3.15 3.16 3.17 3.18 3.19 3.20)
local minimums=('6.1 MariaDB 10.11' '6.1 MySQL 8.4' '6.1 PostgreSQL 15' '6.1 SQLite 3.37' '6.0 MariaDB 10.6' '6.0 MySQL 8.0.11' '6.0 PostgreSQL 14' '6.0 SQLite 3.31' '5.2 MariaDB 10.5' '5.2 MySQL 8.0.11' '5.2 PostgreSQL 14' '5.2 SQLite 3.31' '5.1 MariaDB 10.5' '5.1 MySQL 8.0.11' '5.1 PostgreSQL 13' '5.1 SQLite 3.31' '5.0 MariaDB 10.4' '5.0 MySQL 8.0.11' '5.0 PostgreSQL 12' '5.0 SQLite 3.27' '4.2 MariaDB 10.4' '4.2 MySQL 8' '4.2 PostgreSQL 12' '4.2 SQLite 3.21' '4.1 MariaDB 10.3' '4.1 MySQL 5.7' '4.1 PostgreSQL 11' '4.1 SQLite 3.9')

is_older() { # VERSION THAN
  local i one other
  IFS=. read -r -a one <<<"$1"
  IFS=. read -r -a other <<<"$2"
  for i in 0 1 2; do
    ((${one[i]:-0} == ${other[i]:-0})) || break
  done
  ((${one[i]:-0} < ${other[i]:-0})) && return
  return 1
}

require_server() { # fails if the host's database server is older than the project's Django needs
  local server version line of_series of_server oldest least='' newest=''
  read -r server version <<<"$(server_version)"
  [[ -n ${version} ]] || return 0
  for line in "${minimums[@]}"; do
    read -r of_series of_server oldest <<<"${line}"
    [[ ${of_server} == "${server}" ]] || continue
    [[ ${of_series} != "${series}" ]] || least=${oldest}
    [[ -n ${newest} ]] || is_older "${version}" "${oldest}" || newest=${of_series}
  done
  if [[ -z ${least} ]] || ! is_older "${version}" "${least}"; then return 0; fi
  fail "${django}" "needs ${server} ${least} or newer, and this host has ${server} ${version}; ${newest:+require Django ${newest} or older, or }move to a host or a server that is newer" 3
}

# Fails if `python:` names the path of a Python that the project's Django does not run on. Every other Python of the settings was
# checked before this run.
require_python() {
  [[ ${#runs_on[@]} != 0 && ${python} == /* && -x ${python} && -z ${managed} ]] || return 0
  find_python_minor
  [[ " ${runs_on[*]} " == *" ${python_minor#python} "* ]] ||
    fail "${django}" "does not run on ${python}, which is Python ${python_minor#python}; name one of ${runs_on[*]} in python:, or require another Django" 3
}

local python_minor='' managed=''
choose_python
base_python=${python}
require_python
require_server
ok "versions for ${django}"
