# Every place that roadie uses on a host, except those within a release. Each is declared here once, in the list that says
# what it belongs to and how long it stays. Plain bash, no Jinja; the frame sets app and build_user.
#
# From these lists bootstrap learns whether a name is taken, `remove` and `remove --purge` learn what to take away, and
# nginx which files to put back. So a new place needs an entry here, and none elsewhere.
#
# An entry is a path, or a path and the user who can write there. That user's own hand then empties the place.
# A path may hold a `*`, but not where the name of a longer site could go on: ${app}-*.conf also matches ${app}-eu-blue.conf.
# ${app}.*.conf is safe, as no site has a `.` in its name.

# ---- Of the host: `remove` leaves them, other sites need them ---------------------------------------------------------

state=/var/lib/roadie                                # what roadie knows of this host and its sites
backups=/var/backups/roadie                          # edits by hand and dumps
tools=/usr/local/lib/roadie                          # launch, manage, reconcile, reap
pages=/usr/local/share/roadie                        # what nginx shows where no site answers
caches=/var/cache/roadie                             # of the users that build virtualenvs
drop_ins=/etc/systemd/system/supervisor.service.d    # how systemd runs Supervisor
needrestart_file=/etc/needrestart/conf.d/roadie.conf # no restart of Supervisor after an upgrade
logrotate_file=/etc/logrotate.d/roadie
snippets=/etc/nginx/snippets
http_file=/etc/nginx/conf.d/roadie.conf
catch_all_file=/etc/nginx/conf.d/roadie-catch-all.conf
limits_file=/etc/nginx/modules-enabled/90-roadie.conf

host_places=(
  "${state}" "${backups}" "${tools}" "${pages}" "${caches}"
  /var/log/roadie # a log of every run
  /run/roadie     # locks, which go with the next boot
  "${drop_ins}" "${needrestart_file}" "${logrotate_file}"
  "${http_file}" "${catch_all_file}" "${limits_file}" "${snippets}"/roadie-{clients,headers,proxy}.conf
)
# These are Debian's. roadie changes the first and takes the second away.
debians_places=(/etc/nginx/nginx.conf /etc/nginx/sites-enabled/default)
# A program of the site's name that somebody else has in Supervisor; roadie leaves it alone.
others_program=/etc/supervisor/conf.d/${app}.conf

# ---- Of the site: `remove` takes them, bootstrap and deploy make them again -------------------------------------------

root=/srv/${app}
maintenance=${root}/maintenance
store=${root}/repo.git
site_link=/etc/nginx/sites-enabled/${app}.conf
site_file=/etc/nginx/sites-available/${app}.conf
nginx_given=${state}/nginx-given-${app} # sums of that file: as the settings made it, as this host has it
declare -A program_files=([blue]=/etc/supervisor/conf.d/${app}-blue.conf [green]=/etc/supervisor/conf.d/${app}-green.conf)
programs_link=/etc/supervisor/conf.d/${app}.programs.conf
rollback_file=${state}/rollback-${app} # the way back that a rollback is on
socket_dir=/run/${app}
tmpfiles_file=/etc/tmpfiles.d/${app}.conf
cache=${caches}/${app} # of the site's build user
desk=${cache}.build    # what that user is given to read

made_again=(
  "${site_link}" "${site_file}" "${nginx_given}"
  "${program_files[@]}" "${programs_link}"
  "${root}"/{live,live.new,current,slots,releases,venvs} "${store}"{,.new,.gone} "${maintenance}" "${root}/shared/static"
  "${rollback_file}"
  "${socket_dir} ${app}" "${tmpfiles_file}"
  "${cache} ${build_user}" "${desk}"
)

# ---- Of the site: only `remove --purge` takes them --------------------------------------------------------------------

claim_file=${state}/sites/${app} # goes last: by it a run after a cut still knows its own
log_dir=/var/log/${app}
access_log=/var/log/nginx/${app}.access.log error_log=/var/log/nginx/${app}.error.log
dumps=${backups}/dumps/${app}
half_applied=${state}/migrating-${app}        # migrations that a run left half done
half_restored=${state}/restoring-${app}       # a dump that a run left half loaded
held_file=${state}/held-${app}                # the site is held back on purpose
nginx_before=${state}/nginx-before-${app}.tar # nginx's files before a run changed them

kept_until_purge=(
  "${root}/shared/media ${app}" "${root}/shared/home ${app}" "${root}"
  "${log_dir}" "${access_log}*" "${error_log}*"
  "${dumps}" "${half_applied}" "${half_restored}" "${held_file}"{,.mine} "${nginx_before}"{,.new}
)

# ---- Of the site: they go with the next boot, and a run may hold the first at any time ---------------------------------

lock_file=/run/roadie/${app}.lock who_file=/run/roadie/${app}.who step_file=/run/roadie/${app}.step
