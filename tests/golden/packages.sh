local database_packages=('default-mysql-server | virtual-mysql-server | mysql-community-server' 'default-libmysqlclient-dev | libmysqlclient-dev' tzdata )
local redis_packages=(redis-server)
local more_packages=()
local build_packages=()
local certificates_by=off
local apt_lock_seconds=600
local nginx_sandbox='<text of nginx/sandbox.conf.j2>'
local supervisor_sandbox='<text of supervisor/sandbox.conf.j2>'

local wanted=( # names of packages, names that packages provide, or alternatives `one | other`, of which one is enough
  nginx supervisor "${database_packages[@]}" python3-venv python3-dev
  build-essential pkg-config git curl logrotate ca-certificates "${redis_packages[@]}" "${more_packages[@]}"
)
[[ ${certificates_by} != letsencrypt ]] || wanted+=(certbot)
[[ ${certificates_by} == off ]] || wanted+=(openssl)
local -A installed=()
local missing=() chosen=() left_half='' apt_at_work=/run/roadie/apt-at-work
local apt_locks=(/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock)

want_build_packages() { # adds to wanted the packages that build requirements without wheels
  local package
  for package in "${build_packages[@]}"; do
    [[ " ${wanted[*]} " == *" ${package} "* ]] || wanted+=("${package}")
  done
}

start_on_sandbox() {
  host_lock
  unapply "${sandbox}"
}

# systemd sets a sandbox up when it starts a service, and a package starts its service. So the sandbox must be there before the
# package. A service that runs already gets its sandbox when it next starts: a restart now would lose requests.
ensure_sandbox() {
  local sandbox='sandbox of nginx and Supervisor' before_change=start_on_sandbox nginx_file=${nginx_drop_ins}/roadie-sandbox.conf
  local supervisor_file=${drop_ins}/roadie-sandbox.conf
  look_at "${state}" "${nginx_drop_ins}" "${nginx_file}" "${drop_ins}" "${supervisor_file}"
  ensure_dir "${state}" 700 root:root
  ensure_dir "${nginx_drop_ins}" 755 root:root
  ensure_dir "${drop_ins}" 755 root:root
  ensure_file "${nginx_file}" 644 root:root "${nginx_sandbox}"
  ensure_file "${supervisor_file}" 644 root:root "${supervisor_sandbox}"
  ensure_applied "${sandbox}" systemctl daemon-reload
}

ask_dpkg() { # sets missing; sets left_half if a run of dpkg was interrupted
  local journal=(/var/lib/dpkg/updates/[0-9]*)
  ask_installed
  find_missing
  if [[ ${#missing[@]} != 0 ]]; then
    ask_provided
    find_missing
  fi
  if [[ ${#missing[@]} != 0 || -e ${journal[0]} || -e ${apt_at_work} ]]; then
    left_half=$(dpkg --audit) || :
    [[ ! -e ${journal[0]} ]] || left_half=1
  fi
}

ask_installed() { # sets installed
  local state package names=()
  read -r -a names <<<"${wanted[*]//|/ }"
  while read -r state package; do
    [[ ${state} != ?i ]] || installed["${package%:*}"]=1 installed["${package}"]=1
  done < <(dpkg-query -W -f='${db:Status-Abbrev} ${binary:Package}\n' -- "${names[@]}" 2>/dev/null)
}

ask_provided() { # adds to installed the names that installed packages provide
  local name
  while read -r name; do
    [[ -z ${name} ]] || installed["${name}"]=1
  done < <(dpkg-query -W -f='${db:Status-Abbrev}, ${Provides}\n' | sed -n 's/^.i *, //p' | sed -E 's/\([^)]*\)//g; s/[ ,]+/\n/g')
}

find_missing() {
  local one
  missing=()
  for one in "${wanted[@]}"; do
    is_met "${one}" || missing+=("${one}")
  done
}

is_met() { # PACKAGES: one package, or alternatives
  local name names=()
  read -r -a names <<<"${1//|/ }"
  for name in "${names[@]}"; do
    [[ -z ${installed["${name}"]-} ]] || return 0
  done
  return 1
}

start_on_packages() {
  host_lock
  : >"${apt_at_work}"
}

apt_get() { # ARGUMENT...: asks no question, keeps files that a person edited, restarts no other program
  DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 \
    apt-get -q -y -o "DPkg::Lock::Timeout=${apt_lock_seconds}" -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

apt_lock_holder() { # prints the process that holds a lock of apt or dpkg, or nothing
  local pid where inodes
  inodes=" $(stat -c %i -- "${apt_locks[@]}" 2>/dev/null | tr '\n' ' ')"
  while read -r _ _ _ _ pid where _; do
    [[ ${inodes} == *" ${where##*:} "* && -r /proc/${pid}/cmdline ]] || continue
    printf 'process %s (%s)' "${pid}" "$(tr '\0' ' ' <"/proc/${pid}/cmdline" | head -c 80)"
    return
  done </proc/locks
}

wait_for_apt() { # waits until apt's locks are free; never breaks a lock
  local holder told='' until
  read_clock
  until=$((clock + apt_lock_seconds))
  while holder=$(apt_lock_holder) && [[ -n ${holder} ]]; do
    [[ -n ${told} ]] || say waiting apt "apt's lock, held by ${holder}"
    told=1
    read_clock
    ((clock < until)) || fail apt "${holder} has held its lock for ${apt_lock_seconds} seconds; wait until that process ends and run again, or raise apt_lock_timeout:"
    stop_if_asked
    sleep 0.5
  done
}

# Prints the errors of apt and dpkg. A list that could not be fetched is only a warning, in the output of an earlier step, and may
# be the reason all the same.
why_apt_failed() {
  local why lists removed
  why=$(cause '^(E|dpkg): ')
  if [[ ${why} == *'remove is disabled'* ]]; then
    removed=$(step_output | sed -n '/will be REMOVED:$/,/^[^ ]/s/^  //p' | sort -u)
    why="apt would remove ${removed//$'\n'/ } for it, and roadie removes no package; remove them yourself, or name in packages: what can be installed beside them"
  fi
  lists=$(cause '^W: Failed to fetch' run_output)
  printf '%s' "${why:-no reason given; see ${log}}${lists:+; ${lists}}"
}

repair_dpkg() {
  wait_for_apt
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 dpkg --force-confdef --force-confold --configure -a </dev/null ||
    fail 'dpkg' "was interrupted, and 'dpkg --configure -a' does not repair it: $(why_apt_failed)"
  apt_get install --fix-broken --no-install-recommends || fail 'dpkg' "'apt-get -f install' does not repair it: $(why_apt_failed)"
}

update_lists() { # apt-get update only warns of a mirror that fails; a package that is fetched from the mirror then fails
  local try
  for try in 1 2 3; do
    wait_for_apt
    apt_get update && return
    sleep "${try}"
  done
  fail 'package lists' "apt-get update failed three times: $(why_apt_failed)"
}

choose_packages() { # PACKAGES...: sets chosen to these packages, and for alternatives to the first that apt can install here
  local one name names=()
  chosen=("${@%% |*}")
  if [[ "$*" != *'|'* ]] || can_install "${chosen[@]}"; then return; fi
  chosen=()
  for one in "$@"; do
    read -r -a names <<<"${one//|/ }"
    for name in "${names[@]}"; do
      [[ ${#names[@]} == 1 ]] || can_install "${name}" || continue
      chosen+=("${name}")
      continue 2
    done
    fail "package ${one}" 'apt can install none of these here; name another in packages:'
  done
}

can_install() { # PACKAGE...
  apt_get install --no-install-recommends --no-remove --simulate "$@"
}

fetch_packages() { # PACKAGES...: after a failure, updates the lists: the mirror may have replaced a file by a newer one
  local try
  choose_packages "$@"
  for try in 1 2 3; do
    wait_for_apt
    apt_get install --no-install-recommends --no-remove --download-only "${chosen[@]}" && return
    [[ -z $(cause '^E: (Unable to locate|Package .* has no installation candidate)') ]] || break
    sleep "${try}"
    apt_get update || :
  done
  fail 'package files' "$(why_apt_failed)$(tell_providers)"
}

tell_providers() { # if apt refused a name that several packages provide, prints their names
  local names
  names=$(step_output | sed -n '/ is a virtual package provided by:$/,/^[^ ]/s/^  \([^ ]*\) .*/\1/p' | sort -u | head -n 8)
  [[ -z ${names} ]] || printf '; several packages provide it; name one of them in packages: %s' "${names//$'\n'/, }"
}

install_package() { # PACKAGE ALL...: the first call installs ALL in one run of apt; later calls find their package installed
  if ! is_installed "$1"; then
    if [[ ${#chosen[@]} == 0 ]]; then
      choose_packages "${@:2}"
      wait_for_apt
      apt_get install --no-install-recommends --no-remove "${chosen[@]}" || fail "package $1" "$(why_apt_failed)"
    fi
    ask_installed
    ask_provided
  fi
  is_installed "$1" || is_met "$1" || fail "package $1" 'apt installed it, but dpkg knows no package of this name; name the real one in packages:'
}

local before_change=start_on_packages package what
want_build_packages
ask_dpkg
if [[ -n ${left_half} ]]; then
  local note='finish what an interrupted run of dpkg left half done'
  change_whole dpkg repair_dpkg
  note=''
fi
[[ ${#missing[@]} == 0 || -n ${installed[nginx]-} ]] || require_port 80
[[ ${certificates_by} == off || -e ${tls_file} ]] || require_port 443
ensure_sandbox
# Debian's package would start a Redis that every user of the host can reach. roadie lets it start only if packages: names it. A
# Redis that is there already stays as it is.
local wants_debians_redis=''
[[ " ${more_packages[*]} " != *' redis-server '* ]] || wants_debians_redis=yes
if [[ -n ${wants_debians_redis} && -L ${debians_redis} ]]; then
  ensure_absent "${debians_redis}"
elif [[ -z ${wants_debians_redis} && " ${missing[*]} " == *' redis-server '* ]]; then
  ensure_link "${debians_redis}" /dev/null
fi
if [[ ${#missing[@]} != 0 ]]; then
  change_cuttable 'package lists' update_lists
  change_cuttable 'package files' fetch_packages "${missing[@]}"
fi
for package in "${wanted[@]}"; do
  what="package ${package}"
  [[ " ${database_packages[*]} ${build_packages[*]} " != *" ${package} "* ]] || what=${what%% |*}
  if [[ " ${missing[*]} " == *" ${package} "* ]]; then
    change_whole "${what}" install_package "${package}" "${missing[@]}"
  else
    ok "${what}"
  fi
done
[[ -z ${wants_debians_redis} ]] || ensure_service redis-server
[[ -n ${dry_run} || ! -e ${apt_at_work} ]] || rm -f -- "${apt_at_work}"
host_unlock
