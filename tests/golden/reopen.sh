show_site() {
  rm -f -- "${maintenance}/on"
  sync -- "${maintenance}"
}

require_site
tell_maintenance
if [[ -e ${maintenance}/on ]]; then change 'no maintenance page' show_site; else ok 'no maintenance page'; fi
