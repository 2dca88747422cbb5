local database_url_names=(DATABASE_URL)
local password_names=()
local web_workers=8
local threads_of_each=4

new_database_url() { # the password has an upper case letter, a lower case letter and a `-`, as a policy may ask for
  local password
  password=$(random_hex 20)
  printf 'mysql://%s:Rd-%s@localhost/%s?unix_socket=%s' "${app}" "${password}" "${app}" "${database_socket}"
}

known_password() {
  printf '%s' "${site_password}"
}

# MAX: prints how many of the server's connections the site may hold, so that it cannot take them from other sites and root.
# That is three quarters; or, up to nine tenths, as many as the threads of both slots and 16 others can use. A worker of
# another class, such as gevent, serves many requests in one thread.
connections_of_site() {
  local useful=$((2 * web_workers * threads_of_each + 16)) least=$(($1 * 3 / 4)) most=$(($1 * 9 / 10))
  echo $((useful < least ? least : useful < most ? useful : most))
}

check_as_root() { # sets database_ok when the site's own user cannot log in
  local answer
  ask answer 'the database' as_root "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = '${app}';" 2>/dev/null || return 0
  [[ ${answer} != "${database_collation}" ]] || database_ok=1
}

check_as_site() { # sets database_ok and user_ok by logging in as the site's own user
  local line answer wide='' may_hold='' max='' granted=''
  database_ok='' user_ok=''
  [[ -n ${site_password} && -S ${database_socket} ]] || return 0
  ask answer 'the database' as_site "SELECT 'collation', default_collation_name FROM information_schema.schemata WHERE schema_name = '${app}';
    SELECT 'connections', @@SESSION.max_user_connections, @@GLOBAL.max_connections; SHOW GRANTS;" 2>/dev/null || return 0
  while IFS= read -r line; do
    case ${line} in
      collation$'\t'"${database_collation}") database_ok=1 ;;
      "GRANT ALL PRIVILEGES ON ${grant_on} TO "*) granted=1 ;;
      connections$'\t'*) IFS=$'\t' read -r _ may_hold max <<<"${line}" ;;
      'GRANT USAGE ON *.* TO '* | collation*) ;;
      GRANT*) wide="${line%% TO *}" ;;
      *) ;;
    esac
  done <<<"${answer}"
  [[ -z ${granted} || ${may_hold} != "$(connections_of_site "${max}")" ]] || user_ok=1
  [[ -z ${wide} ]] || say warn "database user ${app}" "has more rights than its own database needs: ${wide}; given by hand, so left alone"
}

refuse_taken_database() {
  local taken
  ask taken 'the database' as_root "SELECT CONCAT('a database ', schema_name) FROM information_schema.schemata WHERE schema_name = '${app}'
    UNION SELECT CONCAT('a user ', user, '@', host) FROM mysql.user WHERE user = '${app}';" ||
    fail mysql "${no_answer}: $(cause ERROR); is the server running, and may root log in without a password?"
  [[ -z ${taken} ]] || fail mysql "${taken%%$'\n'*} is there already, and roadie did not make it; choose another app:, or take it away by hand"
}

make_database() {
  as_root "CREATE DATABASE IF NOT EXISTS \`${app}\` CHARACTER SET utf8mb4 COLLATE ${database_collation};
    ALTER DATABASE \`${app}\` CHARACTER SET utf8mb4 COLLATE ${database_collation};" || fail "database ${app}" "$(cause ERROR)"
}

make_database_user() {
  local max
  max=$(as_root 'SELECT @@GLOBAL.max_connections;') || fail "database user ${app}" "$(cause ERROR)"
  as_root "CREATE USER IF NOT EXISTS '${app}'@'localhost' IDENTIFIED BY '${site_password}';
    ALTER USER '${app}'@'localhost' IDENTIFIED BY '${site_password}'
      WITH MAX_USER_CONNECTIONS $(connections_of_site "${max}");
    GRANT ALL PRIVILEGES ON ${grant_on} TO '${app}'@'localhost';" || fail "database user ${app}" "$(cause ERROR)"
  check_as_site
  [[ -n ${user_ok} ]] || fail "database user ${app}" 'is made, but cannot log in with the password in shared/secrets, or holds all connections that it may; see the log of the database'
}

require_site
# In a GRANT, an underscore in the database's name stands for any character, unless it is escaped.
local grant_on="\`${app//_/\\_}\`.*" site_password='' database_ok user_ok
if [[ -e /lib/systemd/system/mariadb.service ]]; then ensure_service mariadb; else ensure_service mysql; fi
ensure_secret ROADIE_DATABASE_URL new_database_url "${database_url_names[@]}"
ask_password ||
  fail 'secret ROADIE_DATABASE_URL' "its value in ${root}/shared/secrets is not as roadie wrote it; put that value back, or remove its lines, so that roadie makes a new password"
[[ ${#password_names[@]} == 0 ]] || ensure_secret "${password_names[0]}" known_password "${password_names[@]:1}"
if [[ -n ${dry_run} && ! -S ${database_socket} ]] && is_claimed "${database_claim}"; then
  return 0 # the server is down and cannot be asked
fi
check_as_site
if is_claimed "${database_claim}"; then
  ok "claim of database ${app}"
  [[ -n ${user_ok} ]] || check_as_root
else
  [[ ! -S ${database_socket} ]] || refuse_taken_database
  change "claim of database ${app}" claim "${database_claim}"
fi
if [[ -n ${database_ok} ]]; then ok "database ${app}"; else change "database ${app}" make_database; fi
if [[ -n ${user_ok} ]]; then ok "database user ${app}"; else change "database user ${app}" make_database_user; fi
