local drain_seconds=30

# The switch is on disk. Only now may the previous slot lose its program.
local live old
live_slot live
old=${other_slot[${live}]}
if is_slot_in_use "${old}"; then
  begin_step "drain of slot ${old}" cut
  drain_slot "${old}" "${drain_seconds}"
  doing=''
  change "slot ${old} stopped" retire_slot "${old}"
fi
