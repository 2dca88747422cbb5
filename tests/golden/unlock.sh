require_site
if [[ -e ${held_file} ]]; then
  say fact lock "$(memo_in "${held_file}")"
  change 'no lock' drop_file "${held_file}" "${held_file}.mine"
else
  ok 'no lock'
fi
