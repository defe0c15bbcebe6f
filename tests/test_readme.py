"""What the documents say exists, and what a user, an author of flows or an operator needs stands in them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bot.__main__ import main
from bot.settings import NAMES
from flows import read as flow_reader
from flows.check import SENTENCES, WAYS
from flows.hear.read import INTENTS
from referral import plain
from referral import read as referral_reader
from referral.codes import ANY_OF, COUNTS, LEVELS, ONE_OF

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DOCS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
DECISIONS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))}
PAGES = {"README.md": README, **{f"docs/{name}": text for name, text in DOCS.items()}}
FLOWS, REFERRAL, OPERATION = DOCS["flows.md"], DOCS["referral.md"], DOCS["operation.md"]
FOLDERS = ("bot", "flows", "referral", "storage", "locales", "tests", "docs", "benchmarks", ".ci")
LINES_MAX = 250


def marked(text: str) -> set[str]:
    """Everything between single backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def first_cells(text: str) -> set[str]:
    """What the first cells of tables name."""
    cells = (line.split("|")[1] for line in text.splitlines() if line.startswith("| "))
    return {name for cell in cells for name in marked(cell)}


def part(text: str, heading: str) -> str:
    """The section under this heading, up to the next of the same depth or higher."""
    depth = len(heading) - len(heading.lstrip("#"))
    after = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"\n#{{1,{depth}}} ", after)[0]


def table(text: str, first: str) -> dict[str, set[str]]:
    """First cell → what the second marks, of the table whose head begins with `first`."""
    rows = text.split(f"| {first} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    return {next(iter(marked(row.split("|")[1]))): marked(row.split("|", 2)[2]) for row in rows}


# ---------------------------------------------------------------------------------------------------------- README


def test_the_readme_can_be_read_in_one_sitting():
    assert len(README.splitlines()) <= LINES_MAX


def test_every_setting_is_in_the_readme_and_every_one_there_exists():
    named = set(re.findall(r"NHIPCAU_[A-Z_]*[A-Z]", "".join(PAGES.values())))
    assert named <= set(NAMES)
    assert first_cells(part(README, "## Settings")) == set(NAMES)


def commands(capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        main(["--help"])
    return set(re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE))


def test_every_command_is_in_the_documents_and_every_one_there_exists(capsys: pytest.CaptureFixture[str]):
    known = commands(capsys)
    named = {name: set(re.findall(r"python -m bot (\w+)", text)) for name, text in PAGES.items()}
    assert set().union(*named.values()) - known == set()
    served = {"serve"} if "make run" in README else set()
    assert known - named["README.md"] - served == set()


def test_every_make_target_for_users_is_in_the_readme_and_every_one_there_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    named = {name: set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) for name, text in PAGES.items()}
    assert set().union(*named.values()) - known == set()
    assert known - named["README.md"] == set()


def paths(text: str) -> Iterator[str]:
    for name in marked(text):
        is_ours = name.split("/")[0] in FOLDERS and ("/" in name or name in FOLDERS)
        if is_ours and re.fullmatch(r"[\w./-]+", name):
            yield name


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_named_exists(page: str):
    assert [name for name in paths(PAGES[page]) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_local_link_and_picture_is_there(page: str):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGES[page])
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not ((ROOT / page).parent / link).exists()] == []


def test_every_folder_of_the_code_is_in_the_readme():
    assert {f"{name}/" for name in FOLDERS} - marked(README) == set()


def defined(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def test_every_function_on_the_three_paths_is_in_the_file_named_before_it():
    named = re.findall(r"`([\w/]+\.py)` `(\w+)\(\)`", README)
    assert len(named) > 20
    assert [(path, name) for path, name in named if name not in defined(path)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_place_on_somebodys_machine(page: str):
    assert re.findall(r"/(?:home|root|work|tmp|Users)/", PAGES[page]) == []


# -------------------------------------------------------------------------------------------------------- decisions


def test_decisions_are_numbered_without_a_gap_and_each_is_linked():
    assert [name[:4] for name in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    assert [name for name, text in DECISIONS.items() if not text.startswith(f"# {name[:4]} ")] == []
    assert [name for name in DECISIONS if f"(decisions/{name})" not in DOCS["architecture.md"]] == []


@pytest.mark.parametrize("name", DECISIONS)
def test_every_link_of_a_decision_is_there(name: str):
    links = [link for link in re.findall(r"\]\(([^)#]+)", DECISIONS[name]) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not (ROOT / "docs" / "decisions" / link).exists()] == []


def test_every_package_at_run_time_has_its_reason_and_version_and_none_besides():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {pin.replace("==", " ").lower() for pin in project["dependencies"]}
    text = part(DECISIONS["0001-dependencies.md"], "### Runtime")
    cells = [line.split("|")[1].strip().lower() for line in text.splitlines() if line.startswith("| ")]
    assert {cell.removesuffix(", core") for cell in cells} - {"package"} == wanted
    assert f"The runtime is {len(wanted)} packages" in DECISIONS["0001-dependencies.md"]


def test_every_conversation_is_named_where_they_are_explained():
    flows = {path.stem for path in (ROOT / "flows" / "definitions").glob("*.yaml")} - {"everywhere"}
    assert flows <= marked(FLOWS.split("## A file")[0])


# ----------------------------------------------------------------------------------------------------------- flows


def keys(shape: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(shape)}


@pytest.mark.parametrize(
    ("heading", "shape"),
    [
        ("## A file", flow_reader._Flow),
        ("## A step", flow_reader._Step),
        ("## What works everywhere: `everywhere.yaml`", flow_reader._Everywhere),
    ],
    ids=["file", "step", "everywhere"],
)
def test_every_key_that_is_read_is_explained(heading: str, shape: type[msgspec.Struct]):
    above = re.split(r"\n### |\n\| sentence", part(FLOWS, heading))[0]
    assert first_cells(above) == keys(shape)


def test_every_word_of_do_and_every_placeholder_is_explained():
    assert first_cells(part(FLOWS, "### What happens: `do`")) == flow_reader.DO_WORDS
    placeholders = {name.strip("{}") for name in first_cells(part(FLOWS, "### Placeholders in a text"))}
    assert placeholders == flow_reader.PLACEHOLDERS


def test_every_way_of_asking_and_every_kind_of_media_is_explained():
    step = table(part(FLOWS, "## A step"), "key of a step")
    assert {"choice", "many", "text", "code", "nothing"} <= step["ask"]
    assert set(flow_reader.MEDIA) <= step["accepts"]
    assert step["choices_from"] >= flow_reader.CHOICE_SOURCES


def test_every_kind_of_intake_is_explained():
    file = table(part(FLOWS, "## A file"), "key of a file")
    assert file["intake"] >= flow_reader.INTAKES


def test_every_form_of_condition_in_the_document_can_be_read():
    found = [name for name in first_cells(part(FLOWS, "### Where it goes on")) if name.startswith("{")]
    for text in found:
        raw, problems = flow_reader.parse(
            "docs/flows.md", text.replace("[…]", "[{answered: a}]").replace("…", "{answered: a}")
        )
        assert not problems
        flow_reader.read_condition(raw)
    assert {re.findall(r"\w+", text)[0] for text in found} == {
        "answer", "answered", "level", "heard", "channel", "all", "any", "not",
    }  # fmt: skip


def test_the_intents_in_the_document_exist():
    found = re.findall(r"\{heard: \[([\w, ]+)\]\}", FLOWS)
    assert {name for listed in found for name in listed.split(", ")} <= set(INTENTS)


def test_every_way_and_fixed_sentence_is_explained():
    everywhere = part(FLOWS, "## What works everywhere: `everywhere.yaml`")
    assert set(WAYS) <= marked(everywhere)
    assert first_cells("| sentence" + everywhere.split("| sentence", 1)[1]) == SENTENCES


def test_the_file_in_the_document_can_be_read():
    example = re.findall(r"```yaml\n(flow:.*?)```", FLOWS, re.DOTALL)[0]
    flow, problems = flow_reader.read_flow("tip.yaml", example)
    assert not problems
    assert flow is not None


# -------------------------------------------------------------------------------------------------------- referral


def test_every_fact_and_code_is_explained():
    one = table(REFERRAL, "fact that holds one code")
    several = table(REFERRAL, "fact that holds several")
    assert {name: set(codes) for name, codes in ONE_OF.items()} == one
    assert {name: set(codes) for name, codes in ANY_OF.items()} == several


def test_every_section_of_a_data_file_is_explained():
    assert first_cells(part(REFERRAL, "## The files")) == {*referral_reader._LISTS, "scoring"}


def test_every_form_of_test_in_the_document_can_be_read():
    words = {"child": {"fact": "age", "is": "adult"}}
    inside = part(REFERRAL, "## Tests in rules")
    for text in first_cells(inside):
        raw, problems = flow_reader.parse("docs/referral.md", text.replace("…", "always"))
        assert not problems
        plain.plain_when(raw, words)
    assert set(plain._FORMS) <= set(re.findall(r"\w+", " ".join(first_cells(inside))))
    assert set(COUNTS) <= marked(inside)
    assert set(LEVELS) <= marked(REFERRAL)


# ------------------------------------------------------------------------------------------------------- operation


def test_every_line_of_the_log_is_explained_and_every_one_there_exists():
    written: set[str] = set()
    for path in sorted((ROOT / "bot").rglob("*.py")):
        text = path.read_text("utf-8")
        written |= set(re.findall(r'(?:log\.say|(?:log\.|^ +)warn|_tell_failure)\(\s*"([a-z_.]+)"', text, re.M))
        written |= set(re.findall(r'^[A-Z_]+ = "([a-z]+\.failed)"', text, re.MULTILINE))
    assert first_cells(part(OPERATION, "## The log")) == written
