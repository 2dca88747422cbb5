local place
for place in "${made_again[@]}"; do
  ensure_no_place "${place}"
done
