# The words for the periodic commands of a site. Each command has a timer of systemd, which starts an instance of the site's
# service. systemd starts no second instance while the first one runs, and makes up for a time at which the host was off. Plain
# bash, no Jinja.
#
# A release holds a file for each command: the time on the first line, then each word of the command on a line. When the time
# comes, the service runs the command from the release that serves then (see templates/on-host/cron).

find_timers() { # sets timers to the names of the commands that have a timer on this host
  local path
  timers=()
  for path in "${units}/${cron_unit}@"*.timer; do
    [[ ! -f ${path} ]] || path=${path##*@} timers+=("${path%.timer}")
  done
}

start_timers() { # NAME...: systemd reads the timers anew; a command that runs goes on
  local name
  systemctl daemon-reload
  for name in "$@"; do
    systemctl enable --quiet -- "${cron_unit}@${name}.timer"
    systemctl restart -- "${cron_unit}@${name}.timer"
  done
}

drop_timer() { # NAME
  systemctl disable --quiet --now -- "${cron_unit}@$1.timer"
  drop_file "${units}/${cron_unit}@$1.timer"
}

stop_timers() { # NAME...: drops the timers, and ends the commands that run
  local name
  for name in "$@"; do
    drop_timer "${name}"
    systemctl stop -- "${cron_unit}@${name}.service"
    # Otherwise systemd would remember a command that failed, or that the stop ended.
    systemctl reset-failed -- "${cron_unit}@${name}.service" 2>/dev/null || :
  done
}
