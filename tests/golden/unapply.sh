local unknown=(entries.0003_mood)
local newer=20261122T120000Z-4567cdef
local dump_of_then=/var/backups/roadie/dumps/guestbook/20261122T115900Z-before-20261122T120000Z-4567cdef.sql.gz
local wants_dump=1

refuse_one_way() { # fails; names the migrations that cannot be undone, and what to do instead
  local next='there is no dump from before them; write a migration that undoes them, and deploy it'
  [[ ! -f ${dump_of_then} ]] || next="to load the dump from before them, without all data written since: fab rollback --restore-dump (${dump_of_then})"
  fail migrations "cannot be undone: $(listed "${irreversible[@]}"); none was unapplied; ${next}"
}

[[ ${#irreversible[@]} == 0 ]] || refuse_one_way
if [[ ${#way_back[@]} == 0 ]]; then
  ok migrations
  return
fi
[[ -z ${wants_dump} ]] || dump_if_possible rollback
expect_pending "${way_back[@]}"
begin_step "migrations that ${release} does not know" whole
with_release "${newer}" unapply_migrations "${unknown[@]}"
end_whole
doing=''
note_pending
say changed "migrations that ${release} does not know" "${unapplied_migrations[*]}"
