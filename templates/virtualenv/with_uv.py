"""Has uv install what pip would install here. uv does not read pip's configuration, so this translates it.

with_uv.py UV WHEELS OPTIONS ARGUMENT...: uv installs for the Python that runs this file, also from the folder
WHEELS if that is not empty. OPTIONS are the options in the requirements files, separated by commas. If only
pip can install them, this prints why and exits with 3. If the first ARGUMENT is `compile`, uv only prints
what it would install.
"""

import configparser
import os
import sys
from pathlib import Path

PIP_ONLY = 3
# uv must install what pip would install: it takes the best version of all indexes, reads no configuration of
# its own and downloads no Python. It copies files, as the build user could write to a file that is a hard
# link into its cache. It builds one package at a time, because memory may be short.
ENVIRONMENT = {
    "UV_CONCURRENT_BUILDS": "1",
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_LINK_MODE": "copy",
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    "UV_NO_SOURCES": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}
THE_PROJECTS_OWN = {"UV_NO_CONFIG", "UV_NO_SOURCES"}
DEBIANS_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

NAMES_INDEX = {"index-url", "extra-index-url", "find-links", "no-index"}
SHORT = {"-i": "index-url", "-f": "find-links", "-r": "requirement", "-c": "constraint", "-e": "editable"}
# pip and uv read these options in requirements files in the same way.
ALIKE = NAMES_INDEX | {"requirement", "constraint", "editable", "hash", "no-binary", "only-binary"}
# These settings of pip do not change what is installed. cache-dir is one of them, as uv has its own cache.
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
    """uv would not do here what pip does."""


def places(home, prefix):
    """The files in which pip looks for its configuration on Debian. A later file wins."""
    site, own = "/etc/xdg/pip/pip.conf /etc/pip.conf".split(), ".pip/pip.conf .config/pip/pip.conf".split()
    return [*site, *(f"{home}/{path}" for path in own), f"{prefix}/pip.conf"]


def configured(paths):
    """The settings of pip's configuration that apply to an install, by key."""
    found = configparser.RawConfigParser()
    try:
        found.read([path for path in paths if Path(path).is_file()], "utf-8")
    except (OSError, ValueError, configparser.Error) as error:
        raise PipOnly(f"pip's configuration cannot be read: {error}") from error
    settings = [item for name in ("global", "install") if name in found for item in found[name].items()]
    return {key.lower().replace("_", "-").lstrip("-"): value for key, value in settings}


def translated(settings):
    """These settings for uv, as variables and arguments. An index is a variable: it may hold a password."""
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
            raise PipOnly(f"pip's configuration sets {key}")
    return variables, arguments


def judge(options, settings):
    """Return uv's extra arguments. Raise PipOnly if uv reads an option of the requirements differently."""
    names = {SHORT.get(option[:2]) if option[1] != "-" else option[2:] for option in options}
    if strange := sorted(name or "an option" for name in names - ALIKE):
        raise PipOnly(f"the requirements have --{strange[0]}")
    # In pip, an index in the requirements files wins over a configured index. In uv it does not.
    if both := sorted(names & NAMES_INDEX) and sorted(NAMES_INDEX & settings.keys()):
        raise PipOnly(f"the requirements name an index, and pip's configuration sets {both[0]}")
    return ["--require-hashes"] if "hash" in names else []


def main(python, uv, wheels, options, *arguments):
    """Replace this process by uv, which installs for this Python."""
    try:
        settings = configured(places(Path.home(), Path(python).parents[1]))
        if index := os.environ.get("PIP_INDEX_URL"):
            settings["index-url"] = index
        more = judge([option for option in options.split(",") if option], settings)
        variables, configured_arguments = translated(settings)
    except PipOnly as why:
        print(f"pip installs here, not uv: {why}")
        sys.exit(PIP_ONLY)
    if Path(DEBIANS_CERTIFICATES).exists():
        variables.setdefault("SSL_CERT_FILE", DEBIANS_CERTIFICATES)
    if found := ",".join(filter(None, [variables.get("UV_FIND_LINKS"), wheels])):
        variables["UV_FIND_LINKS"] = found
    environment = {**os.environ, **ENVIRONMENT, **variables}
    command = "install"
    if arguments[0] == "compile":  # this reads pyproject.toml, where [tool.uv] counts
        command, *arguments = arguments
        environment = {name: environment[name] for name in environment if name not in THE_PROJECTS_OWN}
    argv = [uv, "pip", command, "--python", python, *more, *configured_arguments, *arguments]
    os.execve(uv, argv, environment)


if __name__ == "__main__":
    main(sys.executable, *sys.argv[1:])
