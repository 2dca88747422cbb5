require_site
if is_claimed "${database_claim}"; then
  ok "claim of database ${app}"
else
  change "claim of database ${app}" claim "${database_claim}"
fi
