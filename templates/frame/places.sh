# Every place that roadie uses on a host, except places within a release. Each place is declared once, in the list that
# says who owns it and how long it stays. Plain bash, no Jinja; the frame sets app and build_user.
#
# Three tasks read these lists: bootstrap finds out whether a name is taken, `remove` and `remove --purge` find out what to
# delete, and the nginx stage finds out which files to restore. So a new place needs an entry here and nowhere else.
#
# An entry is a path, or a path and the user who can write there. `remove` empties such a place as that user.
# A path may hold a `*`, but not right after `${app}-`: ${app}-*.conf also matches ${app}-eu-blue.conf, which belongs to
# the site ${app}-eu. ${app}.*.conf is safe, as no site has a `.` in its name.

# ---- The host's places: `remove` keeps them, because other sites need them ------------------------------------------

state=/var/lib/roadie                                # what roadie knows of this host and its sites
backups=/var/backups/roadie                          # files that were edited by hand, and dumps
tools=/usr/local/lib/roadie                          # launch, manage, cron, enclose, reconcile, uv, Pythons
pages=/usr/local/share/roadie                        # the pages that nginx shows when a site does not answer
caches=/var/cache/roadie                             # what the builds of virtualenvs downloaded
drop_ins=/etc/systemd/system/supervisor.service.d    # how systemd runs Supervisor
nginx_drop_ins=/etc/systemd/system/nginx.service.d   # and nginx
postgresql_drop_ins=/etc/systemd/system/postgresql@.service.d # and each server of PostgreSQL
needrestart_file=/etc/needrestart/conf.d/roadie.conf # forbids a restart of Supervisor after an upgrade
logrotate_file=/etc/logrotate.d/roadie
snippets=/etc/nginx/snippets
http_file=/etc/nginx/conf.d/roadie.conf
catch_all_file=/etc/nginx/conf.d/roadie-catch-all.conf
catch_all_tls_file=/etc/nginx/conf.d/roadie-catch-all-tls.conf
limits_file=/etc/nginx/modules-enabled/90-roadie.conf
acme_webroot=/var/lib/roadie-acme                    # where certbot lays its answers to an authority; nginx reads them
authorities=${state}/tls/authorities.pem             # what certbot trusts besides the authorities of Debian
certbot_drop_ins=/etc/systemd/system/certbot.service.d
debians_redis=/etc/systemd/system/redis-server.service # a link that keeps the Redis for all the host from starting

host_places=(
  "${state}" "${backups}" "${tools}" "${pages}" "${caches}"
  /var/log/roadie # a log of every run
  /run/roadie     # locks; a boot empties this folder
  "${drop_ins}" "${nginx_drop_ins}" "${postgresql_drop_ins}" "${needrestart_file}" "${logrotate_file}"
  "${http_file}" "${catch_all_file}" "${catch_all_tls_file}" "${limits_file}" "${debians_redis}"
  "${snippets}"/roadie-{acme,clients,compression,headers,proxy,tls}.conf
  "${acme_webroot}" "${authorities}" "${certbot_drop_ins}"
)
# Files of Debian's nginx. roadie changes the first and deletes the second.
debians_places=(/etc/nginx/nginx.conf /etc/nginx/sites-enabled/default)
# If this file exists, somebody else runs a program of this name under Supervisor. roadie does not touch the file.
others_program=/etc/supervisor/conf.d/${app}.conf
# If this file exists, somebody else runs an instance of Redis of this name.
others_redis=/etc/redis/redis-${app}.conf

# ---- The site's places that `remove` deletes: bootstrap and deploy make them again ----------------------------------

root=/srv/${app}
maintenance=${root}/maintenance
store=${root}/repo.git
site_link=/etc/nginx/sites-enabled/${app}.conf
site_file=/etc/nginx/sites-available/${app}.conf
tls_file=${snippets}/roadie-tls-${app}.conf # has nginx serve the site by https; exists only if the certificate does
certificate=${state}/tls/${app}.pem         # the site's key and certificate, as nginx reads them
certificate_due=${state}/tls/${app}.due     # exists while nginx may not have read that file
renewal_file=/etc/letsencrypt/renewal/roadie-${app}.conf lineage=/etc/letsencrypt/live/roadie-${app} # of certbot
certbots=("${renewal_file}" "${lineage}" "/etc/letsencrypt/archive/roadie-${app}")
authority=${state}/tls/${app}.ca            # the root of the authority, if the settings name one
nginx_given=${state}/nginx-given-${app} # two sums of site_file: as the settings made it, and as roadie wrote it here
declare -A program_files=([blue]=/etc/supervisor/conf.d/${app}-blue.conf [green]=/etc/supervisor/conf.d/${app}-green.conf)
programs_link=/etc/supervisor/conf.d/${app}.programs.conf
rollback_file=${state}/rollback-${app} # the releases of a rollback that has not finished yet
socket_dir=/run/${app}
tmpfiles_file=/etc/tmpfiles.d/${app}.conf
redis_drop_ins=/etc/systemd/system/redis-server@${app}.service.d # how systemd runs the site's Redis
units=/etc/systemd/system
given_variables=/run/roadie/${app}.variables # what `fab manage createsuperuser` hands over, for a moment
cron_unit=roadie-${app} # the units of the periodic commands: roadie-<app>@<command>.timer, and one service for all
redis_conf=${root}/shared/redis.conf redis_run_dir=/run/redis-${app} redis_socket=${redis_run_dir}/redis.sock
cache=${caches}/${app}        # what builds downloaded, and wheels that were built here: root's
downloads=${cache}/downloads  # a cache of uv
build_home=${cache}/home      # HOME of the site's build user, for one build
desk=${cache}.build           # the files that root lays out for one build

made_again=( # what `remove` deletes
  "${site_link}" "${site_file}" "${nginx_given}" "${tls_file}" "${certificate}" "${certificate_due}" "${authority}"
  "${certbots[@]}"
  "${program_files[@]}" "${programs_link}"
  "${root}"/{live,live.new,current,slots,releases,venvs} "${store}"{,.new,.gone} "${maintenance}" "${root}/shared/static"
  "${rollback_file}"
  "${socket_dir}" "${tmpfiles_file}"
  "${units}/${cron_unit}@*.timer" "${units}/timers.target.wants/${cron_unit}@*.timer" "${units}/${cron_unit}@.service"
  "${state}/applied/timers-of-${app}" "${given_variables}"
  "${redis_drop_ins}/roadie.conf" "${redis_drop_ins}" "${redis_conf}" "${redis_run_dir}" "${state}/applied/reload-of-redis-server@${app}"
  "${build_home} ${build_user}" "${cache}" "${desk}"
)

# ---- The site's places that only `remove --purge` deletes -----------------------------------------------------------

claim_file=${state}/sites/${app} # deleted last: if a purge is cut, the next run still knows that the site is roadie's
shared_project=${root}/shared/project # the folders and files of `shared:`, which outlive releases
log_dir=/var/log/${app}
access_log=/var/log/nginx/${app}.access.log error_log=/var/log/nginx/${app}.error.log
dumps=${backups}/dumps/${app}
half_applied=${state}/migrating-${app}        # the migrations that a run left half done
half_restored=${state}/restoring-${app}       # the dump that a run left half loaded
once_file=${state}/once-${app}                # which commands of `once:` have run
held_file=${state}/held-${app}                # exists while `fab lock` holds the site back
nginx_before=${state}/nginx-before-${app}.tar # nginx's files before a run changed them

kept_until_purge=( # what `remove --purge` deletes besides
  "${root}/shared/media ${app}" "${root}/shared/home ${app}" "${root}/shared/database ${app}" "${root}/shared/redis ${app}" "${shared_project} ${app}" "${root}"
  "${log_dir}" "${access_log}*" "${error_log}*"
  /var/lib/systemd/timers/stamp-"${cron_unit}@*.timer" # when each periodic command ran last
  "${dumps}" "${half_applied}" "${half_restored}" "${once_file}" "${held_file}"{,.mine} "${nginx_before}"{,.new}
  # What cron, mail and systemd keep for a user. roadie makes none of them, but a user of the same name would inherit them.
  /var/{spool/cron/crontabs,mail,lib/systemd/linger}/"${app}" /var/{spool/cron/crontabs,mail,lib/systemd/linger}/"${build_user}"
)

# ---- The site's places that a boot deletes: no task does, as a run may hold the lock at any time ---------------------

# The lock of the run, who holds it, and at which step.
lock_file=/run/roadie/${app}.lock who_file=/run/roadie/${app}.who step_file=/run/roadie/${app}.step
