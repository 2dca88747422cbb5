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
with_uv_py='"""Installs with uv what pip would install here. uv does not read pip'"'"'s configuration, so this tells uv of it.

with_uv.py UV OPTIONS ARGUMENT...: the virtualenv'"'"'s own Python runs it. OPTIONS are those within the
requirements files, with commas between them. Where only pip will do it ends with 3 and says why.
"""

import configparser
import os
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
ALIKE = NAMES_INDEX | {"requirement", "constraint", "editable", "hash", "no-binary", "only-binary"}
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


def judge(options, settings):
    """Raise PipOnly for what the requirements files ask of pip that uv reads otherwise, or not at all."""
    names = {SHORT.get(option[:2]) if option[1] != "-" else option[2:] for option in options}
    if strange := sorted(name or "an option" for name in names - ALIKE):
        raise PipOnly(f"the requirements have --{strange[0]}")
    # pip lets an index within the files win over the configured one, uv does not.
    if both := sorted(names & NAMES_INDEX) and sorted(NAMES_INDEX & settings.keys()):
        raise PipOnly(f"the requirements name an index, and pip'"'"'s configuration sets {both[0]}")
    return ["--require-hashes"] if "hash" in names else []


def main(python, uv, options, *arguments):
    """Become uv, which installs into the virtualenv of this Python."""
    try:
        settings = configured(places(Path.home(), Path(python).parents[1]))
        more = judge([option for option in options.split(",") if option], settings)
        variables, configured_arguments = translated(settings)
    except PipOnly as why:
        print(f"pip installs here, not uv: {why}")
        sys.exit(PIP_ONLY)
    if Path(DEBIANS_CERTIFICATES).exists():
        variables.setdefault("SSL_CERT_FILE", DEBIANS_CERTIFICATES)
    argv = [uv, "pip", "install", "--python", python, *more, *configured_arguments, *arguments]
    os.execve(uv, argv, {**os.environ, **ENVIRONMENT, **variables})


if __name__ == "__main__":
    main(sys.executable, *sys.argv[1:])
'
pip_dir=''
needs_tree=''
tree=''
coming=20261123T120000Z-0123abcd

find_python_minor() { # sets python_minor to python3.13, say; where files tell, no Python has to start for that
  local path=${python} other
  [[ ${python} == */* ]] || path=${BASH_CMDS["${python}"]}
  for other in "${path%/*}"/python3.*; do
    if [[ ${other##*/} =~ ^python3\.[0-9]+$ && ${other} -ef ${path} ]]; then
      python_minor=${other##*/}
      return
    fi
  done
  python_minor=$("${path}" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
}

build_virtualenv() { # where uv fails, pip has the last word: people know the reasons that pip gives
  local installing=''
  trap remove_build EXIT
  find_installers
  start_afresh
  if [[ ${installer} == uv ]] && ensure_uv && install_all with_uv; then
    compile_packages
  else
    [[ -z ${installing} ]] || start_afresh
    install_all with_pip || fail "${what}" "${installing}: $(why_pip_failed)"
  fi
  take_over_virtualenv
  trap - EXIT
}

remove_build() { # a build that failed, or was cut, takes no room
  end_build_user
  [[ ! -e ${cache}/tmp ]] || as_builder rm -rf -- "${cache}/tmp" || :
  rm -rf -- "${venv_dir}" "${desk}"
}

start_afresh() {
  local pip=()
  remove_build
  mkdir -m 700 -- "${venv_dir}"
  chown -- "${build_user}:${build_user}" "${venv_dir}"
  lay_out_requirements
  [[ ! -e ${pip_wheel} ]] || pip=(--without-pip)
  as_builder "${python}" -m venv "${pip[@]}" "${venv_dir}" || fail "${what}" "$(why_pip_failed)"
}

lay_out_requirements() { # the build's user can read them and no other: an index's password may be in them
  local i place text
  mkdir -m 700 -- "${desk}"
  [[ -z ${needs_tree} ]] || cp -a --no-preserve=ownership -- "${release_dir}/code/." "${desk}"
  for i in "${!requirement_paths[@]}"; do
    place=$(on_desk "${requirement_paths[i]}") text=${requirement_texts[i]}
    [[ /${place}/ != */../* ]] || fail "${requirement_paths[i]}" 'leads out of the project'
    mkdir -p -- "${place%/*}"
    # The desk goes away, so a folder of the project is installed as a copy; what comes out of a repository stays editable.
    sed -E 's/^[[:space:]]*(-e|--editable)[[:space:]=]+(["'\'']?(\.|\/|file:|[^:]*$))/\2/' <<<"${text}" >"${place}"
  done
  pip_folder=$(on_desk "${pip_dir:+${pip_dir}/}.")
  mkdir -p -- "${pip_folder}"
  chown -R -h -- "${build_user}:${build_user}" "${desk}"
}

on_desk() { # PATH of the project: where it lies there, as in a release without what is above the folder that ships
  printf '%s/%s' "${desk}" "${1#"${ship_root:+${ship_root}/}"}"
}

install_all() { # INSTALLER: sets installing to what it was about when it failed
  local file_options=()
  if [[ -n ${setuptools_wheel} ]]; then
    installing=setuptools
    "$1" --no-index "${setuptools_wheel}" || return
  fi
  installing=${requirements} file_options=("${requirement_options[@]}")
  "$1" -r "$(on_desk "${requirements}")" || return
  [[ ${#pins[@]} != 0 ]] || return 0
  installing="${pins[*]}, which the project lacks to run here" file_options=()
  "$1" "${pins[@]}"
}

take_over_virtualenv() { # by root, once no process of the builder can reach in: no special file, no special bit, no write for the site
  chown -h -- root:root "${venv_dir}"
  chmod 700 -- "${venv_dir}"
  end_build_user
  rm -rf -- "${desk}" "${venv_dir}"/.{complete,lock}
  find "${venv_dir}" ! -type f ! -type d ! -type l -delete
  chown -R -h -- "root:${app}" "${venv_dir}"
  chmod -R a-st,u=rwX,g=rX,o= -- "${venv_dir}"
}

local what="virtualenv ${digest:0:12}" python_minor=''
require_site
if hash -- "${python}" 2>/dev/null && [[ ${python} != */* || -x ${python} ]]; then
  find_python_minor
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
  change_cuttable "build of ${what}" build_virtualenv
  # The builder can reach in no more: the release's process may begin while the virtualenv goes to the disk.
  [[ -n ${dry_run} || -z ${coming} ]] || load_beside "${coming}"
  change "${what}" mark_whole "${venv_dir}" "${requirements}"
fi
