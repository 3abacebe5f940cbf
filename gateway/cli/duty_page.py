"""docs/duties.md, from the duty table; `python -m gateway.cli.duty_page` writes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from gateway.cli.duties import USES, state_of
from gateway.core.duty import Law
from gateway.core.duty_table import ProviderClass
from gateway.core.records import RECORD_TYPES
from gateway.installed import law

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "duties.md"

_HEAD: Final = """\
<!-- written by python -m gateway.cli.duty_page -->
# Who must give what, and who may see it

The duty table, rules {version}: `schemas/duties`, one file for each class of organisation. Admission
and routing read it and nothing else. A change of it is an entry in the ledger, and every receipt
names the version that judged. `cms-gateway duties list` and `duties show` say the same of a running
gateway's own table.

Sure: **V** read in the text cited; **S** read in a secondary source; **P** our proposal. The
regulations do not itemise fields for any class; the limit is necessity, and which groups each use
needs is our reading of it (P), to be confirmed before it is relied on. A class whose instrument was
not found is off until a citation is entered (`cms-gateway duties enable`).
"""


def page(table: Law) -> str:
    """The whole page."""
    parts = [_HEAD.format(version=table.version), "\n## Purposes\n\n"]
    parts.append("| Purpose | For | Use | Citation | Sure |\n|---|---|---|---|---|\n")
    parts += [
        f"| `{p.code}` | {p.title} | {p.use} | {p.citation} | {p.confidence} |\n"
        for p in table.purposes.values()
    ]
    parts.append("\n## Classes\n\n| Class | Who | State | In force | Sure | Citation |\n")
    parts.append("|---|---|---|---|---|---|\n")
    parts += [_line(item) for item in table.classes.values()]
    for item in table.classes.values():
        parts += _section(item)
    parts.append(_groups())
    return "".join(parts)


def _line(item: ProviderClass) -> str:
    return (
        f"| [`{item.slug}`](#{item.slug}) | {item.title} | {state_of(item)} | {item.in_force} "
        f"| {item.confidence} | {item.citation} |\n"
    )


def _section(item: ProviderClass) -> list[str]:
    parts = [f"\n### {item.slug}\n\n{item.title}.{f' {item.note}' if item.note else ''}"]
    if item.barred:
        parts.append(f" Never for {', '.join(f'`{code}`' for code in item.barred)}.")
    parts.append(f"\n\n| Record type | {' | '.join(USES)} |\n|---|---|---|---|\n")
    for line in item.sends:
        cells = [" ".join(f"`{group}`" for group in line.groups(use)) for use in USES]
        parts.append(f"| `{line.record_type}` | {' | '.join(cells)} |\n")
    for duty in item.standing:
        what = ", ".join(f"`{name}`" for name in duty.record_types)
        parts.append(f"\nSent without being asked: {what} ({duty.citation}).\n")
    return parts


def _groups() -> str:
    """Which fields each group has, so that a line of the table says what is seen to the last one."""
    fields: dict[str, set[str]] = {}
    for record in RECORD_TYPES.values():
        for member in msgspec.structs.fields(record):
            if member.name in record.group_names:
                kind = _group_of(member.type)
                fields.setdefault(member.name, set()).update(kind.__struct_fields__)
    lines = [
        "\n## Groups\n\nA group is seen whole or not at all.\n\n| Group | Fields |\n|---|---|\n"
    ]
    for name, members in sorted(fields.items()):
        lines.append(f"| `{name}` | {', '.join(sorted(members))} |\n")
    return "".join(lines)


def _group_of(annotation: object) -> type[msgspec.Struct]:
    """The group's type in `Group` or `Group | None`."""
    choices = getattr(annotation, "__args__", (annotation,))
    found = next(choice for choice in choices if choice is not type(None))
    assert isinstance(found, type)
    assert issubclass(found, msgspec.Struct)
    return found


if __name__ == "__main__":
    PAGE.write_text(page(law()), encoding="utf-8")
