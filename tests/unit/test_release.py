"""What a release needs: one version, an entry of the changelog, workflows that run our own commands, typed embeds."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path

import npm
import pytest
import release
import yaml

from pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_version_stands_in_one_place() -> None:
    """pyproject.toml; the README names files that carry it, and these are of this version."""
    assert set(re.findall(r"transformer_explainer-([^-]+)-py3", README)) == {release.version()}
    assert "version" not in json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert not re.search(r"^version:", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.M)


def test_a_release_says_what_is_new_in_it() -> None:
    told = release.changes(release.version(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert told.startswith("- **")
    log = "# Changes\n\n## 2.0.0 (May 2027)\n\n- **New.** A thing.\n\n## 1.0.0 (May 2026)\n\n"
    assert release.changes("2.0.0", log) == "- **New.** A thing.\n"
    for version in ("1.0.0", "2.0.1"):  # empty; missing
        with pytest.raises(SystemExit, match=re.escape(version)):
            release.changes(version, log)


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_is_our_own_commands(file: Path) -> None:
    """Nothing that a person at a terminal would not do: `make ...`, and what GitHub alone has."""
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [line for step in steps if "run" in step for line in step["run"].strip().splitlines()]
    makes = [line.split() for line in commands if line.startswith("make ")]
    assert makes and all(made[1] in targets for made in makes), commands
    assert all(line.startswith(("make ", "gh release ")) for line in commands)
    assert workflow["permissions"] and all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)


def test_workflows_test_publish_and_release() -> None:
    said = {file.stem: file.read_text(encoding="utf-8") for file in WORKFLOWS}
    assert "make test" in said["test"] and "make release" in said["release"] and "make site" in said["pages"]


USER = """import { load, type Widget } from 'transformer-explainer-embed';

const widget: Widget = 'temperature';
await load('https://your.host/path/');
const element = document.createElement('transformer-explainer');
element.setAttribute('widget', widget);
element.addEventListener('explainer:live', ({ detail }) => console.log(detail.ms.toFixed(0), detail.how));
element.addEventListener('explainer:change', ({ detail }) => console.log(detail.prompt?.length));
element.addEventListener('explainer:failed', ({ detail }) => console.log(detail.message.length));
document.body.append(element);
"""
WRONG = """import { load, type Widget } from 'transformer-explainer-embed';

// @ts-expect-error no such figure
const widget: Widget = 'temprature';
// @ts-expect-error the address of the site is missing
await load();
document.createElement('transformer-explainer').addEventListener('explainer:live', ({ detail }) => {
  // @ts-expect-error no such word
  console.log(detail.seconds, widget);
});
"""


def test_the_packed_element_types_a_users_file(tmp_path: Path) -> None:
    """`npm pack`, unpacked where npm would put it, and TypeScript, strict, on somebody's two files."""
    release.write_package(tmp_path / "package")
    packed = release.npm_pack(tmp_path / "package", tmp_path)
    assert packed.name == f"transformer-explainer-embed-{release.version()}.tgz"
    modules = tmp_path / "user" / "node_modules"
    modules.mkdir(parents=True)
    with tarfile.open(packed) as tar:
        tar.extractall(modules, filter="data")
    (modules / "package").rename(modules / release.PACKAGE)
    names = {file.name for file in (modules / release.PACKAGE).iterdir()}
    assert names == {"package.json", "index.js", "index.d.ts", "README.md", "LICENSE"}
    (tmp_path / "user" / "right.ts").write_text(USER)
    (tmp_path / "user" / "wrong.ts").write_text(WRONG)
    options = [
        "--strict",
        "--noEmit",
        "--skipDefaultLibCheck",
        "--target",
        "es2022",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    tsc = ["node", ROOT / "node_modules" / "typescript" / "bin" / "tsc", *options]
    done = subprocess.run(
        [*tsc, "right.ts", "wrong.ts"],
        cwd=tmp_path / "user",
        env=npm.environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_types_name_every_figure_and_all_that_the_element_says() -> None:
    said = release.types()
    assert all(f"| '{widget.slug}'" in said for page in PAGES for widget in page.widgets)
    source = (ROOT / "build" / "web" / "embed.js").read_text(encoding="utf-8")
    for event in re.findall(r"`(explainer:\w+)`", README):
        assert f"'{event}': CustomEvent<" in said and event in source
