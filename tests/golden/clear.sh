local name
for name in live live.new current slots releases venvs repo.git repo.git.new repo.git.gone maintenance shared/static; do
  ensure_no_tree "${root}/${name}"
done
ensure_absent "${state}/rollback-${app}" # it speaks of releases
ensure_no_tree "/run/${app}" "${app}"
ensure_no_tree "/var/cache/roadie/${app}" "${build_user}"
ensure_no_tree "/var/cache/roadie/${app}.build"
ensure_forgotten "/etc/tmpfiles.d/${app}.conf"
