require_site
tell_maintenance
if [[ -e ${maintenance}/on ]]; then change 'no maintenance page' drop_file "${maintenance}/on"; else ok 'no maintenance page'; fi
