"""roadie learns from its files what a Django project is. Where it cannot, one line says what to write."""

import projects
import pytest
from roadie.errors import SettingsError
from roadie.git.trees import CommitTree, FolderTree
from roadie.project.completion import complete
from roadie.project.reading import faults, read, refuse_unsupported
from roadie.project.requirements import PINS
from roadie.settings.databases import DATABASES
from shops import MANAGE, project, refusal, settings, shop
from trees import Files

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("0a" * 32)


# ---- Whole projects


def test_an_unedited_startproject_is_known(tmp_path):
    folder = projects.startproject(tmp_path, "mysite")
    for tree in (FolderTree(folder), CommitTree(folder, "HEAD")):
        made = read(tree, settings())
        assert (made.manage_dir, made.ship_root, made.name) == ("", "", "mysite")
        assert (made.settings_module, made.wsgi_module) == ("mysite.settings", "mysite.wsgi")
        assert (made.wsgi_callable, made.celery.app) == ("application", "")
        assert (made.requirements.path, made.requirements.folder) == ("requirements.txt", "")
        assert not made.needs_tree
        assert made.requirements.pins == (PINS["gunicorn"], *DATABASES["mysql"].pins)
        assert made.django.told == "Django 5.2.19"
        assert made.origins["DEBUG"] == made.origins["DATABASES"] == "startproject"
        assert made.origins["STATIC_ROOT"] == "absent"
        done = complete(settings(), made)
        assert (done.app, done.static_url, done.media_url) == ("mysite", "/static/", "/media/")


def test_an_unedited_startproject_without_requirements_is_told_the_lines_to_write(tmp_path):
    projects.startproject(tmp_path)
    (tmp_path / "requirements.txt").unlink()
    with pytest.raises(SettingsError, match=r"write requirements.txt with the lines 'Django>=5.2,<5.3' and"):
        read(FolderTree(tmp_path), settings())


def test_a_project_of_another_shape_is_known():
    example = projects.EXAMPLES / "newsdesk"
    wanted = settings(project="src", settings_module="config.settings.production")
    made = read(FolderTree(example), wanted)
    assert (made.manage_dir, made.ship_root, made.wsgi_module) == ("src", "", "config.wsgi")
    assert made.requirements.path == "requirements/production.txt"
    assert list(made.requirements.files) == ["requirements/production.txt", "requirements/base.txt"]
    assert made.requirements.pins == ()
    assert made.origins["SECRET_KEY"] == made.origins["DATABASES"] == made.origins["LOGGING"] == "own"
    assert complete(wanted, made).static_url == "/assets/"


def test_a_project_that_names_two_settings_is_asked_which():
    with pytest.raises(SettingsError) as caught:
        read(FolderTree(projects.EXAMPLES / "newsdesk"), settings())
    assert str(caught.value) == (
        "manage.py names config.settings.local and src/config/wsgi.py config.settings.production; write the "
        "one for production in fabric.yaml, for example `settings_module: config.settings.production`"
    )


# ---- manage.py


@pytest.mark.parametrize("folder", ["", "src/", "a/b/"])
def test_manage_py_is_found_two_folders_down(folder):
    made = project(shop(folder))
    assert made.manage_dir == folder.rstrip("/")
    assert made.ship_root == made.manage_dir


def test_a_manage_py_at_the_top_wins():
    assert project({**shop(), **shop("example/")}).manage_dir == ""


def test_of_several_manage_py_a_person_must_choose():
    message = refusal({**shop("a/"), **shop("b/c/")})
    assert message.startswith("a/manage.py and b/c/manage.py: which one? Write `project: a`")
    assert project({**shop("a/"), **shop("b/c/")}, project="b/c").manage_dir == "b/c"


def test_of_several_manage_py_the_one_with_a_settings_module_is_taken():
    assert project({**shop("a/", **{"shop/settings.py": None}), **shop("b/c/")}).manage_dir == "b/c"


def test_requirements_are_looked_for_beside_manage_py_also_if_something_else_is_wrong():
    files = shop("src/", **{"shop/settings.py": "def f(:"})
    assert len(faults(Files(files), settings())) == 1
    assert len(faults(Files({**shop("a/"), **shop("b/")}), settings())) == 1
    assert len(faults(Files({}), settings())) == 2


def test_what_was_chosen_of_several_requirements_is_told_and_another_can_be_named():
    files = {**shop(), "uv.lock": "", "pyproject.toml": "[project]\nname = 'shop'\ndependencies = []\n"}
    told = "requirements: requirements.txt; `requirements:` names another: uv.lock, pyproject.toml"
    assert project(files).requirements_told == told
    assert project(shop()).requirements_told == ""
    made = project(files, requirements="uv.lock")
    assert made.requirements_told.startswith("requirements: uv.lock, by `uv export --frozen")
    assert (made.requirements.tool, made.requirements.folder) == ("uv", "")


def test_a_manage_py_that_is_not_djangos_does_not_count():
    assert project({**shop("src/"), "manage.py": "import flask"}).manage_dir == "src"


def test_a_manage_py_that_leaves_django_to_another_module_is_found_by_its_wsgi_py():
    wsgi = MANAGE.format("'shop.settings'")
    made = project(shop(**{"manage.py": "import runpy\nrunpy.run_module('shop')", "shop/wsgi.py": wsgi}))
    assert (made.manage_dir, made.settings_module) == ("", "shop.settings")


def test_a_project_without_manage_py_is_refused():
    assert refusal({}).startswith("no manage.py of Django here or up to two folders down")
    assert refusal(shop("a/b/c/")).startswith("no manage.py of Django here")
    assert project(shop("a/b/c/"), project="a/b/c").manage_dir == "a/b/c"
    assert refusal(shop(), project="src").startswith("src/manage.py: no such file; is it committed")
    assert project(shop(), project=".").manage_dir == ""


# ---- The settings module


def test_manage_py_may_assign_what_it_names():
    made = project(shop(**{"manage.py": "os.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings'  # django"}))
    assert made.settings_module == "shop.settings"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (MANAGE.format("f'shop.{stage}'"), "is worked out"),
        (MANAGE.format("os.environ.get('X', 'shop.settings')"), "is worked out"),
        (MANAGE.format("'a'") + MANAGE.format("'b'"), "is worked out"),
        ("import django", "is not set"),
    ],
)
def test_a_manage_py_that_does_not_say_is_asked_for_the_setting(text, how):
    message = refusal(shop(**{"manage.py": text, "shop/settings_test.py": "X = 1"}))
    assert message == (
        f"manage.py: DJANGO_SETTINGS_MODULE {how} there; write `settings_module:` in fabric.yaml with one of "
        "shop.settings, shop.settings_test"
    )
    assert refusal(shop(**{"manage.py": text, "shop/settings.py": None})).endswith("one of mysite.settings")
    assert (
        project(shop(**{"manage.py": text}), settings_module="shop.settings").settings_module
        == "shop.settings"
    )


@pytest.mark.parametrize("text", ["import django", MANAGE.format("'shop.local'")])
def test_wsgi_py_names_the_settings_if_manage_py_names_none_that_are_there(text):
    files = shop(**{"manage.py": text, "shop/wsgi.py": MANAGE.format("'shop.live'"), "shop/live.py": "X = 1"})
    assert project(files).settings_module == "shop.live"
    assert "`settings_module:`" in refusal({**files, "shop/asgi.py": MANAGE.format("'shop.settings'")})


def test_settings_that_are_not_there_are_told():
    message = refusal(shop("src/", **{"shop/settings.py": None}))
    assert message == (
        "settings module shop.settings, named by manage.py: no src/shop/settings.py and no "
        "src/shop/settings/__init__.py; is it committed? Else write `settings_module:` in fabric.yaml"
    )
    others = {
        "shop/settings.py": None,
        "shop/settings/base.py": "X = 1",
        "shop/settings/dev.py": "X = 1",
        "shop/settings/__init__.py": "",
    }
    message = refusal(shop(**{"manage.py": MANAGE.format("'shop.settings.x'"), **others}))
    assert message.endswith("with one of shop.settings.base, shop.settings.dev")
    assert "named by `settings_module:`" in refusal(shop(), settings_module="shop.live")


each_example = pytest.mark.parametrize(
    "example",
    ["settings.py.example", "settings.example.py", "settings_example.py", "settings.py.prod.sample"],
)


@each_example
def test_only_a_module_that_python_can_import_is_proposed_as_settings(example):
    said = refusal(shop(**{"shop/settings.py": None, f"shop/{example}": "X = 1"}))
    assert ("with one of shop.settings_example" in said) == (example == "settings_example.py")
    assert ("with one of" in said) == (example == "settings_example.py")


@each_example
def test_an_example_of_settings_that_are_not_in_git_says_what_to_write(example):
    files = shop(**{"shop/settings.py": None, f"shop/{example}": "", "shop/settings.py.dev.sample": ""})
    cure = (
        f"shop/{example} lies beside: copy it to deploy/settings.py, fill it in, and write "
        "`files: {shop/settings.py: deploy/settings.py}`, or write `settings_module:` in fabric.yaml"
    )
    assert cure in refusal(files)


def test_a_module_that_only_another_python_can_read_is_left_to_the_deploy():
    files = shop(**{"shop/settings.py": "from .tools import *\nfrom .words import DEBUG\nX = 1"})
    files |= {"shop/tools.py": "def f(:", "shop/words.py": "def f(:"}
    made = project(files)
    assert (made.origins["DEBUG"], made.origins["ALLOWED_HOSTS"]) == ("unread", "unread")
    assert "shop/settings.py, line 1: is not Python" in refusal(shop(**{"shop/settings.py": "def f(:"}))


def test_settings_that_only_a_newer_python_can_read_are_judged_by_their_values():
    files = shop(**{"shop/settings.py": "def f(:", "pyproject.toml": "[project]\nrequires-python = '>=3.19'"})
    made = project(files)
    assert {*made.origins.values()} == {"unread"}
    [warning] = made.forewarnings
    assert warning.startswith("shop/settings.py, line 1: is not Python as 3.")
    assert warning.endswith("so roadie cannot warn of anything in the settings; run fab with a newer Python")


def test_a_manage_py_that_is_not_python_is_one_line():
    assert refusal(shop(**{"manage.py": "print 'django'"})).startswith(
        "manage.py, line 1: is not Python as 3."
    )


def test_wsgi_py_that_assigns_is_left_to_the_gate():
    wsgi = "os.environ['DJANGO_SETTINGS_MODULE'] = 'shop.live'"
    assert project(shop(**{"shop/wsgi.py": wsgi, "shop/live.py": ""})).settings_module == "shop.settings"


# ---- The wsgi module


def test_the_wsgi_module_is_named_through_star_imports():
    made = project(
        shop(**{
            "shop/settings.py": "from .base import *",
            "shop/base.py": "WSGI_APPLICATION = 'served.by.app'",
            "served/by.py": "",
        })
    )  # fmt: skip
    assert (made.wsgi_module, made.wsgi_callable) == ("served.by", "app")


@pytest.mark.parametrize("path", ["shop/conf/wsgi.py", "shop/wsgi.py", "wsgi.py"])
@pytest.mark.parametrize("line", ["", "WSGI_APPLICATION = None"])
def test_the_wsgi_module_is_found_beside_the_settings(path, line):
    files = shop(**{"shop/wsgi.py": None, "shop/conf/live.py": line, path: ""})
    made = project(files, settings_module="shop.conf.live")
    assert made.wsgi_module == path.removesuffix(".py").replace("/", ".")


def test_without_a_wsgi_module_djangos_own_application_is_meant():
    files = shop(**{"shop/wsgi.py": None, "shop/settings.py": ""})
    assert project(files).wsgi_module == ""


def test_the_module_beside_the_settings_is_meant_if_the_text_does_not_tell():
    files = shop(**{"shop/settings.py": "try:\n    from .live import *\nexcept ImportError:\n    pass"})
    assert project({**files, "shop/live.py": "WSGI_APPLICATION = 'x.y'"}).wsgi_module == "shop.wsgi"


def test_the_setting_names_module_and_callable():
    made = project(shop(**{"other.py": ""}), wsgi="other:app")
    assert (made.wsgi_module, made.wsgi_callable) == ("other", "app")


@pytest.mark.parametrize(
    ("files", "values", "says"),
    [
        (
            {"shop/wsgi.py": None},
            {},
            "wsgi module shop.wsgi:application, named by WSGI_APPLICATION in shop.settings",
        ),
        ({}, {"wsgi": "other"}, "wsgi module other, named by `wsgi:`, is not there"),
        (
            {"shop/settings.py": "WSGI_APPLICATION = find()", "shop/wsgi.py": None},
            {},
            "shop.settings: WSGI_APPLICATION is worked out",
        ),
        (
            {"shop/settings.py": "if x:\n WSGI_APPLICATION = 'a.b'", "shop/wsgi.py": None},
            {},
            "WSGI_APPLICATION is worked out",
        ),
    ],
)
def test_a_wsgi_module_that_is_not_there_is_told(files, values, says):
    assert says in refusal(shop(**files), **values)


# ---- Requirements and what ships


def test_what_ships_holds_manage_py_and_all_requirements():
    below = {"backend/" + path: text for path, text in shop("src/", **{"requirements.txt": None}).items()}
    files = {
        **below,
        "backend/requirements/prod.txt": "-r base.txt",
        "backend/requirements/base.txt": "Django",
    }
    made = project({**files, "README": ""}, project="backend/src")
    assert (made.ship_root, made.requirements.path) == ("backend", "backend/requirements/prod.txt")
    assert made.requirements.folder == "backend"


def test_a_requirement_from_the_tree_needs_the_tree():
    made = project({**shop("src/", **{"requirements.txt": None}), "requirements.txt": "Django\n-e ./lib"})
    assert (made.needs_tree, made.ship_root) == (True, "")
    assert not project(shop()).needs_tree


PACKAGED = '[project]\nname = "shop"\ndependencies = ["Django"]\n[build-system]\nrequires = ["hatchling"]\n'
IN_SRC = {
    "requirements.txt": None,
    "shop/settings.py": None,
    "src/shop/__init__.py": "",
    "src/shop/settings.py": "",
}


SITE = shop("site/", **{"requirements.txt": None})


@pytest.mark.parametrize(
    ("files", "values", "places"),
    [
        (shop(), {}, ()),
        (shop(**{"pyproject.toml": PACKAGED}), {}, ()),
        (shop(**IN_SRC, **{"pyproject.toml": PACKAGED}), {}, ("code/src",)),
        (shop(**{**IN_SRC, "requirements.txt": "Django"}), {}, ("code/src",)),
        (SITE | {"pyproject.toml": PACKAGED}, {}, ()),
        (SITE | {"pyproject.toml": PACKAGED, "shop_core/__init__.py": ""}, {}, ("code",)),
        (
            SITE | {"pyproject.toml": f"{PACKAGED}[tool.uv]\npackage = false\n", "shop_core/__init__.py": ""},
            {},
            (),
        ),
        (shop("site/") | {"pyproject.toml": PACKAGED}, {}, ()),
        (
            shop(**{"requirements.txt": "-e ./lib\n-e git+https://a/x\n./other", "lib/hi.py": ""}),
            {},
            ("code/lib",),
        ),
        (
            shop("sandbox/") | {"src/oscar/__init__.py": ""},
            {"extra_requirements": ["-e .[test]", "psycopg"]},
            ("code/src",),
        ),
        (shop(), {"extra_requirements": ["-e ."]}, ("code",)),
    ],
)
def test_the_projects_own_modules_are_found_where_its_tool_would_install_them_from(files, values, places):
    assert project(files, **values).import_places == places


@pytest.mark.parametrize(
    ("files", "keeps"),
    [
        (["libs/hi/src/hi/__init__.py", "libs/hi/setup.py"], True),
        (["libs/hi/hi/__init__.py", "libs/hi/tests/__init__.py"], True),
        (["libs/hi/python/hi/__init__.py", "libs/hi/tests/__init__.py", "libs/hi/setup.py"], False),
    ],
)
def test_a_folder_stays_editable_if_it_is_known_where_its_modules_lie(files, keeps):
    files = shop(**dict.fromkeys(files, ""))
    assert project(files, extra_requirements=["-e libs/hi"]).keeps_editable is keeps
    assert not project(files, extra_requirements=["./libs/hi"]).keeps_editable


def test_a_path_of_the_settings_starts_in_the_folder_of_fabric_yaml():
    files = shop("site/") | {"libs/greeting/setup.py": ""}
    made = project(files, extra_requirements=["-e .[test]", "./libs/greeting", "hi @ ./libs/greeting", "six"])
    assert made.requirements.extra == (
        "-e ./..[test]",
        "./../libs/greeting",
        "hi @ ./../libs/greeting",
        "six",
    )
    assert (made.needs_tree, made.ship_root) == (True, "")
    assert "lies outside" in refusal(files, extra_requirements=["-e .."])


def test_another_interpreter_is_another_virtualenv():
    named = ("python3", "3.13", "3.12", "/opt/python/bin/python3.13", "/opt/other/bin/python3.13")
    digests = {project(shop(), python=name).requirements_digest for name in named}
    assert len(digests) == len(named)


def test_the_setting_names_the_requirements():
    files = {**shop(), "needs/live.txt": "Django==6.0\ngunicorn\nmysqlclient"}
    made = project(files, requirements="needs/live.txt")
    assert (made.requirements.path, made.django.told, made.requirements.pins) == (
        "needs/live.txt",
        "Django 6.0",
        (),
    )
    assert refusal(files, requirements="nothing.txt") == "nothing.txt: no such file; is it committed?"


@pytest.mark.parametrize(
    ("head", "django"),
    [
        ("using Django 6.0.1.", "Django>=6.0,<6.1"),
        ("using Django 4.2.", "Django>=4.2,<4.3"),
        ("", "Django>=5.2,<5.3"),
    ],
)
def test_the_django_to_write_is_the_one_that_made_the_project(head, django):
    files = shop(**{"shop/settings.py": f'"""{head}"""', "requirements.txt": None})
    assert f"'{django}'" in refusal(files)


# ---- Redis


def test_a_variable_of_redis_is_told_where_no_redis_is():
    files = shop(**{"shop/settings.py": "import os\nURL = os.environ['REDIS_URL']\n"})
    [told] = project(files).forewarnings
    assert "read REDIS_URL from the environment" in told and "`redis: true`" in told
    assert project(files, redis=True).forewarnings == ()


# ---- Settings that the project completes


@pytest.mark.parametrize(
    ("package", "root", "name"),
    [
        ("shop", "/x/y", "shop"),
        ("My_Shop2", "/x/y", "my_shop2"),
        ("_shop_", "/x/y", "shop"),
        ("config", "/x/Corner Shop", "corner-shop"),
        ("core", "/x/2nd.shop", "nd-shop"),
        ("a" * 40, "/x/y", "a" * 26),
    ],
)
def test_a_site_is_called_after_the_project(package, root, name):
    files = shop(**{"manage.py": MANAGE.format(f"'{package}.settings'"), f"{package}/settings.py": ""})
    wanted = settings(root=root)
    assert complete(wanted, read(Files(files), wanted)).app == name


@pytest.mark.parametrize(
    ("package", "says"), [("mysql", "belongs to the system"), ("___", "must be 1 to 26")]
)
def test_a_project_whose_name_cannot_be_is_asked_for_another(package, says):
    files = shop(**{"manage.py": MANAGE.format(f"'{package}.settings'"), f"{package}/settings.py": ""})
    with pytest.raises(
        SettingsError, match=rf"^the project's name: .*{says}.*; write `app:` in fabric.yaml$"
    ):
        complete(settings(), project(files))
    assert complete(settings(app="shop"), project(files)).app == "shop"


@pytest.mark.parametrize(
    ("line", "static"),
    [
        ("STATIC_URL = 'assets/'", "/assets/"),
        ("STATIC_URL = '/a/b/'", "/a/b/"),
        ("STATIC_URL = 'https://cdn.example.org/x/'", "/static/"),
        ("STATIC_URL = get()", "/static/"),
        ("STATIC_URL = '/'", "/static/"),
        ("", "/static/"),
    ],
)
def test_nginx_serves_what_the_project_says(line, static):
    files = shop(**{"shop/settings.py": line})
    made = project(files)
    assert complete(settings(), made).static_url == static
    assert complete(settings(static_url="/mine/"), made).static_url == "/mine/"
    given = settings(django={"STATIC_URL": "assets/"})
    assert complete(given, read(Files(files), given)).static_url == "/assets/"


def test_static_files_inside_of_uploads_are_refused():
    made = project(shop(**{"shop/settings.py": "STATIC_URL = '/media/static/'"}))
    with pytest.raises(SettingsError, match=r"^the project's settings: .* lie in each other"):
        complete(settings(), made)


# ---- What cannot be deployed yet


@pytest.fixture
def odd(tmp_path):
    """Makes and reads a project below src/, with a submodule and an LFS pointer at these paths."""

    def make(submodule="", pointer=""):
        for path, text in {**shop("src/"), **({pointer: LFS} if pointer else {})}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        head = projects.git_repo(tmp_path)
        if submodule:
            projects.git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{head},{submodule}")
            projects.git(tmp_path, "commit", "-q", "-m", "A submodule")
        tree = CommitTree(tmp_path, "HEAD")
        refuse_unsupported(tree, read(tree, settings()))

    return make


def test_a_submodule_in_what_ships_is_refused(odd):
    with pytest.raises(
        SettingsError, match=r"^src/lib/x: submodules are not supported yet; commit its files"
    ):
        odd(submodule="src/lib/x")


def test_an_lfs_pointer_in_what_ships_is_refused(odd):
    with pytest.raises(
        SettingsError, match=r"^src/big.bin: Git LFS is not supported yet, .*; commit the file"
    ):
        odd(pointer="src/big.bin")


def test_what_does_not_ship_may_be_anything(odd):
    odd(submodule="docs/theme", pointer="docs/film.mp4")


# ---- Settings for developers beside those for production


@pytest.mark.parametrize(
    ("named", "beside"),
    [
        ("shop.settings.dev", "shop.settings.production"),
        ("shop.settings.local", "shop.settings.prod"),
        ("shop.settings_development", "shop.settings_live"),
        ("shop.local_settings", "shop.production_settings"),
        ("dev", "prod"),
        ("shop.settings.base", "shop.settings.production"),
    ],
)
def test_settings_for_developers_beside_those_for_production_are_a_question(named, beside):
    files = shop(
        **{
            "shop/settings.py": None,
            "shop/settings/__init__.py": "",
            "manage.py": MANAGE.format(repr(named)),
        },
        **{f"{one.replace('.', '/')}.py": "" for one in (named, beside)},
    )
    assert refusal(files) == (
        f"manage.py names {named}, and {beside} lies beside it; "
        f"write the one for production in fabric.yaml, for example `settings_module: {beside}`"
    )
    for chosen in (named, beside):
        assert project(files, settings_module=chosen).settings_module == chosen
    del files[f"{beside.replace('.', '/')}.py"]
    assert project(files).settings_module == named


def test_a_settings_package_that_imports_those_for_developers_is_a_question_too():
    files = shop(
        **{
            "shop/settings.py": None,
            "shop/settings/__init__.py": "from .local import *",
            "shop/settings/local.py": "",
            "shop/settings/production.py": "",
        }
    )
    assert "manage.py names shop.settings, which imports shop.settings.local, " in refusal(files)
    files["shop/settings/__init__.py"] = "try:\n    from .local import *\nexcept ImportError:\n    pass"
    assert project(files).settings_module == "shop.settings"
    files["shop/settings/__init__.py"] += (
        "\ntry:\n    from .local import *\nexcept:\n    from .production import *"
    )
    assert "which imports shop.settings.local, " in refusal(files)


# ---- What is shared ---------------------------------------------------------------------------------


def test_a_shared_path_is_a_folder_unless_the_commit_or_its_name_says_otherwise():
    tree = Files(shop(**{"index/.gitkeep": "", "counter": "7", "v1.2/.gitkeep": ""}))
    paths = ["index", "counter", "v1.2", "cache", "data/state.json", ".cache"]
    found = read(tree, settings(shared=paths))
    assert found.shared_places == ("index/", "counter", "v1.2/", "cache/", "data/state.json", ".cache/")


def test_what_ships_holds_the_places_of_what_is_shared():
    tree = Files(shop("site/"))
    assert read(tree, settings()).ship_root == "site"
    found = read(tree, settings(shared=["site/index"]))
    assert (found.ship_root, found.shared_places) == ("site", ("index/",))
    found = read(tree, settings(shared=["var/index"]))
    assert (found.ship_root, found.shared_places) == ("", ("var/index/",))


@pytest.mark.parametrize(("path", "held"), [("shop", "shop/__init__.py"), ("reqs", "reqs/prod.txt")])
def test_a_shared_folder_that_holds_what_makes_a_release_is_refused(path, held):
    tree = Files(shop(**{"reqs/prod.txt": "Django==5.2\ngunicorn\nmysqlclient\n"}))
    with pytest.raises(SettingsError, match=f"^shared: {path} holds {held}, which belongs to a release"):
        read(tree, settings(shared=[path], requirements="reqs/prod.txt"))
