local service='<text of cron/service.conf.j2>'

start_on_timers() {
  unapply "timers of ${app}"
}

local timers name when of_release=() before_change=start_on_timers
find_timers
for name in "${root}/live/release/cron"/*; do
  [[ ! -f ${name} ]] || of_release+=("${name##*/}")
done
[[ ${#timers[@]} != 0 || ${#of_release[@]} != 0 ]] || return 0
for name in "${timers[@]}"; do
  [[ " ${of_release[*]} " == *" ${name} "* ]] || change "no timer of ${name}" drop_timer "${name}"
done
ensure_file "${units}/${cron_unit}@.service" 644 root:root "${service}"
for name in "${of_release[@]}"; do
  IFS= read -r when <"${root}/live/release/cron/${name}"
  ensure_file "${units}/${cron_unit}@${name}.timer" 644 root:root "# From roadie: when ${name} of the site ${app} runs.
[Timer]
OnCalendar=${when}
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target"
done
ensure_applied "timers of ${app}" start_timers "${of_release[@]}"
