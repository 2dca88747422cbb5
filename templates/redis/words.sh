# The words for the Redis of a site. Each site has an instance of its own, which listens at a socket and at no port. The instance
# runs as the site's user: it can do no more than the site can, and no other site can reach it. Plain bash, no Jinja.

redis_unit=redis-server@${app} # an instance of Debian's template

ask_redis() { # as the site's user: prints PONG if Redis answers, and LOADING while Redis still loads its file
  as_user_plainly "${app}" / timeout 5 redis-cli -s "${redis_socket}" ping 2>&1 || :
}

require_redis() { # fails unless Redis answers; a large file takes some time to load
  local pong='' tries
  for ((tries = 0; tries < 60; tries++)); do
    ask pong Redis ask_redis
    [[ ${pong} != PONG* ]] || return 0
    [[ ${pong} == *LOADING* ]] || break
    stop_if_asked
    sleep 1
  done
  pong=${pong%%$'\n'*}
  fail "Redis of ${app}" "it does not answer at ${redis_socket} (${pong:-no answer}); see: journalctl -u ${redis_unit}; to start it: fab redis"
}
