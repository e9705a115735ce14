#!/usr/bin/env python3
"""Writes docs/field-table.md from the payload definition.

    python3 docs/field-table.py           writes the page
    python3 docs/field-table.py --check   ends with 1 if the page is out of date

Needs Python 3.11 or later (tomllib), and nothing else.
"""

import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:
    sys.exit("docs/field-table.py needs Python 3.11 or later")

ROOT = Path(__file__).resolve().parent.parent
DEFINITION = ROOT / "config" / "payload" / "dfe-csc-0.9.toml"
PAGE = ROOT / "docs" / "field-table.md"

# The lookups that the rule for placements brings along.
BROUGHT = {"placements": {"first": "ssd_cla_episodes", "last": "ssd_cla_episodes"}}
NOTES = {"first": "earliest care episode of the placement", "last": "latest care episode of the placement"}

HEAD = """\
# The field table

Every attribute of the document, made from `config/payload/{file}` by `docs/field-table.py`. Do not edit this page: change the
definition and run the script. What the words mean is in [Add a field](add-a-field.md).

Attribute 1, the authority's three-digit code, stands in the address of the request and comes from `la_code`.

| # | path in the document | SSD table and column | type | length, range, codes |
|---|---|---|---|---|
"""


def table_of(block, blocks, people):
    """The table whose row a block shows."""
    if "table" in block:
        return block["table"]
    parent = block["path"].rpartition(".")[0]
    if not block["path"]:
        return people
    return table_of(blocks[parent], blocks, people)


def source(field, block, blocks, people):
    """Where a field's value comes from, in words."""
    lookups = {lookup["as"]: lookup["table"] for lookup in block.get("lookups", [])}
    lookups |= BROUGHT.get(block.get("function"), {})

    def place(reference):
        name, dot, column = reference.partition(".")
        if field["type"] == "found":
            return f"`{lookups[name]}`, whether there is such a row"
        if not dot:
            return f"`{table_of(block, blocks, people)}.{reference}`"
        note = f" ({NOTES[name]})" if name in NOTES else ""
        return f"`{lookups.get(name, name)}.{column}`{note}"

    text = place(field["column"])
    if "fallback" in field:
        text += f", else {place(field['fallback'])}"
    return text


def limits(field, codes):
    """What a value may be, in words."""
    words = []
    if field.get("required") or field.get("record_id"):
        words.append("required")
    if "length" in field:
        words.append(f"exactly {field['length']} characters")
    if "max" in field:
        words.append(f"up to {field['max']} characters")
    if "pattern" in field:
        words.append("pattern")
    if "range" in field:
        words.append("{} to {}".format(*field["range"]))
    if "codes" in field:
        words.append(f"code set `{field['codes']}` ({len(codes[field['codes']]['codes'])} codes)")
    if "max_items" in field:
        words.append(f"at most {field['max_items']} members")
    if "default" in field:
        words.append(f"`{field['default']}` where there is none")
    if "not_before" in field:
        words.append(f"not before `{field['not_before']}`")
    return ", ".join(words)


def page():
    """The page's text."""
    definition = tomllib.loads(DEFINITION.read_text(encoding="utf-8"))
    blocks = {block["path"]: block for block in definition["block"]}
    people = definition["cohort"]["table"]
    rows = []
    for block in definition["block"]:
        for field in block.get("fields", []):
            path = f"{block['path']}.{field['key']}".lstrip(".")
            number = field.get("n")
            where = source(field, block, blocks, people)
            row = f"| {number or '-'} | `{path}` | {where} | {field['type']} | {limits(field, definition['codes'])} |"
            rows.append((number or 0, row))
        if block.get("purge"):
            path = f"{block['path']}.purge".lstrip(".")
            rows.append((10_000, f"| - | `{path}` | `false`; `true` in a [purge](documents.md#what-is-said-how) | boolean | |"))
    rows.sort(key=lambda row: row[0])
    return HEAD.format(file=DEFINITION.name) + "\n".join(row for _, row in rows) + "\n"


def main():
    text = page()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/field-table.md is out of date: run python3 docs/field-table.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        PAGE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
