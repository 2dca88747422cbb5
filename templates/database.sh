# The words for the site's database, as root over the server's socket. Plain bash, no Jinja.

database_socket=/run/mysqld/mysqld.sock database_collation=utf8mb4_unicode_ci

client() { # ARGUMENT...: SQL on standard input, answers as bare lines
  # MariaDB's would speak TLS over its own socket too, which takes four times as long.
  local binary=(mariadb) tls=(--skip-ssl)
  command -v mariadb >/dev/null || binary=(mysql) tls=()
  "${binary[@]}" "$@" "${tls[@]}" --protocol=socket --socket="${database_socket}" --batch --raw --skip-column-names
}

as_root() { # SQL: where root needs no password
  client --user=root <<<"$1"
}
