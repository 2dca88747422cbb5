local whole=shop.0003_drop_note

read_half_applied
[[ -n ${begun["${whole}"]+begun} ]] ||
  fail "migration ${whole}" "no earlier run ended half way through it${begun[*]+; it did so in $(listed "${!begun[@]}")}"
note='you say that its tables are right'
change "migration ${whole}" forget_begun "${whole}"
note=''
