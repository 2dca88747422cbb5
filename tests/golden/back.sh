release=20261123T120000Z-0123abcd
local serves=20261122T120000Z-4567cdef
local leaves=1

require_whole() { # THING TEST
  test "$2" "$3" || fail "release ${release}" "its $1 is gone; choose another release from fab releases, with --to"
}

# Whether an earlier run began a rollback from this release and did not finish it. That run may have changed the database.
is_known_way() {
  local text=''
  contents_of "${rollback_file}" text 2>/dev/null
  [[ ${text} == "${serves} "* ]]
}

local name
live_release name
if [[ ${name} != "${serves}" ]]; then
  say fact live "${name}"
  fail 'rollback' "another run has switched to ${name} meanwhile; run the same command again"
fi
require_whole code -d "${root}/releases/${release}/code"
require_whole environment -f "${root}/releases/${release}/env"
require_whole program -f "${root}/releases/${release}/program.in"
work_on "${release}"
require_whole virtualenv -f "${venv_dir}/.complete"
if is_known_way; then note_taken_back; fi
# The record stays until the rollback is done. If this run is cut, the same command finishes this rollback. Without the
# record it would go back one release more.
change "way back to ${release}" put_file "${rollback_file}" 600 root:root "${serves} ${release} ${leaves}"
