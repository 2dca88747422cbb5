local database_url_names=(DATABASE_URL)
local password_names=()
local web_workers=8
local threads_of_each=4
local useful_connections=$((2 * web_workers * threads_of_each + 16))

new_database_url() { # the password has an upper case letter, a lower case letter and a `-`, as a policy may ask for
  local password
  password=$(random_hex 20)
  printf 'mysql://%s:Rd-%s@localhost/%s?unix_socket=%s&charset=utf8mb4' "${app}" "${password}" "${app}" "${database_socket}"
}

# An earlier roadie named no charset. Without one, Django up to 5.1 speaks utf8mb3 with the server, and utf8mb3 has no emoji.
ensure_charset_in_url() {
  local url
  url=$(secret_value ROADIE_DATABASE_URL)
  [[ ${url} == *"@localhost/${app}?unix_socket=${database_socket}" ]] || return 0
  change 'charset in ROADIE_DATABASE_URL' change_secret "${url}" "${url}&charset=utf8mb4"
}

check_as_root() { # sets database_ok and has_time_zones when the site's own user cannot log in
  local answer
  ask answer 'the database' as_root "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = '${app}';
    SELECT 'zones', ${knows_time_zones};" 2>/dev/null || return 0
  [[ ${answer}$'\n' != "${database_charset}"$'\n'* ]] || database_ok=1
  [[ ${answer} != *zones$'\t1' ]] || has_time_zones=1
}

check_as_site() { # sets database_ok, user_ok and has_time_zones by logging in as the site's own user
  local line answer wide='' may_hold='' max='' granted=''
  database_ok='' user_ok=''
  [[ -n ${site_password} && -S ${database_socket} ]] || return 0
  ask answer 'the database' as_site "SELECT 'charset', default_character_set_name FROM information_schema.schemata WHERE schema_name = '${app}';
    SELECT 'zones', ${knows_time_zones};
    SELECT 'connections', @@SESSION.max_user_connections, @@GLOBAL.max_connections; SHOW GRANTS;" 2>/dev/null || return 0
  while IFS= read -r line; do
    case ${line} in
      charset$'\t'"${database_charset}") database_ok=1 ;;
      zones$'\t1') has_time_zones=1 ;;
      "GRANT ALL PRIVILEGES ON ${grant_on} TO "*) granted=1 ;;
      connections$'\t'*) IFS=$'\t' read -r _ may_hold max <<<"${line}" ;;
      'GRANT USAGE ON *.* TO '* | charset* | zones*) ;;
      GRANT*) wide="${line%% TO *}" ;;
      *) ;;
    esac
  done <<<"${answer}"
  [[ -z ${granted} || ${may_hold} != "$(connections_of_site "${max}")" ]] || user_ok=1
  [[ -z ${wide} ]] || say warn "database user ${app}" "has more rights than its own database needs: ${wide}; somebody gave them by hand, so roadie leaves them"
}

refuse_taken_database() { # a dry run may find no server yet
  local taken
  [[ -S ${database_socket} ]] || return 0
  ask taken 'the database' as_root "SELECT CONCAT('a database ', schema_name) FROM information_schema.schemata WHERE schema_name = '${app}'
    UNION SELECT CONCAT('a user ', user, '@', host) FROM mysql.user WHERE user = '${app}';" ||
    fail mysql "${no_answer}: $(cause ERROR); is the server running, and may root log in without a password?"
  [[ -z ${taken} ]] || fail mysql "${taken%%$'\n'*} is there already, and roadie did not make it; choose another app:, or remove it by hand"
}

make_database() {
  as_root "CREATE DATABASE IF NOT EXISTS \`${app}\` CHARACTER SET ${database_charset};
    ALTER DATABASE \`${app}\` CHARACTER SET ${database_charset};" || fail "database ${app}" "$(tell_error)"
}

make_database_user() {
  local max
  max=$(as_root 'SELECT @@GLOBAL.max_connections;') || fail "database user ${app}" "$(tell_error)"
  as_root "CREATE USER IF NOT EXISTS '${app}'@'localhost' IDENTIFIED BY '${site_password}';
    ALTER USER '${app}'@'localhost' IDENTIFIED BY '${site_password}'
      WITH MAX_USER_CONNECTIONS $(connections_of_site "${max}");
    GRANT ALL PRIVILEGES ON ${grant_on} TO '${app}'@'localhost';" || fail "database user ${app}" "$(tell_error)"
  check_as_site
  [[ -n ${user_ok} ]] || fail "database user ${app}" 'is made, but cannot log in with the password in shared/secrets, or holds all connections that it may; see the log of the database'
}

# ---- Time zones -------------------------------------------------------------------------------------------------------

# If the server's tables of time zones are empty, a filter by day or month finds nothing, and nobody is told. roadie fills the
# tables from the host's own zones, and again once Debian has newer zones. The server keeps what it has read of a zone until it
# starts again.
ensure_time_zones() {
  local newest='' filled=''
  read -r newest 2>/dev/null <"${host_zones}/tzdata.zi" || :
  [[ ! -f ${time_zones_file} ]] || contents_of "${time_zones_file}" filled
  if [[ -n ${has_time_zones} && ${filled} == "${newest}" ]]; then
    ok 'time zones of the database'
  else
    change_within 600 'time zones of the database' fill_time_zones "${newest}"
  fi
}

fill_time_zones() { # VERSION: other sites that ask for a zone meanwhile wait; they never find the tables empty
  local program=mariadb-tzinfo-to-sql
  command -v "${program}" >/dev/null || program=mysql_tzinfo_to_sql
  {
    printf 'SET autocommit = 0;\nLOCK TABLES '
    printf '%s WRITE' time_zone; printf ', time_zone_%s WRITE' leap_second name transition transition_type
    printf ';\n'
    # Some files there are no zones: the program warns of them. Leave out its own statements that lock and commit.
    "${program}" "${host_zones}" |
      sed -E "/^(START TRANSACTION|COMMIT|UNLOCK TABLES);\$/d; /^.\*M![0-9]+ execute immediate.*'LOCK TABLES/,/;\$/d"
    printf 'COMMIT;\nUNLOCK TABLES;\n'
  } | client --user=root mysql || fail 'time zones of the database' "$(tell_error)"
  put_file "${time_zones_file}" 600 root:root "$1"
}

require_site
# In a GRANT, an underscore in the database's name stands for any character, unless it is escaped.
local grant_on="\`${app//_/\\_}\`.*" site_password='' database_ok user_ok has_time_zones=''
local host_zones=/usr/share/zoneinfo
local knows_time_zones="CONVERT_TZ('2000-01-01 00:00:00', 'UTC', 'Europe/Paris') IS NOT NULL"
if [[ -e /lib/systemd/system/mariadb.service ]]; then ensure_service mariadb; else ensure_service mysql; fi
ensure_charset_in_url
ensure_secret ROADIE_DATABASE_URL new_database_url "${database_url_names[@]}"
ask_password ||
  fail 'secret ROADIE_DATABASE_URL' "its value in ${root}/shared/secrets is not as roadie wrote it; put that value back, or remove its lines, so that roadie makes a new password"
ensure_password recorded_password "${password_names[@]}"
if [[ -n ${dry_run} && ! -S ${database_socket} ]] && is_claimed "${database_claim}"; then
  return 0 # the server is down and cannot be asked
fi
check_as_site
if [[ -z ${user_ok} ]] && is_claimed "${database_claim}"; then check_as_root; fi
ensure_claim "database ${app}" "${database_claim}" refuse_taken_database
if [[ -n ${database_ok} ]]; then ok "database ${app}"; else change "database ${app}" make_database; fi
if [[ -n ${user_ok} ]]; then ok "database user ${app}"; else change "database user ${app}" make_database_user; fi
ensure_time_zones
