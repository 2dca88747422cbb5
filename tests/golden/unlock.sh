let_go() {
  rm -f -- "${hold}" "${hold}.mine"
  sync -- "${hold%/*}"
}

require_site
local hold=${state}/held-${app}
if [[ -e ${hold} ]]; then
  say fact lock "$(memo_in "${hold}")"
  change 'no lock' let_go
else
  ok 'no lock'
fi
