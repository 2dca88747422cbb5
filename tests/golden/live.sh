local name
live_release name
[[ -n ${name} ]] || fail release 'no release serves; run: fab deploy' 2
work_on "${name}"
[[ -n ${dry_run} ]] || note_switched "${name}"
ok "release ${release}"
