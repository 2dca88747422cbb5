"""The project of the reference job, as git repositories that get one change at a time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DOMAIN = "sample.example.org"
# The requirements that measured deploys add, one each. Each is small, pure Python, and has no dependencies.
EXTRAS = (
    "six==1.17.0 idna==3.10 toml==0.10.2 pytz==2025.2 certifi==2025.8.3 packaging==25.0 attrs==25.3.0"
    " tomli==2.2.1 colorama==0.4.6 zipp==3.23.0 typing-extensions==4.14.1 sqlparse==0.5.3"
).split()
# The names under which the sample reads roadie's values. roadie makes the key and the password on the host.
SETTINGS = {
    "app": "sample",
    "domain": DOMAIN,
    "env": {"DB_HOST": "localhost"},
    "env_names": {
        "secret_key": "DJANGO_SECRET_KEY",
        "allowed_hosts": "DJANGO_ALLOWED_HOSTS",
        "db_name": "DB_NAME",
        "db_user": "DB_USER",
        "db_password": "DB_PASSWORD",
        "static_root": "STATIC_ROOT",
    },
}


@dataclass(frozen=True)
class Repository:
    """A copy of the sample in git. Every change is committed."""

    folder: Path

    @classmethod
    def copy(cls, source: Path, folder: Path) -> Repository:
        """Copy the sample and commit it."""
        shutil.copytree(source, folder, copy_function=shutil.copyfile)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.name == "manage.py" else 0o644)
        repository = cls(folder)
        repository._git("init", "-q", "-b", "main")
        repository._commit()
        return repository

    def add_roadie(self) -> None:
        """Add the two files that a user of roadie writes, and commit them."""
        (self.folder / "fabfile.py").write_text("from roadie import *\n")
        (self.folder / "fabric.yaml").write_text(json.dumps({"roadie": SETTINGS}, indent=2))
        self._commit()

    @property
    def revision(self) -> int:
        """The number that the page shows."""
        return int(re.findall(r'^REVISION = "(\d+)"$', self._views.read_text(), re.M)[0])

    def change_line(self) -> None:
        """Commit the next revision. It changes one line of one file."""
        before, after = f'REVISION = "{self.revision}"', f'REVISION = "{self.revision + 1}"'
        self._views.write_text(self._views.read_text().replace(before, after))
        self._commit()

    def append(self, name: str, text: str) -> None:
        """Commit more text at the end of a file."""
        with (self.folder / name).open("a") as file:
            file.write(text)
        self._commit()

    def add_requirement(self) -> None:
        """Commit one more requirement, and the next revision, by which a page shows the new release."""
        path = self.folder / "requirements.txt"
        asked = path.read_text().split()
        path.write_text("\n".join([*asked, next(extra for extra in EXTRAS if extra not in asked), ""]))
        self.change_line()

    @property
    def _views(self) -> Path:
        return self.folder / "notes/views.py"

    def _commit(self) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "Change")

    def _git(self, *words: str) -> None:
        who = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", self.folder, *who, *words], check=True)
