local fingerprint=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff

require_whole_site
tell_release "${fingerprint}"
[[ -z ${served} ]] || exit 0
