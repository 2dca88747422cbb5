local unknown=(entries.0003_mood)
local newer=20261122T120000Z-4567cdef

begin_step 'way back of the migrations' cut
with_release "${newer}" ask_way_back "${unknown[@]}"
stop_if_asked
doing=''
tell_emptied
