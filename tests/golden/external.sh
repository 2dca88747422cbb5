require_site
ensure_claim "database ${app}" "${database_claim}"
