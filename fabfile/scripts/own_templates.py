"""Refuses templates of the user that nothing reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from ..errors import SettingsError
from ..settings.kinds import nearest

#: the ends of the names of templates; other files, such as a README, are left alone
_ENDS = (".j2", ".sh", ".py", ".html", ".conf")

#: roadie reads this file before it knows the user's templates
_ONLY_OURS = "frame/wrap.sh"


def refuse_strays(folder: Path, ours: Path, of_stages: Collection[str]) -> None:
    """Refuse a template that replaces none of roadie's and that neither a stage nor another template names.

    roadie would ignore such a file without a word. Folders that roadie does not have may hold anything.
    """
    known = {path.relative_to(ours).as_posix() for path in ours.rglob("*") if path.is_file()}
    theirs = {path.relative_to(folder).as_posix(): path for path in _templates(folder)}
    if path := theirs.get(_ONLY_OURS):
        raise SettingsError(
            f"{path}: roadie never reads another {_ONLY_OURS} than its own; take the file out"
        )
    texts = [path.read_text("utf-8", "replace") for path in theirs.values()]
    for name, path in sorted(theirs.items()):
        is_in_ours = "/" not in name or (ours / name.partition("/")[0]).is_dir()
        if not is_in_ours or name in known or name in of_stages:
            continue
        if not any(path.name in text for text in texts):
            near = _near(name, known)
            hint = f"did you mean {near}?" if near else "docs/extending.rst says what they are called"
            raise SettingsError(f"{path}: replaces no template of roadie's, and no stage has it; {hint}")


def _templates(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in _ENDS and path.is_file() and not path.name.startswith("."):
            yield path


def _near(name: str, known: Collection[str]) -> str:
    """The template of roadie that a name may mean: the same name in another folder, or a similar one."""
    file = Path(name).name.removesuffix(".j2")
    same = [one for one in sorted(known) if Path(one).name.removesuffix(".j2") == file]
    in_folder = [one for one in sorted(known) if one.startswith(f"{file.partition('.')[0]}/")]
    return next(iter(same), "") or nearest(name, known) or next(iter(in_folder), "")
