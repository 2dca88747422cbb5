let_go() {
  rm -f -- "${held_file}" "${held_file}.mine"
  sync -- "${state}"
}

require_site
if [[ -e ${held_file} ]]; then
  say fact lock "$(memo_in "${held_file}")"
  change 'no lock' let_go
else
  ok 'no lock'
fi
