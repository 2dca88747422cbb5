installer=uv
needs_tree=''

leave_links() { # beside their place first: what is in its place is whole
  rm -rf -- "${venv_dir}.links" "${venv_dir}.links.new"
  link_parts "${venv_dir}" "${venv_dir}.links.new" && sync -f -- "${root}" &&
    mv -T -- "${venv_dir}.links.new" "${venv_dir}.links" && return
  rm -rf -- "${venv_dir}.links.new"
  say warn "links of ${venv_dir##*/}" 'they could not be laid out, so the next virtualenv will take longer; the last words above say why'
}

[[ ${installer} == uv && -z ${needs_tree} ]] || return 0
if has_links "${venv_dir}"; then
  ok "links of ${venv_dir##*/}"
else
  change_cuttable "links of ${venv_dir##*/}" leave_links
fi
