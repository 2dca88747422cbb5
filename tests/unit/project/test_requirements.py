"""Requirements files are found, their includes are followed, and packages that a site needs are added."""

import pytest
from roadie.errors import SettingsError
from roadie.project.requirements import PINS, collect, logical_lines
from roadie.project.requirements_file import candidates
from roadie.settings.databases import DATABASES
from trees import Files

MYSQL = DATABASES["mysql"]
[MYSQLCLIENT] = MYSQL.pins


def found(paths, folder=""):
    return candidates(Files(paths), folder, ("Django>=6.0,<6.1", *MYSQL.pins))[0]


def refusal(call, *args):
    with pytest.raises(SettingsError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def collected(text, **others):
    path = "requirements/prod.txt"
    more = {f"requirements/{name}.txt": text for name, text in others.items()}
    return collect(Files({path: text, **more}), path).completed(MYSQL)


# ---- Where they are


@pytest.mark.parametrize(
    ("paths", "folder", "path"),
    [
        (["requirements.txt"], "", "requirements.txt"),
        (["requirements.txt", "requirements/production.txt"], "", "requirements/production.txt"),
        (["requirements/prod.txt", "requirements/base.txt"], "", "requirements/prod.txt"),
        (["requirements.txt", "src/requirements.txt"], "src", "src/requirements.txt"),
        (["requirements.txt", "src/manage.py"], "src", "requirements.txt"),
        (["a/requirements/deploy.txt", "requirements.txt"], "a/b", "a/requirements/deploy.txt"),
        (["requirements.txt", "uv.lock"], "", "requirements.txt"),
    ],
)
def test_the_file_for_production_nearest_to_manage_py_is_taken(paths, folder, path):
    assert found(paths, folder) == path


@pytest.mark.parametrize(
    ("paths", "path"),
    [
        (["src/uv.lock", "pyproject.toml"], "src/uv.lock"),
        (["src/poetry.lock", "requirements.txt"], "src/poetry.lock"),
        (["Pipfile.lock", "pdm.lock"], "Pipfile.lock"),
        (["pylock.toml", "pyproject.toml"], "pylock.toml"),
        (["requirements/base.txt", "requirements/dev.txt"], "requirements/base.txt"),
        (["requirements-dev.txt", "requirements-prod.txt", "requirements-test.txt"], "requirements-prod.txt"),
        (["requirements_production.txt", "uv.lock"], "uv.lock"),
    ],
)
def test_without_a_file_for_production_a_lock_file_is_taken_or_the_base(paths, path):
    assert found(paths, "src") == path


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"Pipfile": ""}, "Pipfile alone does not tell what to install: run `pipenv lock`"),
        ({"pyproject.toml": "[tool.ruff]"}, "write `dependencies` under [project], or commit the lock file"),
        ({"pyproject.toml": "[tool.poetry.dependencies]\n"}, "run `poetry lock`, and commit poetry.lock"),
        ({"pyproject.toml": "[project"}, "pyproject.toml: cannot be read ("),
    ],
)
def test_a_file_that_says_too_little_is_refused_with_what_makes_it_enough(files, says):
    assert says in refusal(candidates, Files(files), "", ("Django",))


def test_without_any_file_the_lines_to_write_are_told():
    message = refusal(found, ["src/manage.py"], "src")
    assert message.startswith("no requirements file; write src/requirements.txt with the lines ")
    assert "'Django>=6.0,<6.1'" in message
    assert f"'{MYSQLCLIENT}'" in message


def test_files_of_other_names_are_told():
    message = refusal(found, ["requirements/local.txt", "requirements/dev.txt", "docs/requirements.txt"])
    assert "only requirements/dev.txt, requirements/local.txt; name the right one" in message


# ---- What they hold


def test_lines_are_those_that_pip_sees():
    text = "# all\nDjango==5.2  # the web\n\na \\\n  --hash=sha256:1 \\\n  --hash=sha256:2\nb#c\r\n"
    assert list(logical_lines(text)) == [
        (2, "Django==5.2"),
        (4, "a   --hash=sha256:1   --hash=sha256:2"),
        (7, "b#c"),
    ]
    assert list(logical_lines("a \\")) == [(1, "a")]


def test_what_a_file_includes_is_followed_from_its_own_folder():
    tree = Files(
        {
            "a/prod.txt": "-r base.txt\n--constraint=limits.txt\n-r ../common.txt\n",
            "a/base.txt": "-rmore.txt\nDjango",
            "a/more.txt": "--requirement more.txt\nCelery[redis]>=5",
            "a/limits.txt": "gunicorn==20.1",
            "common.txt": "",
        }
    )
    made = collect(tree, "a/prod.txt").completed(MYSQL)
    assert list(made.files) == ["a/prod.txt", "a/base.txt", "a/more.txt", "a/limits.txt", "common.txt"]
    assert set(made.packages) == {"django", "celery"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "Django\n-r base.txt",
            "requirements/prod.txt, line 2: no such file requirements/base.txt; is it committed?",
        ),
        ("-r ../../x.txt", "requirements/prod.txt, line 1: ../../x.txt lies outside of what is deployed"),
        ("-e ../lib", "requirements/prod.txt, line 1: ../lib lies outside"),
        ("-r /etc/x.txt", "/etc/x.txt lies outside"),
        ("file:///opt/x.whl", "/opt/x.whl lies outside"),
    ],
)
def test_what_cannot_be_deployed_is_refused_by_its_line(text, says):
    assert says in refusal(collected, text)


def test_a_file_that_is_not_utf_8_is_refused():
    text = "Django\n".encode("utf-16").decode("utf-8", "surrogateescape")
    assert "requirements/prod.txt: is not UTF-8" in refusal(collected, text)
    assert set(collected("# déjà vu\nDjango").packages) == {"django"}


def test_a_file_that_is_not_there_is_refused():
    assert refusal(collect, Files({}), "x.txt") == "x.txt: no such file; is it committed?"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Django==5.2", "django"),
        ("django", "django"),
        ("Django>=5,<6 ; python_version > '3.10'", "django"),
        ("django-environ ~= 0.11", "django-environ"),
        ("Django_Environ[x,y]==1", "django-environ"),
        ("zope.interface", "zope-interface"),
        ("django @ https://example.org/django.zip", "django"),
        ("git+https://example.org/x.git@main#egg=My_App", "my-app"),
        ("-e git+https://example.org/x.git#egg=my-app&subdirectory=y", "my-app"),
        ("gunicorn(>=20)", "gunicorn"),
        ("a --hash=sha256:00", "a"),
    ],
)
def test_a_package_is_known_by_its_name(line, name):
    made = collected(line)
    assert made.packages == {name: line}
    assert made.local == ()


@pytest.mark.parametrize(
    "line", ["-i https://x/simple", "--extra-index-url https://x", "--pre", "--no-binary :all:"]
)
def test_an_option_is_no_package(line):
    assert collected(line).packages == {}
    assert collected(line).local == ()


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("-e .", ""),
        ("--editable=./lib[extra]", "lib"),
        ("./x", "x"),
        ("./libs/x ; python_version > '3'", "libs/x"),
        ("libs/x", "libs/x"),
        ("file:x", "x"),
        ("mine @ file:x", "x"),
        ("mine @ ./x", "x"),
        ("wheels/x-1.0-py3-none-any.whl", "wheels/x-1.0-py3-none-any.whl"),
        ("x-1.0.tar.gz", "x-1.0.tar.gz"),
        ("--find-links wheels", "wheels"),
        ("-f ./wheels", "wheels"),
    ],
)
def test_what_comes_from_the_project_itself_is_found(line, path):
    assert collected(line).local == (path,)


def test_paths_start_from_the_file_or_from_above_the_folder_requirements():
    assert collect(Files({"src/requirements.txt": "./lib"}), "src/requirements.txt").local == ("src/lib",)
    assert collect(Files({"src/requirements/x.txt": "./lib"}), "src/requirements/x.txt").local == ("src/lib",)


# ---- What they lack


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("Django", (PINS["gunicorn"], MYSQLCLIENT)),
        ("Django\nGunicorn==20.1", (MYSQLCLIENT,)),
        ("gunicorn[gevent]\nPyMySQL", ()),
        ("gunicorn\nmysqlclient>=2", ()),
        ("django-gunicorn\nmysql-connector-python", (PINS["gunicorn"], MYSQLCLIENT)),
    ],
)
def test_what_the_project_lacks_to_run_is_pinned(text, pins):
    assert collected(text).pins == pins


@pytest.mark.parametrize(
    ("worker_class", "text", "pins"),
    [
        ("gthread", "", ()),
        ("uvicorn", "", ("uvicorn", "uvicorn-worker", "websockets")),
        ("uvicorn_worker.UvicornWorker", "uvicorn==0.30", ("uvicorn-worker", "websockets")),
        ("uvicorn", "uvicorn[extra, standard]==0.30", ("uvicorn-worker",)),
        ("uvicorn", "wsproto", ("uvicorn", "uvicorn-worker")),
        ("gevent", "", ("gevent", "packaging")),
        ("gevent", "gevent", ("packaging",)),
    ],
)
def test_what_a_worker_class_runs_on_is_pinned_too(worker_class, text, pins):
    required = collect(Files({"r.txt": f"gunicorn\nmysqlclient\n{text}"}), "r.txt").completed(
        MYSQL, worker_class
    )
    assert required.pins == tuple(PINS[name] for name in pins)


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("psycopg2>=2.9", ("libpq-dev",)),
        ("psycopg2-binary\npsycopg[binary]\nPillow\nlxml", ()),
        ("psycopg[c,pool]>=3\npsycopg2", ("libpq-dev",)),
        ("python-ldap", ("libldap-dev | libldap2-dev", "libsasl2-dev")),
    ],
)
def test_what_has_no_wheel_brings_the_packages_of_debian_that_it_is_built_with(text, packages):
    assert collected(text).build_packages == packages


def test_extra_requirements_count_as_the_projects_own():
    made = collected("Django").with_extra(("gunicorn==20.1", "psycopg[binary]")).completed(MYSQL)
    assert set(made.packages) == {"django", "gunicorn", "psycopg"}
    assert made.pins == (MYSQLCLIENT,)
    assert made.digest != collected("Django").completed(MYSQL).digest


@pytest.mark.parametrize(
    ("line", "started"),
    [
        ("-e lib#egg=lib", "-e ./../lib#egg=lib"),
        ("-e lib[lib]", "-e ./../lib[lib]"),
        ("-e .[dev]", "-e ./..[dev]"),
        ("./x.whl ; python_version > '3'", "./../x.whl ; python_version > '3'"),
        ("mine @ ./mine", "mine @ ./../mine"),
        # A folder that is called as a part of what stands before.
        ("-e e", "-e ./../e"),
        ("--editable=edit", "--editable=./../edit"),
        ("mine[x] @ file:mine", "mine[x] @ file:./../mine"),
        ("Django", "Django"),
    ],
)
def test_an_extra_requirement_finds_its_folder_from_where_pip_runs(line, started):
    assert collect(Files({"src/x.txt": "Django"}), "src/x.txt").with_extra((line,)).extra == (started,)


def test_the_digest_is_of_what_pip_would_do():
    same = [collected("Django==5.2\n").digest, collected("# why\n\nDjango==5.2 # this\n").digest]
    assert len(set(same)) == 1
    different = [
        same[0],
        collected("Django==5.1").digest,
        collected("Django==5.2\ngunicorn").digest,
        collected("-r base.txt", base="Django==5.2").digest,
        collected("-r base.txt", base="Django==5.1").digest,
    ]
    assert len(set(different)) == len(different)
    assert all(len(digest) == 64 for digest in different)


def test_another_pin_of_ours_is_another_digest(monkeypatch):
    before = collected("Django").digest
    monkeypatch.setitem(PINS, "gunicorn", "gunicorn==99")
    assert collected("Django").digest != before


def test_the_options_of_all_files_are_told_apart_from_what_they_are_given():
    text = (
        "-r base.txt\n--index-url=https://a/-x\nDjango==5.2 \\\n  --hash=sha256:1 # --pre\nmy--pkg\n-e ./x\n"
    )
    assert collected(text, base="lxml --config-settings=a=-b").options == (
        *("--config-settings", "--hash", "--index-url", "-e", "-r"),
    )
