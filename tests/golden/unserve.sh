local before_change=start_on_nginx place
for place in "${made_again[@]}"; do
  [[ ${place} != /etc/nginx/* ]] || ensure_no_place "${place}"
done
if [[ -x /usr/sbin/nginx ]]; then ensure_applied 'reload of nginx' reload_nginx; fi
host_unlock
