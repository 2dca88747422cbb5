# The words that say why requirements could not be installed, and what cures that. Plain bash, no Jinja.

why_pip_failed() { # prints the reason; if a package could not be built, also why, and what cures that
  local why missing
  missing=$(step_output | sed -n 's/^ERROR: No matching distribution found for //p' | tail -n 1)
  if [[ -n ${missing} ]]; then
    why=$(why_missing "${missing}")
  elif why=$(why_not_built) && [[ -n ${why} ]]; then
    :
  else
    why=$(cause '^(ERROR:|OSError:|MemoryError)')
    why=${why#ERROR: Exception:; } # pip's line above a traceback
  fi
  printf '%s; the other virtualenvs are unchanged' "${why:-$(cause . | tail -c 300)}"
}

# REQUIREMENT: prints why no index has it. pip takes an index that does not answer for one that has nothing.
why_missing() {
  local versions silent where
  versions=$(step_output | sed -nE 's/^ERROR: Could not find a version .* \(from versions: (.*)\)$/\1/p' | tail -n 1)
  silent=$(step_output | sed -nE "s/.*(after connection broken by|Could not fetch URL) .*: (\[[^]]*\] )?([^:']+)'.*/\3/p" | tail -n 1)
  where=$(step_output | sed -nE 's/^Looking in indexes: //p' | tail -n 1)
  [[ -z ${index_is_secret} ]] || where=''
  if [[ -n ${silent} && ${versions:-none} == none ]]; then
    printf 'the package index %sdoes not answer (%s), so nobody knows whether it has %s; make it answer, or name another in index:' "${where:+${where} }" "${silent}" "$1"
  elif [[ ${versions:-none} == none ]]; then
    printf 'no index has %s for this Python; correct its name or its version' "$1"
  else
    printf 'no index has %s for this Python; the newest that fits is %s; correct the version' "$1" "${versions##*, }"
  fi
}

why_not_built() { # prints which package could not be built, why, and what cures that; nothing if all were built
  local package why newer older library
  package=$(unbuilt_package)
  [[ -n ${package} ]] || return 0
  why=$(why_of_build)
  newer=$(with_wheel "${package%%==*}")
  [[ ${package} != *"==${newer}" ]] || newer=''
  older=$(python_with_wheel "${package}")
  why=${why%.}
  printf 'cannot build %s: %s' "${package}" "${why:-see above}"
  if [[ -n ${older} ]]; then # a library of Debian would not help
    printf '; it has a wheel for Python %s, but none for %s, so write python: "%s" in fabric.yaml' "${older}" "${python_minor#python}" "${older}"
    [[ -z ${newer} ]] || printf ', or require %s %s, which has one' "${package%%==*}" "${newer}"
    return
  fi
  [[ -z ${newer} ]] || printf '; %s %s has a wheel for this Python, so require that' "${package%%==*}" "${newer}"
  library=$(library_for "${why}")
  printf '; if it needs a library of Debian, name %s in packages:' "${library:-its -dev package}"
}

unbuilt_package() { # prints the name of the package that could not be built, with its version if the output has it
  local package exact
  # uv comes first, and may have failed for another reason than pip. But only uv names the version.
  exact=$(step_output | sed -nE "s/.*Failed to (download and )?build .([A-Za-z0-9][A-Za-z0-9._-]*==[^ '\`]+).*/\2/p" | tail -n 1)
  package=$(step_output | sed -nE "s/^ *ERROR: Failed (building wheel for |to build ')([A-Za-z0-9][A-Za-z0-9._-]*)'?.*/\2/p" | tail -n 1)
  [[ -n ${package} && ${exact%%==*} != "${package}" ]] || package=${exact}
  [[ -n ${package} ]] || package=$(step_output | awk '
    /^ *Collecting / { package = $2 }
    /^ *Building wheel for / { package = $4 }
    /\[end of output\]/ { found = package }
    END { sub(/@$/, "", found); print found }')
  printf '%s' "${package}"
}

why_of_build() { # prints the line that says most, of what the build printed
  local words
  words=$(step_output | awk '/\[[0-9]+ lines? of output\]|^ *(cause: )?.*\[std(out|err)\]/ { on = 1; next } /\[end of output\]/ { on = 0 } on && NF { gsub(/^[ \t]+/, ""); print }' | grep -avE '^(error: (Failed to|subprocess)|cause: |note: |×|╰)')
  {
    grep -aE -m 1 'fatal error:|pg_config.* not found|mysql_config.* not found|(headers|library).* not be found|is not found|No package .* found|^(Import|ModuleNotFound)Error' <<<"${words}" ||
      grep -aE -m 1 '(^|: )error: ' <<<"${words}" || grep -aE '^[A-Za-z_.]+(Error|Exception): ' <<<"${words}" | tail -n 1 | grep . || grep -avE 'https?://|^[-=_*]+$' <<<"${words}" | tail -n 1
  } | cut -c -200
}

with_wheel() { # REQUIREMENT [OPTION...]: prints the newest version that has a wheel for this Python
  with_pip --dry-run --ignore-installed --no-deps --only-binary :all: --retries 1 --timeout 10 "$@" 2>/dev/null | sed -nE 's/^Would install .*-([0-9][^- ]*)$/\1/p'
}

# NAME==VERSION: prints the next older Python for which this version has a wheel, if the project takes that Python
python_with_wheel() {
  local minor
  [[ $1 == *==* ]] || return 0
  for ((minor = ${python_minor#python3.} - 1; minor >= 8; minor--)); do
    [[ ${#pythons[@]} == 0 || " ${pythons[*]} " == *" 3.${minor} "* ]] || continue
    [[ -n $(with_wheel "$1" --python-version "3.${minor}" --target "${build_home}/none") ]] || continue
    printf '3.%s' "${minor}"
    return
  done
}

library_for() { # LINE: prints the packages of Debian that a build with this error lacks, if they are known
  case ${1,,} in
    *python.h*) printf python3-dev ;;
    *pg_config* | *libpq*) printf libpq-dev ;;
    *mysql*) printf default-libmysqlclient-dev ;;
    *jpeg*) printf libjpeg-dev ;;
    *zlib*) printf zlib1g-dev ;;
    *libxml* | *xslt*) printf 'libxml2-dev and libxslt1-dev' ;;
    *ldap.h* | *lber.h* | *sasl*) printf 'libldap-dev and libsasl2-dev' ;;
    *cairo*) printf libcairo2-dev ;;
    *ffi.h*) printf libffi-dev ;;
    *xmlsec*) printf libxmlsec1-dev ;;
    *magic.h*) printf libmagic-dev ;;
    *) ;;
  esac
}

why_uv_failed() { # prints the reason, for requirements that only uv can install
  printf '%s; the other virtualenvs are unchanged' "$(cause '^(error| *[×╰├]|  cause)' | tail -c 300)"
}
