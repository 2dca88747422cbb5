python=python3
digest=ab9f50d18e9db7df60d2d1ec142904e5461b397ccacb10313dedcaebe4e9a537
requirements=requirements.txt
ship_root=''
requirement_paths=(requirements.txt)
requirement_texts=('Django==5.2.19
')
requirement_options=()
pins=(gunicorn==27.0.1 mysqlclient==2.3.1)
installer=uv
uv_pin=uv==0.13.9
with_uv_py='"""Tells bash how uv does what pip would do here, by pip'"'"'s own configuration, which uv does not read.

with_uv.py PYTHON OPTIONS COMMAND: OPTIONS are those within the requirements files, with commas between
them; COMMAND is install, or compile, which only tells what would be. Ends with 3, and a line that says
why, where only pip will do.
"""

import configparser
import shlex
import sys
from pathlib import Path

PIP_ONLY = 3
# What a project installs by pip must come out the same: the index with the best version wins, no
# configuration of uv'"'"'s own is read, no Python is fetched. Copies: a hard link into the cache would
# leave the virtualenv'"'"'s files in the builder'"'"'s hands. One build at a time, as memory may be short.
ENVIRONMENT = {
    "UV_CONCURRENT_BUILDS": "1",
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_LINK_MODE": "copy",
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    "UV_NO_SOURCES": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}
DEBIANS_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

NAMES_INDEX = {"index-url", "extra-index-url", "find-links", "no-index"}
SHORT = {"-i": "index-url", "-f": "find-links", "-r": "requirement", "-c": "constraint", "-e": "editable"}
# Within requirements files both read these alike.
FILES_ONLY = {"requirement", "constraint"}
ALIKE = NAMES_INDEX | FILES_ONLY | {"editable", "hash", "no-binary", "only-binary"}
# Of pip'"'"'s configuration, what has no say in what is installed; pip'"'"'s cache is not uv'"'"'s.
NO_MATTER = set(
    "break-system-packages cache-dir compile disable-pip-version-check exists-action no-color no-compile"
    " no-input no-warn-script-location progress-bar quiet require-virtualenv root-user-action verbose".split()
)
VARIABLES = {
    "cert": ["SSL_CERT_FILE"],
    "client-cert": ["SSL_CLIENT_CERT"],
    "constraint": ["UV_CONSTRAINT", "UV_BUILD_CONSTRAINT"],
    "default-timeout": ["UV_HTTP_TIMEOUT"],
    "extra-index-url": ["UV_EXTRA_INDEX_URL"],
    "find-links": ["UV_FIND_LINKS"],
    "index-url": ["UV_DEFAULT_INDEX"],
    "proxy": ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"],
    "retries": ["UV_HTTP_RETRIES"],
    "timeout": ["UV_HTTP_TIMEOUT"],
    "trusted-host": ["UV_INSECURE_HOST"],
}
ARGUMENTS = {"no-binary", "only-binary"}
SWITCHES = {"no-cache-dir": "--no-cache", "no-index": "--no-index", "pre": "--prerelease=allow"}
ON, OFF = {"1", "on", "true", "yes"}, {"0", "off", "false", "no", ""}


class PipOnly(Exception):
    """Something that uv would do otherwise."""


def places(home, prefix):
    """Where pip looks for its configuration on Debian; what comes later wins."""
    site, own = "/etc/xdg/pip/pip.conf /etc/pip.conf".split(), ".pip/pip.conf .config/pip/pip.conf".split()
    return [*site, *(f"{home}/{path}" for path in own), f"{prefix}/pip.conf"]


def configured(paths):
    """What pip'"'"'s configuration says for an install, by name."""
    found = configparser.RawConfigParser()
    try:
        found.read([path for path in paths if Path(path).is_file()], "utf-8")
    except (OSError, ValueError, configparser.Error) as error:
        raise PipOnly(f"pip'"'"'s configuration cannot be read: {error}") from error
    settings = [item for name in ("global", "install") if name in found for item in found[name].items()]
    return {key.lower().replace("_", "-").lstrip("-"): value for key, value in settings}


def translated(settings):
    """The same for uv, as variables and as arguments: an index'"'"'s password belongs in no command line."""
    variables, arguments = {}, []
    for key, value in settings.items():
        words = value.split()
        if key in VARIABLES:
            separator = "," if key == "find-links" else " "
            variables.update(dict.fromkeys(VARIABLES[key], separator.join(words)))
        elif key in ARGUMENTS:
            arguments += [f"--{key}={name}" for word in words for name in word.split(",") if name]
        elif key in SWITCHES and value.lower() in ON | OFF:
            arguments += [SWITCHES[key]] if value.lower() in ON else []
        elif key not in NO_MATTER:
            raise PipOnly(f"pip'"'"'s configuration sets {key}")
    return variables, arguments


def judge(options, settings, alike=ALIKE):
    """Raise PipOnly for what the requirements files ask of pip that uv reads otherwise, or not at all."""
    names = {SHORT.get(option[:2]) if option[1] != "-" else option[2:] for option in options}
    if strange := sorted(name or "an option" for name in names - alike):
        raise PipOnly(f"the requirements have --{strange[0]}")
    # pip lets an index within the files win over the configured one, uv does not.
    if both := sorted(names & NAMES_INDEX) and sorted(NAMES_INDEX & settings.keys()):
        raise PipOnly(f"the requirements name an index, and pip'"'"'s configuration sets {both[0]}")
    return ["--require-hashes"] if "hash" in names else []


def main(python, options, command):
    """Print the variables to set, and the arguments to give."""
    try:
        settings = configured(places(Path.home(), Path(python).parents[1]))
        alike = ALIKE if command == "install" else FILES_ONLY
        more = judge([option for option in options.split(",") if option], settings, alike)
        variables, configured_arguments = translated(settings)
    except PipOnly as why:
        print(f"pip installs here, not uv: {why}", file=sys.stderr)
        sys.exit(PIP_ONLY)
    if Path(DEBIANS_CERTIFICATES).exists():
        variables.setdefault("SSL_CERT_FILE", DEBIANS_CERTIFICATES)
    for name, value in {**ENVIRONMENT, **variables}.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"given=({shlex.join([*more, *configured_arguments])})")


if __name__ == "__main__":
    main(*sys.argv[1:])
'
difference_py='"""Tells how the last virtualenv differs from what the requirements come to now.

difference.py SITE_PACKAGES SETUPTOOLS: what they come to is read from standard input, as uv writes it;
SETUPTOOLS is the line in it that stands for Debian'"'"'s own wheel. Prints `drop NAME` for what goes from the
folder, `script NAME` for what a package that stays has in bin, `add REQUIREMENT` for what comes. Ends with 3,
and a line that says why, where only a build from nothing will do. Root starts it: it only reads, and every
NAME is a plain one.
"""

import csv
import re
import sys
from collections import Counter, namedtuple
from pathlib import Path

FROM_NOTHING = 3
INFO, CACHE, BIN = ".dist-info", "__pycache__", "../../../bin/"
PINNED = re.compile(r"([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)==([A-Za-z0-9][A-Za-z0-9.!+_]*)")
NAME = re.compile(r"(?!\.\.?$)[^/\s][^/\n]*")


# What one has: its names are those in site-packages, its scripts those in bin. No dataclass: that takes 9 ms.
Package = namedtuple("Package", "version names scripts is_from_index is_elsewhere")


class FromNothing(Exception):
    """Something that would not come out as in a new virtualenv."""


def asked(resolved, setuptools):
    """The versions that the requirements come to, by name; that of Debian'"'"'s setuptools is empty."""
    found = {}
    for line in resolved.split("\n"):
        if line and line == setuptools:
            found["setuptools"] = ""
        elif match := PINNED.fullmatch(line):
            found[match[1]] = match[2]
        elif line:
            raise FromNothing(f"{line} is no package of an index")
    return found


def installed(folder):
    """The packages in site-packages by name, which must have all that is there between them."""
    found = {}
    for info in folder.glob(f"*{INFO}"):
        name, _, version = info.name.removesuffix(INFO).rpartition("-")
        found[re.sub(r"[-_.]+", "-", name).lower()] = read(info, version)
    claimed = {name for package in found.values() for name in package.names}
    if strays := {path.name for path in folder.iterdir()} - claimed - {CACHE}:
        raise FromNothing(f"no package has {min(strays)}")
    return found


def read(info, version):
    """What a package'"'"'s own list says of it."""
    names, scripts, is_elsewhere = {info.name}, set(), False
    with (info / "RECORD").open(encoding="utf-8", newline="") as record:
        for path, *_ in csv.reader(record):
            first = path.partition("/")[0]
            if path.startswith(BIN) and NAME.fullmatch(script := path.removeprefix(BIN)):
                scripts.add(script)
            elif not NAME.fullmatch(first):
                is_elsewhere = True
            elif first != CACHE:
                names.add(first)
    is_from_index = not (info / "direct_url.json").exists()
    return Package(version, names, scripts, is_from_index, is_elsewhere)


def difference(folder, there, wanted):
    """What goes, what stays and what comes, a line each."""
    for name, package in there.items():
        if not package.is_from_index and name != "setuptools":
            raise FromNothing(f"{name} is of no index")
    stays = {name for name, package in there.items() if is_as_wanted(package, wanted.get(name))}
    uses = Counter(name for package in there.values() for name in package.names)
    for name in sorted(there.keys() - stays):
        if there[name].is_elsewhere:
            raise FromNothing(f"{name} has files elsewhere")
        yield from (f"drop {path}" for path in sorted(dropped(folder, name, there[name], uses)))
    for name in sorted(stays):
        yield from (f"script {script}" for script in sorted(there[name].scripts))
    for name in sorted(wanted.keys() - stays):
        if not wanted[name]:
            raise FromNothing("setuptools is another")
        yield f"add {name}=={wanted[name]}"


def is_as_wanted(package, version):
    """Whether a package can stay; Debian'"'"'s setuptools, of no index, is wanted without a version."""
    return version == (package.version if package.is_from_index else "")


def dropped(folder, name, package, uses):
    """What goes with a package, which must be its own, and the bytecode of its modules."""
    for entry in package.names:
        if uses[entry] > 1:
            raise FromNothing(f"{name} shares {entry}")
        yield entry
        if entry.endswith(".py"):
            stem = entry.removesuffix(".py")
            yield from (f"{CACHE}/{path.name}" for path in (folder / CACHE).glob(f"{stem}.*.pyc"))


def main(folder, setuptools):
    """Print the difference, or why there is none to tell."""
    resolved = ""
    try:
        there = installed(Path(folder))  # while uv still asks
        resolved = sys.stdin.read()
        lines = list(difference(Path(folder), there, asked(resolved, setuptools)))
    except (FromNothing, OSError, ValueError, csv.Error) as why:
        print(resolved, why, sep="\n")
        sys.exit(FROM_NOTHING)
    print("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
'
pip_dir=''
needs_tree=''
tree=''
coming=20261123T120000Z-0123abcd

ask_python() { # sets python_path, and python_minor to python3.13, say; without a start of Python where files tell
  local other
  python_path=${python}
  [[ ${python} == */* ]] || python_path=${BASH_CMDS["${python}"]}
  for other in "${python_path%/*}"/python3.*; do
    if [[ ${other##*/} =~ ^python3\.[0-9]+$ && ${other} -ef ${python_path} ]]; then
      python_minor=${other##*/}
      return
    fi
  done
  python_minor=$("${python_path}" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
}

lay_out_requirements() { # where they can be read by the build's user and no other: an index's password may be in them
  local i place text
  rm -rf -- "${desk}"
  mkdir -m 700 -- "${desk}"
  if [[ -n ${needs_tree} ]]; then
    cp -a --no-preserve=ownership -- "${release_dir}/code" "${desk}/tree"
  fi
  for i in "${!requirement_paths[@]}"; do
    place=$(on_desk "${requirement_paths[i]}") text=${requirement_texts[i]}
    [[ /${place}/ != */../* ]] || fail "${requirement_paths[i]}" 'leads out of the project'
    mkdir -p -- "${place%/*}"
    # A folder of the project is copied in, as this one goes away; what comes out of a repository stays editable.
    sed -E 's/^[[:space:]]*(-e|--editable)[[:space:]=]+(["'\'']?(\.|\/|file:|[^:]*$))/\2/' <<<"${text}" >"${place}"
  done
  mkdir -p -- "${pip_folder}"
  printf '%s\n' "${pins[@]}" >"${desk}/pins.txt"
  printf '%s\n' "${setuptools_wheel:+setuptools @ file://${setuptools_wheel}}" >"${desk}/setuptools.txt"
  chown -R -h -- "${build_user}:${build_user}" "${desk}/tree" "${desk}/pins.txt"
  chown -- "root:${build_user}" "${desk}"
  chmod 750 -- "${desk}"
}

on_desk() { # PATH of the project: where it lies there, as in a release without what is above the folder that ships
  printf '%s/tree/%s' "${desk}" "${1#"${ship_root:+${ship_root}/}"}"
}

install_all() { # INSTALLER: sets installing to what it was about when it failed
  if [[ -n ${setuptools_wheel} ]]; then
    installing=setuptools
    "$1" --no-index "${setuptools_wheel}" || return
  fi
  installing=${requirements} file_options=("${requirement_options[@]}")
  "$1" -r "$(on_desk "${requirements}")" || return
  [[ ${#pins[@]} != 0 ]] || return 0
  installing="${pins[*]}, which the project lacks to run here" file_options=()
  "$1" -r "${desk}/pins.txt"
}

why_pip_failed() { # a build that fails has its own last words, inside of what pip shows of it
  local why built
  why=$(cause '^(ERROR:|OSError:|MemoryError)')
  why=${why#ERROR: Exception:; } # above a traceback
  built=$(step_output | awk '
    /^ *Collecting / { package = $2; sub(/@$/, "", package) }
    /^ *Building wheel for / { package = $4 }
    /\[end of output\]/ { words = package ": " last }
    NF { last = $0; gsub(/^[ \t]+/, "", last) }
    END { print words }')
  [[ -z ${built} ]] || why="${why:+${why}; }${built}; if it needs a library of Debian, name its -dev package in packages:"
  printf '%s; the virtualenvs that are there stay as they are' "${why:-$(cause . | tail -c 300)}"
}

seal() { # once no process of the builder can reach in: no special file, no special bit, no write for the site
  chown -h -- root:root "${venv_dir}" &&
    chmod 700 -- "${venv_dir}" &&
    end_build_user &&
    rm -rf -- "${venv_dir}"/.{complete,lock} &&
    find "${venv_dir}" ! -type f ! -type d ! -type l -delete &&
    chown -R -h -- "root:${app}" "${venv_dir}" &&
    chmod -R a-st,u=rwX,g=rX,o= -- "${venv_dir}"
}

take_over_virtualenv() { # by root; what joined the links of the last virtualenv is sealed already
  [[ -O ${venv_dir} ]] || seal
  sync -f -- "${venv_dir}"
  put_file "${venv_dir}/.complete" 600 "root:${app}" "${requirements}"$'\n'"${made_with}"
  sync -- "${venv_dir}" "${root}/venvs"
  rm -rf -- "${desk}" "${venv_dir}"*.links || :
}

clear_ground() { # without what a build that was killed, or that failed, has left
  remove_build
  mkdir -m 700 -- "${venv_dir}"
  chown -- "${build_user}:${build_user}" "${venv_dir}"
  lay_out_requirements
}

start_afresh() {
  local pip=()
  clear_ground
  [[ ! -e ${pip_wheel} ]] || pip=(--without-pip)
  as_builder "${python}" -m venv "${pip[@]}" "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
}

remove_build() { # one that failed, or was cut, takes no room
  [[ -z ${laying} ]] || wait "${laying}" || :
  laying=''
  end_build_user
  [[ ! -e ${cache}/tmp ]] || as_builder rm -rf -- "${cache}/tmp" || :
  rm -rf -- "${venv_dir}"*.links || : # a killed run's may still grow; else prune takes them
  rm -rf -- "${venv_dir}" "${desk}"
}

build_virtualenv() {
  trap remove_build EXIT
  if can_start_from_last; then
    clear_ground
    build_on_last || build_from_nothing
  else
    build_from_nothing
  fi
  trap - EXIT
}

can_start_from_last() { # with what comes by its name from an index
  [[ ${installer} == uv && -z ${needs_tree} && ${requirement_texts[*]} != *://* ]] &&
    [[ -x ${uv}/bin/uv && -e ${pip_wheel} ]] && find_last
}

build_from_nothing() { # where uv fails, pip has the last word: its reasons are those that people know
  local installing=''
  start_afresh
  if [[ ${installer} == uv ]] && ensure_uv && install_all with_uv; then
    compile_packages
  else
    [[ -z ${installing} ]] || start_afresh
    install_all with_pip || fail "${what}" "${installing}: $(why_pip_failed)"
  fi
}

find_wheels() { # Debian's; up to 3.11 a virtualenv has setuptools, and older packages count on it
  pip_wheel=$(echo /usr/share/python-wheels/pip-*.whl) setuptools_wheel=''
  [[ ! ${python_minor} =~ ^python3\.([0-9]|1[01])$ ]] || setuptools_wheel=$(echo /usr/share/python-wheels/setuptools-*.whl)
  [[ -e ${setuptools_wheel} ]] || setuptools_wheel=''
}

find_sources() { # sets made_with; a password may be in what it is a hash of. Where the builder's own files lead, root does not go
  local file files=() certificates=''
  for file in /etc/xdg/pip/pip.conf /etc/pip.conf "${cache}"/.{pip,config/pip}/pip.conf "${python_path%/*/*}/pip.conf" "${setuptools_wheel}"; do
    [[ ! -f ${file} || ${file} == "${cache}/"* && -L ${file} ]] || files+=("${file}")
  done
  [[ ! -e /etc/ssl/certs/ca-certificates.crt ]] || certificates=1
  made_with=$(sha256sum -- - "${files[@]}" <<<"${with_uv_py}${certificates}" | sha256sum)
}

local what="virtualenv ${digest:0:12}"
require_site
if hash -- "${python}" 2>/dev/null && [[ ${python} != */* || -x ${python} ]]; then
  ask_python
elif [[ -z ${dry_run} ]]; then
  fail "${what}" "there is no ${python} on this host; name another in python:, or its package in packages:"
fi
venv_dir=${root}/venvs/${python_minor}-${digest:0:16}
[[ -z ${needs_tree} ]] || venv_dir+=-${tree:0:12}
if [[ -n ${needs_tree} && -z ${tree} ]]; then
  ok "${what} (built by deploy, as the requirements need the project's own files)"
elif is_whole "${venv_dir}"; then
  ok "${what}"
else
  links=${venv_dir}.${run_id}.links site_packages=lib/${python_minor}/site-packages
  uv=${cache}/uv-${uv_pin##*=} pip_folder=$(on_desk "${pip_dir:+${pip_dir}/}.")
  find_wheels
  find_sources
  change_cuttable "build of ${what}" build_virtualenv
  # Once the builder can reach in no more.
  [[ -n ${dry_run} || -z ${coming} || ! -O ${venv_dir} ]] || load_beside "${coming}"
  change "${what}" take_over_virtualenv
fi
