# The words for pending migrations, and for applying and unapplying them one at a time. Plain bash, no Jinja.

# The plan of a release and what became of it. `begun` has the half done migrations: its keys are their names, its values the rest
# of their lines in ${half_applied}.
history='' knows=() replaces=() pending=() unrecorded=() losses=() applied_migrations=() unapplied_migrations=() taken_back=()
# The pending migrations that wait until the release before has ended.
postponed=()
# The way back: the migrations to unapply, those that cannot be undone, and NAME WHAT for each table or column that comes back
# empty.
way_back=() irreversible=() emptied=()
declare -A sql_of=() dangers_of=() begun=()

# ---- The plan: the pending migrations, as Django foresees them -------------------------------------------------------

forget_plan() {
  history='' knows=() replaces=() pending=() postponed=() unrecorded=() losses=() sql_of=() dangers_of=()
}

hear_plan() { # KEY VALUE: takes one answer into the plan
  case $1 in
    knows) knows+=("$2") ;;
    replaces) replaces+=("$2") ;;
    unrecorded) unrecorded+=("$2") ;;
    history) history=$2 ;;
    pending) pending+=("$2") ;;
    postponed) postpone "$2" ;;
    sql) sql_of["${2%% *}"]+=${2#* }$'\n' ;;
    loss) losses+=("$2") ;;
    danger) dangers_of["${2%% *}"]+=${dangers_of["${2%% *}"]+; }${2#* } ;;
    unforeseen) say warn migrations "roadie cannot foresee what they will do: $2" ;;
    *) ;;
  esac
}

postpone() { # NAME: has this pending migration wait until the release before has ended
  local one rest=()
  for one in "${pending[@]}"; do
    [[ ${one} == "$1" ]] || rest+=("${one}")
  done
  [[ ${#rest[@]} == "${#pending[@]}" ]] || postponed+=("$1")
  pending=("${rest[@]}")
}

# Prints, for Python, whether migrations of ${release} may wait: if the settings allow it, the run has the stage that applies
# them, and another release serves.
is_phased() {
  local serving=''
  live_release serving
  if [[ -n ${phased} && -n ${serving} && ${serving} != "${release}" ]]; then echo True; else echo False; fi
}

# Has those migrations wait that an earlier run of this release had wait. If they delete content, a person agreed to that then.
postpone_again() {
  local name one rest
  [[ -f ${release_dir}/postponed ]] || return 0
  while read -r name; do
    postpone "${name}"
    rest=()
    for one in "${losses[@]}"; do
      [[ ${one} == "${name}" ]] || rest+=("${one}")
    done
    losses=("${rest[@]}")
  done <"${release_dir}/postponed"
}

tell_plan() { # tells the plan, before any migration is applied; a dry run shows the SQL to the person, others write it to the log
  local name
  read_half_applied
  for name in "${pending[@]}" "${postponed[@]}"; do
    if [[ -n ${dry_run} ]]; then
      say would "migration ${name}" "${sql_of["${name}"]-}"
    elif [[ -n ${sql_of["${name}"]-} ]]; then
      printf -- '-- migration %s\n%s\n' "${name}" "${sql_of["${name}"]}"
    fi
    [[ -z ${dangers_of["${name}"]-} ]] || say warn "migration ${name}" "${dangers_of["${name}"]}"
  done
  [[ -n ${dry_run} ]] || forget_whole
  for name in "${unrecorded[@]}"; do # a squashed migration, all parts of which are applied
    [[ -z ${dry_run} ]] || say would "record of migration ${name}" 'the database has all that it replaces'
  done
  [[ ${#pending[@]} == 0 || -n ${dry_run} ]] || say pending migrations "${pending[*]}"
  [[ ${#postponed[@]} == 0 ]] || say pending 'migrations that wait until the release before has ended' "${postponed[*]}"
}

# Forgets each half done migration that is whole by now: by the record of the database, it is applied, or unapplied if the run was
# unapplying it.
forget_whole() {
  local name
  for name in "${!begun[@]}"; do
    if [[ ${begun["${name}"]} == *$'\tunapplying' ]]; then
      [[ " ${pending[*]} ${postponed[*]} " != *" ${name} "* ]] || forget_begun "${name}"
    elif [[ " ${knows[*]} " == *" ${name} "* && " ${pending[*]} ${postponed[*]} " != *" ${name} "* ]]; then
      forget_begun "${name}"
    fi
  done
}

# Records in the release, for a later rollback, which migrations its code knows, which of them replace others, and which the
# database lacks.
keep_plan() {
  printf '%s\n' "${knows[@]}" >"${release_dir}/knows"
  printf '%s\n' "${replaces[@]}" >"${release_dir}/replaces"
  remove_if_there "${release_dir}/pending"
  [[ ${#pending[@]}${#postponed[@]} == 00 ]] || printf '%s\n' "${pending[@]}" "${postponed[@]}" >"${release_dir}/pending"
}

keep_postponed() { # records in the release which migrations are still to be applied, once the release before has ended
  if [[ ${#postponed[@]} == 0 ]]; then
    remove_if_there "${release_dir}/postponed"
  else
    put_file "${release_dir}/postponed" 644 root:root "$(printf '%s\n' "${postponed[@]}")"
  fi
  remove_if_there "${release_dir}/pending"
}

# CONSENT: before any migration is applied, fails if one deletes content and nobody has agreed to the loss. The controller
# sees the event `loss`, and asks a person at a terminal.
require_consent() {
  local name told=''
  [[ -z $1 && ${#losses[@]} != 0 ]] || return 0
  for name in "${losses[@]}"; do
    [[ ${told} == *"${name} "* ]] || told+="${told:+; }${name} (${dangers_of["${name}"]})"
  done
  say loss migrations "${losses[*]}"
  fail migrations "deletes content of the database: ${told}${dump:+; the dump from before is ${dump}}; if that is right, run the same command with --yes, or set allow_data_loss: true"
}

# ---- Forwards and backwards -------------------------------------------------------------------------------------------

apply_migrations() { # applies the migrations of ${release} that the database lacks, but not the postponed ones
  local name='' is_whole='' half='' was_half='' statement='' error='' code=0
  applied_migrations=()
  run_migrations 'migrations.migrate()' "ROADIE_POSTPONED=${postponed[*]}"
  [[ ${code} == 0 ]] || refuse_migration "${code}"
  # An earlier run that was killed may have begun some of these, and they ended after that run. They are half applied no more.
  for name in "${pending[@]}"; do
    [[ -z ${begun["${name}"]+begun} ]] || forget_begun "${name}"
  done
}

# NAME...: sets way_back to all migrations that must be unapplied with these, in order. Sets irreversible to the ones that
# cannot be undone, and emptied to the tables and columns that they dropped.
ask_way_back() {
  local name='' is_whole='' half='' was_half='' statement='' error='' code=0
  run_migrations 'migrations.way_back()' "ROADIE_UNAPPLY=$*"
  [[ ${code} == 0 ]] || refuse_migration "${code}"
}

tell_emptied() { # warns of each table and column that comes back without its content, and names the dump that has the content
  local one file where
  for one in "${emptied[@]}"; do
    dump_without "${one%% *}" file
    where='no dump on this host has what it held'
    [[ -z ${file} ]] || where="the dump ${file} has what it held"
    say warn "migration ${one%% *}" "the ${one#* } comes back empty; ${where}"
  done
}

dump_without() { # NAME VARIABLE: sets the variable to the newest dump from before this migration; to nothing if there is none
  local record recorded=''
  printf -v "$2" %s ''
  for record in "${dumps}"/*.applied; do
    [[ -f ${record%.applied}.${dump_ending} ]] || continue
    contents_of "${record}" recorded
    [[ $'\n'${recorded}$'\n' == *$'\n'"$1"$'\n'* || $'\n'${recorded}$'\n' == *$'\n'"half $1"$'\n'* ]] || printf -v "$2" %s "${record%.applied}.${dump_ending}"
  done
}

unapply_migrations() { # NAME...: with the code of ${release}, newest first; none, if one of them cannot be undone
  local name='' is_whole='' half='' was_half='' statement='' error='' code=0
  unapplied_migrations=()
  run_migrations 'migrations.unapply()' "ROADIE_UNAPPLY=$*"
  [[ ${#irreversible[@]} == 0 ]] || fail migrations "cannot be undone: $(listed "${irreversible[@]}"); none was unapplied"
  [[ ${code} == 0 ]] || refuse_migration "${code}"
}

run_migrations() { # CALL [NAME=VALUE]...: reports each migration; sets name, is_whole, half, statement, error and code
  local line key value patience=() last=''
  read_half_applied
  way_back=() irreversible=() emptied=() code=137
  begin_to_hear
  make_pipe
  while IFS= read -r "${patience[@]}" line || [[ -n ${line} ]]; do
    read_clock
    hear "${line}"
    if [[ ${key} == ended && ${value} == *" ${nonce}" ]]; then
      # A process that the project left running may hold the pipe open for ever. So read only what is still on its way: stop after
      # half a second of silence, or after 20 seconds.
      code=${value%% *} patience=(-t 0.5) last=$((clock + 20))
    fi
    hear_migration "${key}" "${value}"
    [[ -z ${last} || ${clock} -lt ${last} ]] || break
  done < <(exec 4>&- && tell_end in_django "$@" ROADIE_RECORDED=5)
  exec 4>&- 5<&-
}

hear_migration() { # KEY VALUE: takes in one answer about the migrations that are applied, unapplied or asked for
  case $1 in
    'applying whole' | 'unapplying whole') # one transaction: however it ends, all of it is done or nothing
      name=$2 was_half=${begun["$2"]+yes} is_whole=1
      echo >&4
      ;;
    applying | unapplying)
      begin_migration "$1" "$2"
      echo >&4 # the migration waits until it is on record
      ;;
    applied | unapplied) end_migration "$1" "$2" ;;
    half) half=$2 ;;
    statement) statement=$2 ;;
    error) error=$2 ;;
    prepared) say changed "column ${2%% *}" "for the time until it is dropped: ${2#* }" ;;
    unapply) way_back+=("$2") ;;
    empty) emptied+=("$2") ;;
    unforeseen) say warn migrations "roadie cannot foresee what comes back empty: $2" ;;
    irreversible) irreversible+=("$2") ;;
    *) ;;
  esac
}

make_pipe() { # opens a pipe: what this shell writes to 4 is read from 5, and ends there when this shell ends
  local fifo=/run/roadie/${run_id}.fifo
  mkfifo -m 600 -- "${fifo}"
  # shellcheck disable=SC2094 # a FIFO may be open at both ends
  exec 3<>"${fifo}" 4>"${fifo}" 5<"${fifo}" 3>&-
  rm -f -- "${fifo}"
}

begin_migration() { # applying|unapplying NAME: records it as half done until it ends
  name=$2 is_whole='' was_half=${begun["$2"]+yes}
  [[ -z ${was_half} ]] || return 0
  begun["$2"]=${dump}$'\t\t'$1
  write_half_applied
}

end_migration() { # applied|unapplied NAME
  say "$1" "$2"
  if [[ $1 == applied ]]; then
    applied_migrations+=("$2")
    printf '%s\n' "$2" >>"${release_dir}/migrations"
  else
    unapplied_migrations+=("$2")
    taken_back+=("$2")
    tell_taken_back
  fi
  forget_begun "$2"
  name=''
}

tell_taken_back() { # has `fail` name the unapplied migrations, until the older release serves
  went_back="these migrations of the release that serves are unapplied: ${taken_back[*]}; fab deploy applies them again"
}

note_taken_back() { # like tell_taken_back, for migrations that an earlier run of this rollback unapplied
  note_pending
  mapfile -t taken_back < <(cat -- "${root}/live/release/pending" 2>/dev/null)
  [[ ${#taken_back[@]} == 0 ]] || tell_taken_back
}

note_applied() { # has `fail` name the applied migrations, until their release serves
  [[ ${#applied_migrations[@]} == 0 ]] || went_on="its migrations stay applied: $(some_of "${applied_migrations[@]}")$(dump_before)"
  [[ ${#postponed[@]} == 0 ]] || went_on+="${went_on:+; }not begun, so that nothing of the data is gone: $(listed "${postponed[@]}")"
}

# NAME...: records in the release that serves that the database may lack these migrations soon. If this run ends before
# note_pending, the next deploy asks the database about them.
expect_pending() {
  printf '%s\n' "$@" >>"${root}/live/release/pending"
  sync -f -- "${root}/releases"
}

# Records in every release which of its migrations the database lacks now. A deploy reads this record of the release that serves.
note_pending() {
  local known applied lacks
  ask applied 'the database' applied_now || return 0
  for known in "${root}"/releases/*/knows; do
    [[ -f ${known} ]] || continue
    lacks=$(LC_ALL=C comm -13 <(printf '%s\n' "${applied}") <(LC_ALL=C sort -u -- "${known}"))
    rm -f -- "${known%/*}"/{pending,postponed}
    [[ -z ${lacks} ]] || printf '%s\n' "${lacks}" >"${known%/*}/pending"
  done
  sync -f -- "${root}/releases" # the database is on disk already, and a deploy believes these records
}

# ---- Failing -----------------------------------------------------------------------------------------------------------

refuse_migration() { # CODE: fails; names what is done, what is half done, and how to go on
  local why earlier='' next='put it right, commit, and run fab deploy again' grade=6
  why=$(why_it_ended "$1")
  [[ -z ${error} ]] || why="${error}${statement:+, at: ${statement}}"
  if [[ ${#applied_migrations[@]} != 0 ]]; then
    grade=7 earlier="; applied before it: $(some_of "${applied_migrations[@]}")$(dump_before)"
  elif [[ ${#unapplied_migrations[@]} != 0 ]]; then
    grade=7 earlier="; ${#unapplied_migrations[@]} before it are unapplied$(dump_before)" next='put it right and run the same command again'
  fi
  if [[ -z ${name} ]]; then
    fail migrations "${why}${earlier}; ${next}" "${grade}"
  elif [[ -z ${error}${is_whole} || -n ${half} || -n ${was_half} ]]; then
    begun["${name}"]=${begun["${name}"]%%$'\t'*}$'\t'${statement//$'\t'/ }$'\t'${begun["${name}"]##*$'\t'}
    write_half_applied
    why+="; it may be half applied, as ${was_half:+an earlier run ended half way through it and }this database cannot undo it${earlier}"
    fail "migration ${name}" "${why}; put the tables right by hand and run the same command again$(dump_before "${name}")" 7
  fi
  forget_begun "${name}"
  fail "migration ${name}" "${why}; it left nothing behind${earlier:-, and none was applied}; ${next}" "${grade}"
}

dump_before() { # [NAME]: prints how to load the dump from before this migration or this run, if there is one
  local path=${dump}
  [[ -z ${1-} ]] || path=${begun["$1"]%%$'\t'*}
  [[ ! -f ${path} ]] || printf '; to load the dump from before: fab migrate --restore-dump %s' "${path}"
}

some_of() { # WORD...: lists the first five, and how many more there are: earlier lines have named each
  local most=5
  listed "${@:1:most}"
  (($# <= most)) || printf ' and %d more' "$(($# - most))"
}

listed() { # WORD...
  local text
  printf -v text '%s, ' "$@"
  printf %s "${text%, }"
}

# ---- The record of what is half done -----------------------------------------------------------------------------------

# ${half_applied} has a line for each migration that a run began and did not finish, and that the database could not undo. The
# line names the migration, the dump from before it, the statement that failed, and what the run was doing: `applying` or
# `unapplying`. The file survives a power cut. Every command tells of these migrations at its start (tell_half_done).

read_half_applied() { # sets begun
  local one rest
  begun=()
  [[ -s ${half_applied} ]] || return 0
  while IFS=$'\t' read -r one rest; do
    begun["${one}"]=${rest}
  done <"${half_applied}"
}

write_half_applied() {
  local one text=''
  for one in "${!begun[@]}"; do
    text+=${one}$'\t'${begun["${one}"]}$'\n'
  done
  put_file "${half_applied}" 600 root:root "${text%$'\n'}"
}

forget_begun() { # NAME
  unset 'begun[${1}]'
  if [[ ${#begun[@]} != 0 ]]; then
    write_half_applied
  else
    : >"${half_applied}"
    sync -- "${half_applied}"
  fi
}
