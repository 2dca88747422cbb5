"""Every wrong settings file is one line: where, what, and what to do."""

# ruff: noqa: E501 - a line that a person sees stands in one piece

import pytest
from invoke import Context
from roadie.errors import SettingsError
from roadie.settings.config import Config
from roadie.settings.reading import read

# What stands in the file, and the line that a person sees.
WRONG = {
    "empty": (
        "",
        "fabric.yaml, roadie.domain: is not set; write the name that visitors type, for example `domain: www.example.org`",
    ),
    "comment only": (
        "# nothing\n",
        "fabric.yaml, roadie.domain: is not set; write the name that visitors type, for example `domain: www.example.org`",
    ),
    "list at top": (
        "- roadie\n",
        "fabric.yaml: must be a mapping, with lines such as `roadie:`",
    ),
    "text at top": (
        "roadie\n",
        "fabric.yaml: must be a mapping, with lines such as `roadie:`",
    ),
    "roadie empty": (
        "roadie:\n",
        "fabric.yaml, roadie.domain: is not set; write the name that visitors type, for example `domain: www.example.org`",
    ),
    "roadie a list": (
        "roadie: [domain]\n",
        "fabric.yaml, roadie: must be a mapping, not a list; write lines such as `domain: www.example.org` below it",
    ),
    "roadie text": (
        "roadie: www.example.org\n",
        "fabric.yaml, roadie: must be a mapping, not 'www.example.org'; write lines such as `domain: www.example.org` below it",
    ),
    "tab": (
        "roadie:\n\tdomain: www.example.org\n",
        "fabric.yaml line 2, column 1: found character '\\t' that cannot start any token; indent with spaces, not with tabs",
    ),
    "doubled": (
        "roadie:\n  domain: a.org\n  domain: b.org\n",
        "fabric.yaml line 3, column 3: the key domain is in line 2 already; leave one out",
    ),
    "doubled nested": (
        "roadie:\n  domain: a.org\n  env:\n    A: x\n    B: y\n    A: z\n",
        "fabric.yaml line 6, column 5: the key A is in line 4 already; leave one out",
    ),
    "doubled roadie": (
        "roadie:\n  domain: a.org\nroadie:\n  app: x\n",
        "fabric.yaml line 3, column 1: the key roadie is in line 1 already; leave one out",
    ),
    "anchor unknown": (
        "roadie: {domain: *site}\n",
        "fabric.yaml line 1, column 18: found undefined alias 'site'; put a value that begins with * in quotes",
    ),
    "unclosed quote": (
        "roadie:\n  domain: 'a.org\n",
        "fabric.yaml line 3, column 1: found unexpected end of stream; close the quote that is open",
    ),
    "unclosed list": (
        "roadie:\n  domain: [a.org\n",
        "fabric.yaml line 3, column 1: expected ',' or ']', but got '<stream end>'; close the list with ]",
    ),
    "indent": (
        "roadie:\n  domain: a.org\n app: x\n",
        "fabric.yaml line 3, column 2: expected <block end>, but found '<block mapping start>'; indent it as the lines before it",
    ),
    "colon": (
        "roadie:\n  domain: a.org: b\n",
        "fabric.yaml line 2, column 16: mapping values are not allowed here; put a text with ': ' in quotes, or indent the line as those before it",
    ),
    "two documents": (
        "roadie: {domain: a.org}\n---\nx: 1\n",
        "fabric.yaml line 2, column 1: but found another document; keep one document, and take the line --- out",
    ),
    "python tag": (
        "roadie: {domain: !!python/object:os.system x}\n",
        "fabric.yaml line 1, column 18: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'; write plain values, without !!",
    ),
    "no colon": (
        "roadie:\n  domain a.org\n",
        "fabric.yaml, roadie: must be a mapping, not 'domain a.org'; write lines such as `domain: www.example.org` below it",
    ),
    "no space": (
        "roadie:\n  domain:a.org\n",
        "fabric.yaml, roadie: must be a mapping, not 'domain:a.org'; write lines such as `domain: www.example.org` below it",
    ),
    "unknown key": (
        "roadie: {domian: a.org}\n",
        "fabric.yaml, roadie.domian: unknown setting (did you mean domain?)",
    ),
    "key not under roadie": (
        "domain: a.org\n",
        "the settings: domain stands at the top; indent it below a line `roadie:`",
    ),
    "key capital": (
        "Roadie: {domain: a.org}\n",
        "the settings: write `roadie:` in small letters, not `Roadie:`",
    ),
    "number key": (
        "roadie: {domain: a.org, 5: x}\n",
        "the settings of Fabric: the name 5 must be text; put it in quotes",
    ),
    "domain scheme": (
        "roadie: {domain: 'https://a.org/'}\n",
        "fabric.yaml, roadie.domain: 'https://a.org/' is an address; write only the name: a.org",
    ),
    "domain port": (
        "roadie: {domain: 'a.org:8000'}\n",
        "fabric.yaml, roadie.domain: 'a.org:8000' has a port; write only the name: a.org",
    ),
    "domain underscore": (
        "roadie: {domain: my_site.org}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'my_site.org'; no '_' may stand in it",
    ),
    "domain long label": (
        "roadie: {domain: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.org}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'; a part between dots has 63 letters at most",
    ),
    "domain path": (
        "roadie: {domain: a.org/shop}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'a.org/shop'; write only the name: a.org",
    ),
    "domain number": (
        "roadie: {domain: 5}\n",
        "fabric.yaml, roadie.domain: must be a host name, or a list of them, not 5",
    ),
    "domain mapping": (
        "roadie: {domain: {a.org: 1}}\n",
        "fabric.yaml, roadie.domain: must be a host name, or a list of them, not a mapping",
    ),
    "domain wildcard": (
        "roadie: {domain: '*.a.org'}\n",
        "fabric.yaml, roadie.domain: begins with '*.a.org'; write first the name under which the site itself is "
        "found, such as example.org",
    ),
    "domain umlaut": (
        "roadie: {domain: käse.de}\n",
        "fabric.yaml, roadie.domain: 'käse.de' is not ASCII; write it as DNS has it: xn--kse-qla.de",
    ),
    "domain twice": (
        "roadie: {domain: [a.org, A.org]}\n",
        "fabric.yaml, roadie.domain: names 'a.org' twice; leave one out",
    ),
    "domain space": (
        "roadie: {domain: 'a.org b.org'}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'a.org b.org'; write several names as a list: [a.org, b.org]",
    ),
    "domain email": (
        "roadie: {domain: me@a.org}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'me@a.org'; write only the name: a.org",
    ),
    "domain empty list": (
        "roadie: {domain: []}\n",
        "fabric.yaml, roadie.domain: must be a host name, or a list of them; at least 1 is needed",
    ),
    "domain dot": (
        "roadie: {domain: a.org.}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'a.org.'; write only the name: a.org",
    ),
    "domain list in list": (
        "roadie: {domain: [[a.org]]}\n",
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not a list",
    ),
    "app capital": (
        "roadie: {domain: a.org, app: MySite}\n",
        "fabric.yaml, roadie.app: must be 1 to 26 small letters, digits, '-' or '_', a letter first, not 'MySite'; for example 'guestbook'",
    ),
    "app root": (
        "roadie: {domain: a.org, app: nginx}\n",
        "fabric.yaml, roadie.app: 'nginx' belongs to the system; choose another name, for example 'my-nginx'",
    ),
    "workers octal": (
        "roadie: {domain: a.org, workers: 010}\n",
        "fabric.yaml line 1, column 34: roadie.workers: 010 is the number 8 to YAML; write 8, or what you mean in plain decimal",
    ),
    "workers huge": (
        "roadie: {domain: a.org, workers: 99999999999999999999}\n",
        "fabric.yaml, roadie.workers: must be a whole number from 1 to 64, not 99999999999999999999",
    ),
    "workers text": (
        "roadie: {domain: a.org, workers: four}\n",
        "fabric.yaml, roadie.workers: must be a whole number from 1 to 64, not 'four'",
    ),
    "workers float": (
        "roadie: {domain: a.org, workers: 2.5}\n",
        "fabric.yaml, roadie.workers: must be a whole number from 1 to 64, not 2.5",
    ),
    "workers negative": (
        "roadie: {domain: a.org, workers: -1}\n",
        "fabric.yaml, roadie.workers: must be a whole number from 1 to 64, not -1",
    ),
    "env nothing": (
        "roadie: {domain: a.org, env: {A: }}\n",
        'fabric.yaml, roadie.env.A: must be text, not nothing; put it in quotes ("" for an empty one)',
    ),
    "django octal": (
        "roadie: {domain: a.org, django: {ZIP: 01067}}\n",
        "fabric.yaml line 1, column 39: roadie.django.ZIP: 01067 is the number 567 to YAML; put it in quotes",
    ),
    "django no": (
        "roadie: {domain: a.org, django: {COUNTRY: NO}}\n",
        "fabric.yaml line 1, column 43: roadie.django.COUNTRY: NO is false to YAML; put it in quotes, or write false",
    ),
    "env null": (
        "roadie: {domain: a.org, env: {D: }}\n",
        'fabric.yaml, roadie.env.D: must be text, not nothing; put it in quotes ("" for an empty one)',
    ),
    "env list": (
        "roadie: {domain: a.org, env: [A=1]}\n",
        "fabric.yaml, roadie.env: must be a mapping of names to text, not a list",
    ),
    "env lower": (
        "roadie: {domain: a.org, env: {my-key: x}}\n",
        "fabric.yaml, roadie.env.my-key: is no name of an environment variable; use letters, digits and '_'",
    ),
    "date value": (
        "roadie: {domain: a.org, keep: 2026-01-01}\n",
        "fabric.yaml, roadie.keep: must be a whole number from 1 to 100, not the date 2026-01-01",
    ),
    "hosts scheme": (
        "roadie: {domain: a.org, hosts: ['ssh://root@web1']}\n",
        "fabric.yaml, roadie.hosts: 'ssh://root@web1' is an address; write only [user@]host[:port]",
    ),
    "hosts port": (
        "roadie: {domain: a.org, hosts: ['web1:99999']}\n",
        "fabric.yaml, roadie.hosts: must be a host such as web1.example.org or admin@web1:2222, not 'web1:99999'",
    ),
    "hosts roles": (
        "roadie: {domain: a.org, hosts: {web1: [wbe]}}\n",
        "fabric.yaml, roadie.hosts.web1: 'wbe' is no role (did you mean web?)",
    ),
    "hosts twice": (
        "roadie: {domain: a.org, hosts: [web1, root@web1]}\n",
        "fabric.yaml, roadie.hosts: 'web1' and 'root@web1' are one host; leave one out",
    ),
    "bool": (
        "roadie: {domain: a.org, overlay: maybe}\n",
        "fabric.yaml, roadie.overlay: must be true, false, or a list of Django settings such as "
        "[DATABASES, SECRET_KEY], not 'maybe' (docs/settings.rst names them)",
    ),
    "size": (
        "roadie: {domain: a.org, client_max_body_size: 20 MB}\n",
        "fabric.yaml, roadie.client_max_body_size: must be a size in bytes such as 20m (k, m or g), not '20 MB'",
    ),
    "health": (
        "roadie: {domain: a.org, health: status}\n",
        "fabric.yaml, roadie.health: must be a path that begins with '/', such as /healthz, not 'status'",
    ),
    "database": (
        "roadie: {domain: a.org, database: mysq}\n",
        "fabric.yaml, roadie.database: must be the word mysql or postgresql or sqlite or external, not 'mysq'",
    ),
    "null byte": (
        'roadie: {domain: "a\\0b"}\n',
        "fabric.yaml, roadie.domain: must be a host name such as www.example.org, not 'a\\x00b'",
    ),
    "nul raw": (
        "roadie: {domain: a\x00b}\n",
        "fabric.yaml: unacceptable character #x0000: special characters are not allowed; take it out, or write it as \\x.. in double quotes",
    ),
    "secrets": (
        "roadie: {domain: a.org, secrets: {KEY: hunter2}}\n",
        "fabric.yaml, roadie.secrets.KEY: must say its source: {command: ...}, {file: ...}, {env: ...} or {prompt: true}",
    ),
    "complex key": (
        "roadie:\n  ? [a]\n  : b\n",
        "fabric.yaml line 2, column 5: found unhashable key; write a key as text",
    ),
    "django": (
        "roadie: {domain: a.org, django: {LANGUAGE_CODE: no}}\n",
        "fabric.yaml line 1, column 49: roadie.django.LANGUAGE_CODE: no is false to YAML; put it in quotes, or write false",
    ),
    "UTF-16": (
        "roadie: {domain: a.org}".encode("utf-16"),
        "fabric.yaml: is UTF-16, as PowerShell's > writes it; save it as UTF-8",
    ),
    "Latin-1": (
        "roadie:\n  domain: www.example.org\n  env: {TOWN: Köln}\n".encode("latin-1"),
        "fabric.yaml: line 3 is not UTF-8 (byte 0xf6); save it as UTF-8",
    ),
    "a number without end": (
        f"roadie: {{domain: a.org, workers: {'9' * 5000}}}",
        "fabric.yaml line 1, column 34: roadie.workers: a number of 5000 digits; if it is text, put it in quotes",
    ),
    "lists in lists": (
        f"roadie: {'[' * 3000}{']' * 3000}",
        "fabric.yaml: its lists and mappings lie too deep in each other; write it flatter",
    ),
    "anchors in anchors": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in ("ab", "bc", "cd", "de")),
        "fabric.yaml line 1, column 32: with its anchors filled in, the file has more than 20000 values; "
        "write it out",
    ),
    "an anchor in itself": (
        "roadie: &a [*a]\n",
        "fabric.yaml line 1, column 9: with its anchors filled in, the file has more than 20000 values; "
        "write it out",
    ),
}


def settings_of(folder, text):
    """Read a file as `fab` does."""
    (folder / "fabric.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    config = Config(lazy=True)
    config.set_project_location(str(folder))
    config.load_project()
    config.load_shell_env()
    return read(Context(config))


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_one_line(tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as caught:
        settings_of(tmp_path, text)
    assert str(caught.value) == says
    assert caught.value.exit_code == 2
    assert len(says) < 300


RIGHT = {
    "a byte order mark": "\ufeffroadie: {domain: a.org}\n",
    "words for switches": "roadie: {domain: a.org, overlay: no}\n",
    "numbers and quotes": "roadie: {domain: a.org, env: {A: 5, B: '010', C: true, D: 'NO', E: -3}}\n",
    "odd numbers of others": "roadie: {domain: a.org}\nmine: {mode: 0644, at: 22:30, is: yes}\n",
    "a merged mapping": "x: &x {A: a}\nroadie: {domain: a.org, env: {<<: *x, A: b}}\n",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_a_file_that_means_what_it_says_is_read(tmp_path, text):
    assert settings_of(tmp_path, text).domain == ("a.org",)


AS_WRITTEN = """
more: &more {CODE: 0123}
roadie:
  domain: www.example.org
  env: {<<: *more, ZIP: 01067, OPENS: 22:30, COUNTRY: NO, RATE: 1.10, DAY: 2026-01-01, BIG: 1_000, HEX: 0xff,
    NONE: "", IS: true, ISNT: FALSE, WORD: on, TALL: .inf, FIVE: 5, QUOTED: '010'}
"""


def test_a_value_of_the_environment_is_the_text_that_is_written(tmp_path):
    assert settings_of(tmp_path, AS_WRITTEN).env == {
        "CODE": "0123",
        "ZIP": "01067",
        "OPENS": "22:30",
        "COUNTRY": "NO",
        "RATE": "1.10",
        "DAY": "2026-01-01",
        "BIG": "1_000",
        "HEX": "0xff",
        "NONE": "",
        "IS": "True",
        "ISNT": "False",
        "WORD": "on",
        "TALL": ".inf",
        "FIVE": "5",
        "QUOTED": "010",
    }
