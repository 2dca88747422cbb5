local once=(data 'python
manage.py
loaddata
start')

local i words
for ((i = 0; i < ${#once[@]}; i += 2)); do
  mapfile -t words <<<"${once[i + 1]}"
  run_once "${once[i]}" "${words[@]}"
done
