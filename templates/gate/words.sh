# The words for asking a release for its pages, on the socket of its slot. Plain bash, no Jinja.

health=() gate_seconds=0 deadline=0 # set by the stage that asks
page_status='' page_location='' page_code=0 refusal='' # page_code is curl's own exit code
page_told='' # page_location as a visitor gets it: curl makes a relative one whole with the scheme of the socket
page_url='' followed='' # the address that answered last, and the last redirect that was found to lead to a good page
declare -A seen=() # its keys say which worker has answered which page: "PID PAGE"

read_health() { # sets health to the release's own list: an older release may not have the pages of today's settings
  local path text=''
  health=()
  contents_of "${release_dir}/health" text 2>/dev/null
  while IFS= read -r path; do
    [[ -z ${path} ]] || health+=("${path}")
  done <<<"${text}"
}

start_asking() { # sets deadline: from now on the pages have gate_seconds to answer
  read_clock
  deadline=$((clock + gate_seconds))
}

# PATH [TIMES] [OPTION...]: asks as nginx will ask. Sets page_status to the worst status, and page_location to a redirect's
# target. The options are curl's.
ask_page() {
  local code=0 i urls=() left
  read_clock
  left=$((clock < deadline ? deadline - clock : 1))
  for ((i = 0; i < ${2-1}; i++)); do urls+=(-o /dev/null "http://${domains[0]}$1"); done
  # This `Forwarded` makes the worker name itself. Visitors cannot send it: nginx removes that header.
  cuttable ask_plainly "${left}" -s -g --path-as-is -m "${left}" --unix-socket "${socket_dir}/${idle}.sock" \
    --fail-early -D - -w 'roadie: %{http_code} %{redirect_url}\nroadie at: %{url_effective}\n' -H 'Connection: close' -H 'Forwarded: by=_roadie' \
    -H "X-Forwarded-Proto: ${scheme}" -H 'X-Real-IP: 127.0.0.1' -H 'X-Forwarded-For: 127.0.0.1' -A roadie \
    "${@:3}" "${urls[@]}" >"/run/roadie/${run_id}.answer" 2>/dev/null || code=$?
  hear_answers "$1"
  page_code=${code}
  [[ ${code} != 28 && ${code} != 124 ]] || page_status=timeout
}

hear_answers() { # PATH: sets page_status to the worst status, and notes in seen which workers answered
  local line status header=''
  page_status='' page_location=''
  while IFS= read -r line; do
    if [[ ${line} =~ ^roadie:\ ([0-9]+)\ (.*) ]]; then
      status=${BASH_REMATCH[1]}
      if [[ ${page_status} == 000 || ${status} != 000 && ${status} < ${page_status} ]]; then continue; fi
      page_status=${status} page_location=${BASH_REMATCH[2]} page_told=${BASH_REMATCH[2]}
      [[ ${header} =~ ^\ *[A-Za-z]+: ]] || page_told=${page_told/#http:/"${scheme}:"}
    elif [[ ${line,,} == location:* ]]; then
      header=${line#*:}
    elif [[ ${line} == 'roadie at: '* ]]; then
      page_url=${line#*: }
    elif [[ ${line,,} =~ ^x-roadie-worker:\ ([0-9]+)\ of\ ([1-9][0-9]{0,3})[^0-9]*$ ]]; then
      seen["${BASH_REMATCH[1]} $1"]=1 workers=${BASH_REMATCH[2]}
    fi
  done <"/run/roadie/${run_id}.answer"
}

# PATH: sets late if a worker has not answered the page yet. Leaves late empty if no worker names itself, as with a program
# template of the user's own.
count_workers() {
  local one count=0
  for one in "${!seen[@]}"; do
    [[ ${one#* } != "$1" ]] || count=$((count + 1))
  done
  ((${#seen[@]} == 0 || count >= workers)) || late="only ${count} of ${workers} workers answered $1"
}

judge_page() { # PATH: sets refusal; empties it if the page passes
  refusal=''
  case ${page_status} in
    2??) return ;;
    timeout) refusal="$1 gave no answer within ${gate_seconds} seconds (gate_timeout)" ;;
    30?) judge_redirect "$1" ;;
    400) refusal="$1 answered 400 for the host ${domains[0]}: ALLOWED_HOSTS does not hold it" ;;
    4??) [[ ${#health[@]} == 0 ]] || refusal="$1 answered ${page_status}, and health: asks for 2xx" ;;
    *) refusal="$1 answered ${page_status}" ;;
  esac
}

is_own_name() { # HOST: whether it is one of the site's names
  local name host=${1,,}
  for name in "${domains[@]}"; do
    if [[ ${host} == "${name}" || (${name} == '*.'* && ${host} == *"${name#'*'}") ]]; then return 0; fi
  done
  return 1
}

find_host() { # URL: sets host to the host that the URL names
  host=${1#*://} host=${host%%[/:?#]*}
}

judge_redirect() { # PATH: sets refusal, if the redirect leads away from the site or health: asks for 2xx
  local host
  find_host "${page_location}"
  if [[ ${page_location} == https://* && (${scheme} == http || ${page_location} == "https://${domains[0]}${1%%#*}") ]]; then
    refuse_https "$1"
  elif ! is_own_name "${host}"; then
    refusal="$1 redirects to another host, ${page_told}; put ${host} into domain:, or name another page in health:"
  elif [[ " ${redirected[*]} " == *" ${host} "* ]]; then
    refusal="$1 redirects to ${page_told}, and nginx leads back from there; write ${host} first in domain:, or redirect_www: false, and run fab nginx"
  elif [[ ${#health[@]} != 0 ]]; then
    refusal="$1 redirects to ${page_told}, and health: asks for 2xx"
  fi
}

refuse_https() { # PATH
  refusal="$1 redirects to ${page_told}, but this site is served over http; set SECURE_SSL_REDIRECT: false under django: in fabric.yaml, or have https: tls: letsencrypt"
  [[ ${scheme} == http ]] ||
    refusal="$1 redirects to ${page_told}, where it was asked for: Django does not see that in the header X-Forwarded-Proto of nginx; write overlay: [SECURE_PROXY_SSL_HEADER] in fabric.yaml"
}

# PATH: judges a page as judge_page does, and then the page of the site to which its redirects lead, as a browser follows them.
judge_with_redirects() {
  judge_page "$1"
  if [[ -z ${refusal} && ${page_status} == 30? && ${page_location} != "${followed}" ]]; then follow "$1"; fi
}

# PATH: sets refusal if a visitor would end at a page that fails. Asks no other host, as a site may have its logins there.
follow() {
  local first=${page_location} told=${page_told} status=${page_status} host
  ask_to_the_end "$1"
  go_on_by_https
  find_host "${page_url}"
  if [[ ${page_code} == 47 ]]; then
    refusal="$1 redirects in a circle, by way of ${told}"
  elif [[ ${scheme} == http && ${page_location} == https://* ]]; then
    find_host "${page_location}"
    ! is_own_name "${host}" || refuse_https "$1"
  elif is_own_name "${host}"; then
    case ${page_status} in
      timeout) refusal="$1 redirects to ${told}, which gave no answer within ${gate_seconds} seconds" ;;
      000) return ;;
      5??) refusal="$1 redirects to ${scheme}${page_url#http}, which answered ${page_status}" ;;
      *) ;;
    esac
  fi
  if [[ -z ${refusal} ]]; then followed=${first} page_status=${status}; fi
}

ask_to_the_end() { # PATH: asks for a page, and follows its redirects by http
  # The `#` keeps these answers apart from those that count_workers counts for the page itself.
  ask_page "$1#" 1 --location --max-redirs 10 --cookie '' --proto-redir =http
}

# The socket of a slot speaks only http. So where a redirect leads to the site by https, ask for that page there, as nginx will.
go_on_by_https() {
  local hops path
  for ((hops = 0; hops < 10; hops++)); do
    [[ ${scheme} == https && ${page_location} =~ ^https://([^/:?#]+)([/?#].*)?$ ]] || return 0
    path=${BASH_REMATCH[2]-}
    is_own_name "${BASH_REMATCH[1]}" || return 0
    ask_to_the_end "${path:-/}"
  done
  page_code=47 # what curl says of too many redirects
}

pass_gate() { # JUDGE: sets refusal; empties it if every page passes and the program still runs
  see_pages "$1"
  [[ -n ${refusal} ]] || still_runs
}

# Sets refusal if the process has ended, or if Supervisor does not know the process, because Supervisor itself was started anew.
still_runs() {
  refusal=''
  ! is_child_of_supervisor || return 0
  ask_program "${program}"
  [[ ${program_pid} == "${slot_pid}" ]] || refusal='it answered once and then ended'
}

is_child_of_supervisor() { # whether the Supervisor of now started the process: when a Supervisor ends, init adopts its children
  local fields='' state_now parent now=''
  contents_of "/proc/${slot_pid:-none}/stat" fields 2>/dev/null
  read -r state_now parent _ <<<"${fields##*) }"
  contents_of "${pid_files[supervisor]}" now 2>/dev/null
  [[ -n ${now} && ${parent} == "${now}" && ${state_now} != Z ]]
}

# JUDGE: asks until every worker has answered every page, and JUDGE has refused none. Sets refusal after five wrong answers, after a
# timeout, or when gate_seconds are over.
see_pages() {
  local path wrong=0 late deadline
  start_asking
  seen=()
  while :; do
    page_status='' refusal='' late=''
    # Wait for the socket before asking: each request starts processes, which take time from the release's own start.
    ! listens "${idle}" || for path in "${health[@]:-/}"; do
      ask_page "${path}" "${workers}"
      [[ ${page_status:-000} == 000 ]] && break
      "$1" "${path}"
      [[ -z ${refusal} ]] || break
      count_workers "${path}"
    done
    if [[ ${page_status:-000} == 000 ]]; then
      refusal='it did not answer'
      if has_died; then refusal='it ends as soon as it starts' && return; fi
    elif [[ -n ${refusal} ]]; then
      wrong=$((wrong + 1))
      if ((wrong == 5)) || [[ ${page_status} == timeout ]]; then return; fi
    elif [[ -z ${late} ]]; then
      return
    fi
    refusal=${refusal:-${late}}
    read_clock
    if ((clock >= deadline)); then refusal+=" within ${gate_seconds} seconds (gate_timeout)" && return; fi
    sleep 0.02
    stop_if_asked
  done
}

log_since_start() { # prints the first and the last 100 KB of the log since the start; Supervisor may have begun a new file meanwhile
  local size from=${log_start}
  size=$(stat -c %s -- "${program_log}" 2>/dev/null) || return 0
  ((size >= from)) || from=0
  tail -c "+$((from + 1))" -- "${program_log}" | head -c 100000
  ((size - from <= 100000)) || printf '\n'
  ((size - from <= 200000)) || from=$((size - 200000))
  tail -c "+$((from + 100001))" -- "${program_log}" | head -c 100000
}

# Prints what the program has logged since its start, up to the project's first error. Sets error_said and error_at.
tell_log() {
  local line shown=() first projects='' gunicorns='' uvicorns=''
  begin_to_hear
  while IFS= read -r line || [[ -n ${line} ]]; do
    shown+=("${line}")
    hear "${line}" >/dev/null
    if [[ ${line} == 'roadie refuses to serve: '* ]]; then error_said=${line#*: } && break; fi
    [[ ${line} != 'Error: '* ]] || gunicorns=${line}
    # If an ASGI application refuses to start, uvicorn logs the reason in the line before.
    [[ ${line} != *'] [ERROR] Application startup failed'* ]] || gunicorns=${uvicorns}
    uvicorns=${line##*'] [ERROR] '}
    # Gunicorn may end with a traceback of its own, which only says that a worker ended. The reason stands before that traceback.
    [[ ${error_said} != 'gunicorn.errors.HaltServer: '* ]] || error_said=${projects}
    projects=${error_said:-${projects}}
    [[ -z ${error_said} || -z ${error_at} || -n ${in_traceback} ]] || break
  done < <(log_since_start | cut -c 1-2000)
  error_said=${error_said:-${gunicorns}}
  first=$((${#shown[@]} > 30 ? ${#shown[@]} - 30 : 0))
  [[ ${#shown[@]} == 0 ]] || printf '%s\n' "--- ${program_log}, since the start" "${shown[@]:first}" '---'
}

# ---- What visitors got from the application, as nginx logged it in its format `roadie` ---------------------------------

# How many answers were good, how many good ones took half of gate_seconds or longer, and how many were bad. A 503 is not bad: it
# may be a maintenance page of the application. bad_page is the last page that got a bad answer.
good=0 slow=0 bad=0 bad_page=''
# The keys of met are the networks of visitors who got any answer; the keys of hit are the networks that got a bad one. A network
# is the first three numbers of an address: one visitor may have many addresses.
declare -A met=() hit=()

# SINCE [LAST]: adds to these numbers the answers in the log lines on standard input. Counts only answers of the application
# itself, to requests that came at SINCE or later. Of these, it counts the LAST ones.
count_answers() {
  local more_good more_slow more_bad networks page one
  read -r more_good more_slow more_bad networks page < <(awk -F '"' -v since="$1" -v last="${2-}" -v patience="${gate_seconds}" '
    NF == 7 && split($7, figure, " ") == 4 && figure[4] != "-" && figure[1] - figure[2] >= since {
      is_bad[++n] = figure[3] >= 500 && figure[3] != 503
      split($1, word, " ")
      split(word[1], part, /[.:]/)
      network = part[1] "." part[2] "." part[3]
      if (++times[is_bad[n], network] == 1 && ++shown <= 1000) networks = networks "," is_bad[n] network
      if (!is_bad[n] && figure[4] * 2 >= patience) slow++
      split($2, word, " ")
      if (is_bad[n] && word[1] ~ /^(GET|HEAD)$/ && word[2] ~ /^\//) page = word[2]
    }
    END {
      first = last != "" && n > last ? n - last + 1 : 1
      for (i = first; i <= n; i++) bad += is_bad[i]
      print n - first + 1 - bad, slow + 0, bad + 0, "-" networks, page
    }') || :
  good=$((good + more_good)) slow=$((slow + more_slow)) bad=$((bad + more_bad))
  for one in ${networks//,/ }; do
    [[ ${one} != [01]* ]] || met["${one:1}"]=1
    [[ ${one} != 1* ]] || hit["${one:1}"]=1
  done
  [[ -z ${page} ]] || printf -v bad_page %b "${page}" # nginx wrote special characters as \xHH
}
