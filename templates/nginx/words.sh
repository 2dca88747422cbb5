# The words for nginx. roadie tests the configuration before a reload, and restores the old files if nginx refuses the new
# ones. Plain bash, no Jinja.

nginx_files=() nginx_records=() # the places of roadie in nginx's folder, and roadie's records of them

list_nginx_files() { # sets nginx_files and nginx_records
  local place
  for place in "${debians_places[@]}" "${host_places[@]}" "${made_again[@]}"; do
    [[ ${place} != /etc/nginx/* ]] || nginx_files+=("${place}") nginx_records+=("${state}/files/${place//\//%}")
  done
}
list_nginx_files

start_on_nginx() {
  host_lock
  unapply 'reload of nginx'
  keep_nginx_files
}

# Saves the files as nginx last accepted them. If an earlier run was cut, its copy still exists and is the right one: the
# files themselves may be half changed.
keep_nginx_files() {
  local path there=()
  [[ ! -e ${nginx_before} ]] || return 0
  for path in "${nginx_files[@]}" "${nginx_records[@]}"; do
    [[ ! -e ${path} && ! -L ${path} ]] || there+=("${path}")
  done
  tar -cf "${nginx_before}.new" -P --no-recursion -- "${there[@]}"
  move_over "${nginx_before}.new" "${nginx_before}"
}

put_back_nginx_files() {
  rm -f -- "${nginx_files[@]}" "${nginx_records[@]}"
  tar -xpf "${nginx_before}" -P
  sync -f -- /etc/nginx
  sync -f -- "${state}"
  drop_file "${nginx_before}"
}

refuse_nginx_files() { # WHY
  put_back_nginx_files
  fail 'nginx configuration' "$1; nginx goes on with its old configuration, and roadie restored the files"
}

test_nginx() { # fails, with the old files back, if nginx refuses the new files or another site has a name of this site
  local said
  said=$(nginx -t 2>&1) || refuse_error "${said}"
  [[ ! -e ${site_file} ]] || require_own_names "${said}"
}

refuse_error() { # SAID: fails, with the old files back, and tells the error that nginx named
  local why file
  printf '%s\n' "$1"
  why=$(grep -m 1 -F '[emerg]' <<<"$1") || why=${1%%$'\n'*}
  why=${why#*'[emerg] '}
  file=${why##* in } file=${file%:*}
  if [[ " ${nginx_files[*]} " == *" ${file} "* ]]; then
    refuse_nginx_files "nginx refuses ${why}; correct the setting or the template that this line comes from"
  fi
  if [[ ${file} == /* ]]; then
    refuse_nginx_files "nginx -t fails for a file that is not this site's: ${why}; correct that file first"
  fi
  refuse_nginx_files "nginx -t fails and names no file: ${why}"
}

require_own_names() { # SAID: nginx only warns of a name that two sites have
  local name pattern file
  for name in "${domains[@]}"; do
    [[ $1 == *"conflicting server name \"${name}\""* ]] || continue
    pattern=${name//./\\.}
    file=$(grep -lsE "server_name[^;]*[[:space:]]\"?${pattern/#'*'/\\*}\"?[[:space:];]" /etc/nginx/sites-enabled/* /etc/nginx/conf.d/* | grep -vF "/${app}.conf" | head -n 1) || :
    refuse_nginx_files "the domain ${name} is served by ${file:-another file} already; remove it there, or from domain:"
  done
}

reload_nginx() { # [CHECK]
  local old
  test_nginx
  if systemctl is-active --quiet nginx; then
    old=$(accepting_workers)
    systemctl reload nginx
    await_new_workers "${old}"
    "${1:-true}"
  fi
  drop_file "${nginx_before}"
}

accepting_workers() { # prints the process ids of the workers that accept requests; a worker that is to end has another title
  local nginx pid title
  nginx=$(systemctl show --property MainPID --value nginx)
  for pid in $(<"/proc/${nginx}/task/${nginx}/children"); do
    IFS= read -r -d '' title 2>/dev/null <"/proc/${pid}/cmdline" || continue
    [[ ${title} != 'nginx: worker process' ]] || printf '%s\n' "${pid}"
  done
}

# OLD: waits until these old workers accept no more requests, as a reload takes a moment. nginx reports a failed reload only in
# its log.
await_new_workers() {
  local tries why
  for ((tries = 0; tries < 100; tries++)); do
    [[ -n $(comm -12 <(sort <<<"$1") <(accepting_workers | sort)) ]] || return 0
    sleep 0.1
  done
  why=$(tail -n 20 /var/log/nginx/error.log | grep -F '[emerg]' | grep -vF 'still could not bind' | tail -n 1) || :
  why=${why#*'[emerg] '}
  fail 'reload of nginx' "nginx goes on with its old configuration: ${why:-its old workers were there for 10 seconds more}; see /var/log/nginx/error.log"
}

require_served() { # fails unless nginx serves this site; asks for a page that only a site's server block answers with 404
  local status way=http
  ! is_https || way=https
  status=$(curl -q -k -s --noproxy '*' -m 5 -o /dev/null -w '%{http_code}' --connect-to '::127.0.0.1:' "${way}://${domains[0]}/.roadie/") || :
  [[ ${status} != 404 ]] || return 0
  fail 'reload of nginx' "nginx does not serve ${domains[0]} by ${way}: $(tail -n 1 /var/log/nginx/error.log); does /etc/nginx/nginx.conf include sites-enabled?"
}

require_port() { # PORT: fails if another program than nginx listens there, and names that program
  local inode path pid hex
  printf -v hex '%04X' "$1"
  inode=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":${hex}" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }') || :
  [[ -n ${inode} ]] || return 0
  path=$(find /proc/[0-9]*/fd -lname "socket:\[${inode}\]" -print -quit 2>/dev/null) || :
  pid=${path#/proc/} pid=${pid%%/*}
  [[ $(cat "/proc/${pid}/comm" 2>/dev/null) != nginx ]] || return 0
  fail "port $1" "is taken by $(cat "/proc/${pid}/comm" 2>/dev/null || echo 'some program') (process ${pid:-?}); nginx needs it: stop that program, or move it to another port, and run again"
}

# PORT [FILE]: sets other_default to a file that roadie did not write and that answers for unknown names at this port. FILE does
# not count.
find_other_default() {
  local file text line port
  other_default=''
  for file in /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*.conf; do
    [[ -f ${file} && ${file} != "${catch_all_file}" && ${file} != "${catch_all_tls_file}" && ${file} != "${2-}" ]] || continue
    contents_of "${file}" text
    [[ ${text} == *default_server* || ${text} =~ server_name[[:space:]]+_ ]] || continue
    while IFS= read -r line; do
      line=${line%%#*}
      if [[ $1 == 80 && ${line} =~ server_name[[:space:]]+_[[:space:]]*\; ]]; then other_default=${file}; fi
      if [[ ${line} =~ listen[[:space:]]+([^[:space:]\;]+)[^\;]*default_server ]]; then
        port=${BASH_REMATCH[1]##*[^0-9]}
        [[ ${port:-80} != "$1" ]] || other_default=${file}
      fi
    done <<<"${text}"
  done
}
