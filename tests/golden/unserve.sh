local before_change=start_on_nginx
ensure_forgotten "${site_link}"
ensure_forgotten "${site_file}"
if [[ -x /usr/sbin/nginx ]]; then ensure_applied 'reload of nginx' reload_nginx await_no_site; fi
host_unlock
